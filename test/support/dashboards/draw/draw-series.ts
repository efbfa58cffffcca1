/** A line chart: lines, stacks, bands, thresholds, incidents as shaded spans; a gap is a gap. */
import type { TimeSeriesPanel } from "../../../../dashboards/spec.ts";
import { formatted } from "./format.ts";
import { linearScale, logScale, type Scale } from "./scale.ts";
import {
  at,
  type Box,
  colorOf,
  escaped,
  fitted,
  ink,
  path,
  plainColor,
  rect,
  text,
} from "./svg.ts";

export interface Line {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly times: readonly number[];
  readonly lines: readonly Line[];
}

export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Plot {
  readonly box: Box;
  readonly x: (ms: number) => number;
  readonly y: (value: number) => number;
}

export function drawSeries(
  panel: TimeSeriesPanel,
  chart: Chart,
  box: Box,
  around: { readonly range: TimeSpan; readonly incidents: readonly TimeSpan[] },
): string {
  const lines = panel.isStacked === true ? stacked(chart.lines) : chart.lines;
  const scale = scaleOf(panel, lines);
  const plot: Plot = {
    box: { x: box.x + 62, y: box.y + 6, width: box.width - 74, height: box.height - 46 },
    x: (ms) =>
      plot.box.x +
      ((ms - around.range.fromMs) / (around.range.toMs - around.range.fromMs)) * plot.box.width,
    y: (value) => plot.box.y + (1 - Math.max(0, Math.min(1, scale.place(value)))) * plot.box.height,
  };
  const bands = panel.bands ?? [];
  const bounds = new Set(bands.flatMap(({ low, high }) => [low, high]));
  const shown = lines.filter(({ name }) => !bounds.has(name));
  const color = (name: string, index: number) =>
    plainColor(panel.columns?.[name]?.color ?? colorOf(index));
  return [
    ...around.incidents.map(({ fromMs, toMs }) => {
      const left = Math.max(plot.box.x, plot.x(fromMs));
      const right = Math.min(plot.box.x + plot.box.width, plot.x(toMs));
      return rect({ ...plot.box, x: left, width: right - left }, "#E02F44", 'opacity=".12"');
    }),
    axes(panel, plot, scale, around.range),
    ...bands.map(({ low, high }) => band(chart, plot, low, high)),
    ...shown.map(({ name, values }, index) =>
      panel.isStacked === true
        ? area(chart.times, values, shown[index - 1]?.values, plot, color(name, index))
        : path(
            linePath(chart.times, values, plot),
            `fill="none" stroke="${color(name, index)}" stroke-width="1.3"`,
          ),
    ),
    ...(panel.thresholds ?? []).flatMap(({ from, color: ofThreshold }) =>
      from === undefined || scale.place(from) > 1
        ? []
        : path(
            `M${at(plot.box.x)} ${at(plot.y(from))}h${at(plot.box.width)}`,
            `stroke="${plainColor(ofThreshold)}" stroke-dasharray="6 4"`,
          ),
    ),
    legend(
      shown.map(({ name }, index) => ({ name, color: color(name, index) })),
      box,
    ),
  ].join("");
}

function stacked(lines: readonly Line[]): readonly Line[] {
  let below: readonly (number | null)[] = [];
  return lines.map(({ name, values }) => {
    const sums = values.map((value, i) =>
      value === null ? (below[i] ?? null) : value + (below[i] ?? 0),
    );
    below = sums;
    return { name, values: sums };
  });
}

function scaleOf(panel: TimeSeriesPanel, lines: readonly Line[]): Scale {
  const values = lines
    .flatMap((line) => line.values)
    .filter((value) => value !== null)
    .sort((a, b) => a - b);
  const high = values.at(-1) ?? 1;
  if (panel.isLogarithmic === true) {
    const positive = values.filter((value) => value > 0);
    return logScale(positive[0] ?? 0.1, positive.at(-1) ?? 1);
  }
  return linearScale(Math.min(0, values[0] ?? 0), Math.max(high, panel.max ?? 0) || 1);
}

function axes(panel: TimeSeriesPanel, { box, x, y }: Plot, scale: Scale, range: TimeSpan): string {
  const minutes = (range.toMs - range.fromMs) / 60_000;
  const step =
    ([5, 15, 30, 60, 120, 180, 360, 720, 1440].find((each) => minutes / each <= 8) ?? 2880) *
    60_000;
  const times: number[] = [];
  for (let ms = Math.ceil(range.fromMs / step) * step; ms <= range.toMs; ms += step) times.push(ms);
  return [
    ...scale.ticks.map((tick) =>
      path(`M${at(box.x)} ${at(y(tick))}h${at(box.width)}`, `stroke="${ink.line}"`),
    ),
    ...scale.ticks.map((tick) =>
      text(
        box.x - 6,
        y(tick) + 3.5,
        formatted(tick, panel.unit, Math.max(1, panel.decimals ?? 1)),
        {
          size: 10,
          color: ink.quiet,
          anchor: "end",
        },
      ),
    ),
    ...times.map((ms) =>
      text(x(ms), box.y + box.height + 14, new Date(ms).toISOString().slice(11, 16), {
        size: 10,
        color: ink.quiet,
        anchor: "middle",
      }),
    ),
  ].join("");
}

/** Points of each stretch without a gap. */
function stretches(
  times: readonly number[],
  values: readonly (number | null)[],
): (readonly [number, number])[][] {
  const found: (readonly [number, number])[][] = [[]];
  values.forEach((value, i) => {
    if (value === null) found.push([]);
    else found.at(-1)?.push([times[i] ?? 0, value]);
  });
  return found.filter((stretch) => stretch.length > 0);
}

function linePath(
  times: readonly number[],
  values: readonly (number | null)[],
  { x, y }: Plot,
): string {
  return stretches(times, values)
    .map((stretch) => {
      const points = stretch.map(([ms, value]) => `${at(x(ms))} ${at(y(value))}`);
      return points.length === 1 ? `M${points[0]}h.8` : `M${points.join("L")}`;
    })
    .join("");
}

function area(
  times: readonly number[],
  values: readonly (number | null)[],
  below: readonly (number | null)[] | undefined,
  plot: Plot,
  color: string,
): string {
  const upper = values.map((value, i) => [times[i] ?? 0, value ?? 0] as const);
  const lower = values.map((_, i) => [times[i] ?? 0, below?.[i] ?? 0] as const).reverse();
  const point = ([ms, value]: readonly [number, number]) =>
    `${at(plot.x(ms))} ${at(plot.y(value))}`;
  return path(
    `M${upper.map(point).join("L")}L${lower.map(point).join("L")}Z`,
    `fill="${color}" fill-opacity=".45" stroke="none"`,
  );
}

function band({ times, lines }: Chart, plot: Plot, lowName: string, highName: string): string {
  const valuesOf = (name: string) => lines.find((line) => line.name === name)?.values ?? [];
  const low = valuesOf(lowName);
  const high = valuesOf(highName).map((value, i) => (low[i] === null ? null : value));
  let from = 0;
  return stretches(times, high)
    .map((stretch) => {
      const first = times.indexOf(stretch[0]?.[0] ?? 0, from);
      from = first;
      const down = stretch
        .map(([ms], i) => `${at(plot.x(ms))} ${at(plot.y(low[first + i] ?? 0))}`)
        .reverse();
      const up = stretch.map(([ms, value]) => `${at(plot.x(ms))} ${at(plot.y(value))}`);
      return path(`M${up.join("L")}L${down.join("L")}Z`, `fill="${ink.quiet}" fill-opacity=".28"`);
    })
    .join("");
}

function legend(
  entries: readonly { readonly name: string; readonly color: string }[],
  box: Box,
): string {
  let x = box.x + 8;
  const y = box.y + box.height - 8;
  const parts: string[] = [];
  for (const { name, color } of entries) {
    const words = fitted(name, 190, 10.5);
    const width = 22 + words.length * 5.9;
    if (x + width > box.x + box.width - 12) {
      parts.push(text(x, y, "…", { color: ink.quiet }));
      break;
    }
    parts.push(rect({ x, y: y - 5, width: 10, height: 3 }, color));
    parts.push(text(x + 14, y, words, { size: 10.5, color: ink.quiet }));
    x += width;
  }
  return `<g><title>${escaped(entries.map(({ name }) => name).join(", "))}</title>${parts.join("")}</g>`;
}
