/** Charts over time on one cursor: hovering one shows the same moment in all. Colours come from the page's tokens. */
import uPlot from "uplot";
import type { IncidentDetail, Point } from "../../contracts/http-api.ts";
import { formatExpected, formatNumber, formatValue, plural } from "./format.ts";

export interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly breach: {
    readonly what: string;
    readonly lowMs: number;
    readonly medianMs: number;
    readonly highMs: number;
  } | null;
}

const cursorGroup = "incident";
const axisFont = "12px system-ui, sans-serif";

/** A token as a colour that a canvas takes: the scheme is resolved by asking an element for it. */
function token(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Times are in seconds, as uPlot has them. */
const seconds = (ms: number) => ms / 1_000;

function baseOptions(
  width: number,
  height: number,
  { span, isLabelled }: { readonly span: Span; readonly isLabelled: boolean },
): Omit<uPlot.Options, "series"> {
  return {
    width,
    height,
    padding: [12, 64, 0, 0],
    cursor: { sync: { key: cursorGroup }, points: { size: 6 }, drag: { x: true, y: false } },
    legend: { live: true },
    plugins: [spanPlugin(span, isLabelled)],
  };
}

function axes(format: (value: number) => string): uPlot.Axis[] {
  const shared = {
    stroke: token("muted"),
    font: axisFont,
    grid: { stroke: token("rule"), width: 1 },
    ticks: { show: false },
  };
  return [
    { ...shared, size: 32, space: 80, values: (_, ticks) => ticks.map((tick) => clock(tick)) },
    { ...shared, size: 64, space: 36, values: (_, ticks) => ticks.map((tick) => format(tick)) },
  ];
}

function clock(second: number): string {
  return new Date(second * 1_000).toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
  });
}

const timeSeries: uPlot.Series = {
  label: "time",
  value: (_, second) =>
    second === null ? "–" : new Date(second * 1_000).toLocaleTimeString("en-GB"),
};

/** The leading signal: seen as a line, expected as a band. Ratios and counts from zero, latencies over decades by logarithm. */
export function signalChart(
  parent: HTMLElement,
  { points, unit, words }: NonNullable<IncidentDetail["series"]>,
  span: Span,
): uPlot {
  const format = (value: number | null) => formatValue(value, unit);
  const data = columns(points, [
    (point) => point.low,
    (point) => point.high,
    (point) => point.expected,
    (point) => point.seen,
  ]);
  const values = points
    .flatMap(({ seen, high, low }) => [seen, high, low])
    .filter((value) => value !== null && value > 0);
  const [least, most] = [
    Math.min(...(values as number[])),
    Math.max(...(values as number[]), 1e-9),
  ];
  const isWide = unit === "µs" && most / least > 30;
  return new uPlot(
    {
      ...baseOptions(parent.clientWidth, 240, { span, isLabelled: true }),
      scales: {
        x: { range: () => timeRange(points, span) },
        y: isWide ? { distr: 3 } : { range: [0, most * 1.12] },
      },
      axes: axes((value) => format(value)),
      series: [
        timeSeries,
        {
          label: "from",
          stroke: "transparent",
          value: (_, value) => format(value),
          points: { show: false },
        },
        {
          label: "to",
          stroke: "transparent",
          value: (_, value) => format(value),
          points: { show: false },
        },
        {
          label: "expected",
          stroke: token("muted"),
          width: 1,
          dash: [4, 4],
          value: (chart, _, __, at) =>
            at === null
              ? "–"
              : formatExpected(chart.data[1]?.[at] ?? null, chart.data[2]?.[at] ?? null, unit),
          points: { show: false },
        },
        {
          label: words,
          stroke: token("accent"),
          width: 2,
          value: (_, value) => format(value),
          points: { show: false },
        },
      ],
      bands: [{ series: [2, 1], fill: token("band") }],
      hooks: { draw: [(chart) => labelLast(chart, 4, format)] },
    },
    data,
    parent,
  );
}

/** How many of the incident's cells were unusual, as an area. */
export function spreadChart(
  parent: HTMLElement,
  spread: IncidentDetail["spread"],
  points: readonly Point[],
  span: Span,
): uPlot {
  const times = spread.map(({ atMs }) => seconds(atMs));
  const most = Math.max(1, ...spread.map(({ anomalous, watching }) => anomalous + watching));
  const format = (value: number | null) => (value === null ? "–" : formatNumber(value));
  return new uPlot(
    {
      ...baseOptions(parent.clientWidth, 160, { span, isLabelled: false }),
      scales: {
        x: { range: () => timeRange(points.length > 0 ? points : spread, span) },
        y: { range: [0, most * 1.15] },
      },
      axes: axes((value) => (Number.isInteger(value) ? format(value) : "")),
      series: [
        timeSeries,
        {
          label: "cells unusual",
          stroke: token("watching"),
          fill: token("watching-soft"),
          width: 1,
          paths: stepped,
          value: (_, value) => format(value),
          points: { show: false },
        },
        {
          label: "of them far out",
          stroke: token("page"),
          fill: token("page-soft"),
          width: 1.5,
          paths: stepped,
          value: (_, value) => format(value),
          points: { show: false },
        },
      ],
      hooks: {
        draw: [
          (chart) => labelLast(chart, 1, (value) => (value === null ? "" : plural(value, "cell"))),
        ],
      },
    },
    [
      times,
      spread.map(({ anomalous, watching }) => anomalous + watching),
      spread.map(({ anomalous }) => anomalous),
    ],
    parent,
  );
}

const stepped = uPlot.paths.stepped?.({ align: 1 }) ?? (() => null);

function columns(
  points: readonly Point[],
  reads: readonly ((point: Point) => number | null)[],
): uPlot.AlignedData {
  return [points.map(({ atMs }) => seconds(atMs)), ...reads.map((read) => points.map(read))];
}

/** Data, and the forecast as far as it is near. */
function timeRange(
  points: readonly { readonly atMs: number }[],
  { breach }: Span,
): [number, number] {
  const from = points[0]?.atMs ?? 0;
  const to = points.at(-1)?.atMs ?? 1;
  const ahead = breach === null ? to : Math.min(breach.highMs, to + (to - from));
  return [seconds(from), seconds(Math.max(to, ahead))];
}

/** Shades the incident, and ahead of it the time in which the breach is forecast; over the grid, when it is most likely. */
function spanPlugin({ sinceMs, untilMs, breach }: Span, isLabelled: boolean): uPlot.Plugin {
  const xOf = ({ bbox, valToPos }: uPlot, ms: number) =>
    Math.min(bbox.left + bbox.width, Math.max(bbox.left, valToPos(seconds(ms), "x", true)));
  const shade = (chart: uPlot) => {
    const { ctx, bbox } = chart;
    const fill = (fromMs: number, toMs: number, style: string) => {
      ctx.fillStyle = style;
      ctx.fillRect(
        xOf(chart, fromMs),
        bbox.top,
        xOf(chart, toMs) - xOf(chart, fromMs),
        bbox.height,
      );
    };
    ctx.save();
    fill(sinceMs, untilMs, token("span"));
    if (breach !== null) fill(breach.lowMs, breach.highMs, token("page-soft"));
    ctx.restore();
  };
  const mark = (chart: uPlot) => {
    if (breach === null) return;
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.fillStyle = token("page");
    ctx.fillRect(xOf(chart, breach.medianMs), bbox.top, devicePixelRatio, bbox.height);
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    // What is told rises, so the corner below is free.
    ctx.textBaseline = "bottom";
    const at = xOf(chart, breach.lowMs) + 4 * devicePixelRatio;
    const room = bbox.left + bbox.width - at;
    if (isLabelled && ctx.measureText(breach.what).width <= room)
      ctx.fillText(breach.what, at, bbox.top + bbox.height - 6 * devicePixelRatio);
    ctx.restore();
  };
  return { hooks: { drawClear: [shade], draw: [mark] } };
}

/** The newest value at the line's end. */
function labelLast(chart: uPlot, series: number, format: (value: number | null) => string): void {
  const values = chart.data[series];
  if (values === undefined) return;
  let at = values.length - 1;
  while (at >= 0 && (values[at] === null || values[at] === undefined)) at--;
  const value = values[at];
  const time = chart.data[0][at];
  if (value === null || value === undefined || time === undefined) return;
  const { ctx } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
  ctx.fillStyle = token("text");
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(
    format(value),
    chart.valToPos(time, "x", true) + 6 * ratio,
    chart.valToPos(value, "y", true),
  );
  ctx.restore();
}
