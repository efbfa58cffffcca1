/** A dashboard as a picture: panels where Grafana would put them, drawn from the results of their queries. */
import { buildDashboard } from "../../../../dashboards/build-dashboard.ts";
import type { DashboardSpec, PanelSpec } from "../../../../dashboards/spec.ts";
import type { Result } from "../compare.ts";
import { drawBars, drawStat, drawStates, drawTable, drawText } from "./draw-others.ts";
import { type Chart, drawSeries, type Line, type TimeSpan } from "./draw-series.ts";
import { type Box, fitted, ink, rect, text } from "./svg.ts";

export interface Picture {
  readonly dashboard: DashboardSpec;
  readonly range: TimeSpan;
  readonly incidents: readonly TimeSpan[];
  /** By the panel's title. */
  readonly results: ReadonlyMap<string, Result>;
  /** A line under the title: what was chosen, and of what run. */
  readonly note: string;
}

const width = 1280;
const unit = 30;
const gap = 6;
const top = 58;

export function drawDashboard(picture: Picture): string {
  const { dashboard } = picture;
  const parts: string[] = [];
  let bottom = top;
  let y = 0;
  for (const { title, panels } of dashboard.rows) {
    if (title !== undefined) {
      parts.push(text(14, top + y * unit + 19, `▾ ${title}`, { size: 13, isBold: true }));
      y += 1;
    }
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      if (x + panel.width > 24) {
        y += height;
        x = 0;
        height = 0;
      }
      const box = {
        x: 8 + (x * (width - 16)) / 24,
        y: top + y * unit,
        width: (panel.width * (width - 16)) / 24 - gap,
        height: panel.height * unit - gap,
      };
      parts.push(frame(panel, box, picture));
      x += panel.width;
      height = Math.max(height, panel.height);
      bottom = Math.max(bottom, box.y + box.height);
    }
    y += height;
  }
  const variables = (buildDashboard(dashboard).templating?.list ?? []).map(({ label }) => label);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${Math.ceil(bottom + 10)}" font-family="Inter, Helvetica, Arial, sans-serif">`,
    rect({ x: 0, y: 0, width, height: bottom + 10 }, ink.page),
    text(14, 26, dashboard.title, { size: 18, isBold: true }),
    text(14, 45, picture.note, { size: 11.5, color: ink.quiet }),
    text(width - 14, 26, variables.join("  ·  "), { size: 11, color: ink.quiet, anchor: "end" }),
    ...parts,
    "</svg>\n",
  ].join("");
}

function frame(panel: PanelSpec, box: Box, picture: Picture): string {
  const inner = { x: box.x, y: box.y + 28, width: box.width, height: box.height - 30 };
  return [
    "<g>",
    rect(box, ink.panel, `stroke="${ink.line}" rx="3"`),
    text(box.x + 10, box.y + 19, fitted(panel.title, box.width - 20, 12.5), {
      size: 12.5,
      isBold: true,
    }),
    body(panel, inner, picture),
    "</g>",
  ].join("");
}

function body(panel: PanelSpec, box: Box, picture: Picture): string {
  if (panel.type === "text") return drawText(panel, box);
  const result = picture.results.get(panel.title);
  if (result === undefined || (result.rows.length === 0 && panel.type !== "stat"))
    return text(box.x + box.width / 2, box.y + box.height / 2, "No data", {
      size: 14,
      color: ink.quiet,
      anchor: "middle",
    });
  switch (panel.type) {
    case "stat":
      return drawStat(panel, result, box);
    case "table":
      return drawTable(panel, result, box);
    case "bargauge":
      return drawBars(panel, result, box);
    case "state-timeline":
      return drawStates(panel, chartOf(result), box, picture.range);
    case "timeseries":
      return drawSeries(panel, chartOf(result), box, picture);
  }
}

const number = (value: unknown) => (value === null || value === undefined ? null : Number(value));
const time = (value: unknown) => Date.parse(`${String(value).replace(" ", "T").slice(0, 23)}Z`);

/** Lines out of a wide result (a column each) or a long one (a series each). */
function chartOf({ columns, rows }: Result): Chart {
  const times = [...new Set(rows.map((row) => time(row[0])))];
  if (columns[1]?.name !== "series")
    return {
      times,
      lines: columns
        .slice(1)
        .map(({ name }, i): Line => ({ name, values: rows.map((row) => number(row[i + 1])) })),
    };
  const places = new Map(times.map((each, i) => [each, i]));
  const lines = new Map<string, (number | null)[]>();
  for (const [at, series, value] of rows) {
    const name = String(series);
    const values = lines.get(name) ?? times.map(() => null);
    lines.set(name, values);
    values[places.get(time(at)) ?? 0] = number(value);
  }
  return { times, lines: [...lines].map(([name, values]) => ({ name, values })) };
}
