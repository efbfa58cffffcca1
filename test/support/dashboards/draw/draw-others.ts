/** Panels that are no line charts. */
import type {
  BarPanel,
  Column,
  StatePanel,
  StatPanel,
  TablePanel,
  TextPanel,
} from "../../../../dashboards/spec.ts";
import type { Result } from "../compare.ts";
import type { Chart, TimeSpan } from "./draw-series.ts";
import { formatted } from "./format.ts";
import { at, type Box, fitted, ink, path, plainColor, rect, text, wrapped } from "./svg.ts";

export function drawStat(panel: StatPanel, { rows }: Result, box: Box): string {
  const raw = rows[0]?.[0];
  const value = raw === null || raw === undefined ? undefined : Number(raw);
  const mapped = panel.values?.find((one) => one.value === value);
  const words =
    mapped?.text ??
    (value === undefined ? (panel.noValue ?? "–") : formatted(value, panel.unit, panel.decimals));
  const reached = panel.thresholds
    ?.filter(({ from }) => value !== undefined && (from ?? value) <= value)
    .at(-1);
  const background = mapped?.color ?? reached?.color;
  return [
    background === undefined ? "" : rect(box, plainColor(background), 'opacity=".85" rx="2"'),
    text(box.x + box.width / 2, box.y + box.height / 2 + 10, words, {
      size: 27,
      anchor: "middle",
      isBold: true,
      color: background === undefined ? ink.text : "#fff",
    }),
  ].join("");
}

function cellText(value: unknown, type: string, column: Column | undefined): string {
  if (value === null || value === undefined) return "";
  if (/DateTime/.test(type)) return String(value).slice(0, 19);
  if (Array.isArray(value)) return value.join(", ");
  const mapped = column?.values?.find((one) => one.value === Number(value));
  if (mapped !== undefined) return mapped.text;
  if (!/Int|Float/.test(type)) return String(value);
  return formatted(Number(value), column?.unit ?? "short", column?.decimals ?? 3);
}

const rowHeight = 21;

export function drawTable(panel: TablePanel, result: Result, box: Box): string {
  const columns = result.columns
    .map((column, index) => ({ ...column, index, spec: panel.columns?.[column.name] }))
    .filter(({ spec }) => spec?.isHidden !== true);
  const shown = result.rows.slice(0, Math.max(1, Math.floor((box.height - 30) / rowHeight)));
  const texts = columns.map(({ name, type, index, spec }) => [
    name,
    ...shown.map((row) => cellText(row[index], type, spec)),
  ]);
  const wanted = texts.map(
    (all) => Math.min(44, Math.max(...all.map((each) => each.length), 3)) + 2,
  );
  const total = wanted.reduce((a, b) => a + b, 0);
  let x = box.x + 8;
  const parts: string[] = [];
  columns.forEach(({ type, index, spec }, i) => {
    const width = ((box.width - 16) * (wanted[i] ?? 1)) / total;
    const isNumber = /Int|Float/.test(type) && spec?.values === undefined;
    const right = x + width - 12;
    texts[i]?.forEach((words, row) => {
      const y = box.y + 15 + row * rowHeight;
      const mapped =
        row > 0
          ? spec?.values?.find((one) => one.value === Number(shown[row - 1]?.[index]))
          : undefined;
      const color =
        row === 0
          ? ink.quiet
          : (mapped?.color ?? (spec?.links === undefined ? ink.text : "#6E9FFF"));
      parts.push(
        text(isNumber ? right : x, y, fitted(words, width - 8, 10.5), {
          size: 10.5,
          color,
          ...(isNumber ? { anchor: "end" } : {}),
        }),
      );
    });
    x += width;
  });
  for (let row = 0; row < shown.length; row++)
    parts.push(
      path(
        `M${at(box.x + 6)} ${at(box.y + 21 + row * rowHeight)}h${at(box.width - 12)}`,
        `stroke="${ink.line}"`,
      ),
    );
  if (result.rows.length > shown.length)
    parts.push(
      text(box.x + box.width - 10, box.y + box.height - 3, `${result.rows.length} rows`, {
        size: 10,
        color: ink.quiet,
        anchor: "end",
      }),
    );
  return parts.join("");
}

export function drawStates(
  panel: StatePanel,
  { times, lines }: Chart,
  box: Box,
  range: TimeSpan,
): string {
  const left = box.x + 250;
  const width = box.width - 262;
  const height = Math.min(26, (box.height - 42) / Math.max(1, lines.length));
  const x = (ms: number) =>
    left + ((Math.max(ms, range.fromMs) - range.fromMs) / (range.toMs - range.fromMs)) * width;
  const step = (times[1] ?? range.toMs) - (times[0] ?? range.fromMs);
  const parts: string[] = [];
  lines.forEach(({ name, values }, row) => {
    const y = box.y + 4 + row * height;
    parts.push(
      text(left - 8, y + height / 2 + 4, fitted(name, 240, 10.5), { size: 10.5, anchor: "end" }),
    );
    let from = 0;
    for (let i = 1; i <= values.length; i++) {
      if (i < values.length && values[i] === values[from]) continue;
      const state = panel.values.find((one) => one.value === values[from]);
      const end = Math.min(range.toMs, (times[i - 1] ?? 0) + step);
      if (state !== undefined)
        parts.push(
          rect(
            { x: x(times[from] ?? 0), y, width: x(end) - x(times[from] ?? 0), height: height - 3 },
            state.color,
            'opacity=".85"',
          ),
        );
      from = i;
    }
  });
  let place = box.x + 10;
  for (const { text: words, color } of panel.values) {
    parts.push(rect({ x: place, y: box.y + box.height - 14, width: 10, height: 8 }, color));
    parts.push(text(place + 14, box.y + box.height - 6, words, { size: 10.5, color: ink.quiet }));
    place += 26 + words.length * 6.2;
  }
  const hour = 3_600_000;
  const every =
    [0.25, 0.5, 1, 2, 3, 6].find((each) => (range.toMs - range.fromMs) / (each * hour) <= 10) ?? 12;
  for (
    let ms = Math.ceil(range.fromMs / (every * hour)) * every * hour;
    ms <= range.toMs;
    ms += every * hour
  )
    parts.push(
      text(x(ms), box.y + box.height - 26, new Date(ms).toISOString().slice(11, 16), {
        size: 10,
        color: ink.quiet,
        anchor: "middle",
      }),
    );
  return parts.join("");
}

export function drawBars(panel: BarPanel, { columns, rows }: Result, box: Box): string {
  const values = columns.map(({ name }, i) => ({ name, value: Number(rows[0]?.[i] ?? 0) }));
  const most = Math.max(1, ...values.map(({ value }) => value));
  const height = (box.height - 8) / values.length;
  return values
    .map(({ name, value }, i) => {
      const y = box.y + 4 + i * height;
      const width = ((box.width - 240) * value) / most;
      return (
        text(box.x + 136, y + height / 2 + 3, fitted(name, 128, 10.5), {
          size: 10.5,
          anchor: "end",
        }) +
        rect(
          { x: box.x + 144, y: y + 2, width: Math.max(1, width), height: height - 5 },
          "#5794F2",
        ) +
        text(
          box.x + 150 + width,
          y + height / 2 + 3,
          formatted(value, panel.unit, panel.decimals),
          { size: 10.5 },
        )
      );
    })
    .join("");
}

/** Paragraphs and one table of Markdown. */
export function drawText(panel: TextPanel, box: Box): string {
  const lines = panel.markdown
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("| ---"))
    .flatMap((line) =>
      line.startsWith("|") ? [line] : wrapped(line.replaceAll("`", ""), box.width - 20, 10.5),
    );
  return lines
    .map((line, i) => {
      const y = box.y + 16 + i * 20;
      if (!line.startsWith("|")) return text(box.x + 10, y, line, { size: 10.5, color: ink.quiet });
      const cells = line.split("|").slice(1, -1);
      return cells
        .map((cell, column) =>
          column === 0
            ? text(box.x + 10, y, cell.trim(), { size: 10.5 })
            : text(box.x + 180 + column * 62, y, cell.trim(), { size: 10.5, anchor: "end" }),
        )
        .join("");
    })
    .join("");
}
