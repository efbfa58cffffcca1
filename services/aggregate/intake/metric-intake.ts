/**
 * Metrics: their times drive event time and tell which senders live. What `conventions/metric-table.ts` knows is given to the
 * cell that its attributes name, when the window closes. Counts and sketches of metrics stand in for spans where a cell has
 * none (which detect sees to, who has both); they are never added to them.
 */
import { cellOf, endingOf, metricKeys, tokenTypeOf } from "../conventions/metric-cells.ts";
import {
  isLevel,
  type MetricMapping,
  mappingOf,
  metricMappings,
} from "../conventions/metric-table.ts";
import type { Reading } from "../conventions/reading.ts";
import { createAttributeSlots } from "../decode/attributes.ts";
import { type RawPoint, readMetrics } from "../decode/metric-reader.ts";
import { emptySpan } from "../decode/span-reader.ts";
import { createTexts, textOf } from "../decode/texts.ts";
import { createScan, viewOf } from "../decode/wire-scan.ts";
import { createKnownStreams, forgetSilent } from "../metrics/known-streams.ts";
import { cellsOfPoints } from "../metrics/metric-cells.ts";
import type { MetricPoint, MetricStream, PointValue } from "../metrics/metric-point.ts";
import { decodeStreams, encodeStreams } from "../metrics/stream-snapshot.ts";
import type { Intake } from "./intake.ts";
import { type Item, itemIntake } from "./item-intake.ts";
import { senderOfResource } from "./sender.ts";

/** Points of a window that are kept, as a bound on memory; further ones are left out. */
const pointLimit = 200_000;
/** Silent streams are looked for once in so many windows. */
const forgetEvery = 64;

/** `chunks` are those of its own `save`. */
export function createMetricIntake(windowMs: number, chunks: readonly Uint8Array[]): Intake {
  const reading: Reading = {
    bytes: new Uint8Array(0),
    scan: createScan(),
    span: emptySpan(),
    attributes: createAttributeSlots(metricKeys),
    resource: createAttributeSlots(metricKeys),
    texts: createTexts(),
    scope: 0,
  };
  const state = chunks.length === 0 ? undefined : decodeStreams(chunks);
  const known = state?.known ?? createKnownStreams();
  const preferred = state?.preferred ?? new Map();

  return itemIntake({
    reading,
    decode: (bytes, items) => {
      reading.bytes = bytes;
      reading.scan.view = viewOf(bytes);
      read(reading, items);
    },
    put: ({ point }, window) => {
      if (point !== undefined && window.points.length < pointLimit) window.points.push(point);
    },
    close: (index, open) => {
      const startMs = index * windowMs;
      known.sinceMs ??= startMs;
      if (index % forgetEvery === 0) forgetSilent(known, startMs);
      const window = { startMs, endMs: startMs + windowMs };
      return cellsOfPoints(open?.points ?? [], window, { known, preferred });
    },
    save: () => encodeStreams({ known, preferred }),
  });
}

function read(reading: Reading, items: Item[]): void {
  let sender = 0;
  let name = "";
  let number = -1;
  let scale = 1;
  readMetrics(reading, {
    onResource() {
      sender = senderOfResource(reading);
    },
    onMetric(metric, unit) {
      name = metric;
      number = mappingOf(metric) ?? -1;
      scale = scaleOf(metricMappings[number], unit);
      return number >= 0;
    },
    onPoint(raw) {
      const point = number < 0 ? undefined : pointOf(reading, raw, { number, name, sender, scale });
      items.push({ timeMs: raw.timeMs, sender, ...(point !== undefined && { point }) });
    },
  });
}

/** µs in the unit that the metric names; where it names none, or tokens, what the table says. */
function scaleOf(mapping: MetricMapping | undefined, unit: string): number {
  const scale = mapping?.scale ?? 1;
  if (scale === 1) return 1;
  return { s: 1_000_000, ms: 1_000, us: 1, ns: 0.001 }[unit] ?? scale;
}

function pointOf(
  reading: Reading,
  raw: RawPoint,
  metric: {
    readonly number: number;
    readonly name: string;
    readonly sender: number;
    readonly scale: number;
  },
): MetricPoint | undefined {
  const mapping = metricMappings[metric.number];
  if (mapping === undefined || raw.value === undefined || !suits(mapping, raw.value))
    return undefined;
  const tokens = tokenTypeOf(reading);
  if (mapping.gives === "tokens" && tokens === "") return undefined;
  const cell = cellOf(reading, mapping);
  if (cell === undefined) return undefined;
  const reporter = `${metric.name}\u001e${textOf(reading.texts, metric.sender)}`;
  const stream: MetricStream = {
    // Points of one stream replace each other; several engines of one instance, told apart by any attribute, add up.
    key: [cell, reporter, ...raw.attributes].join("\u001e"),
    cell,
    mapping: metric.number,
    ...endingOf(reading, mapping),
    tokens,
    scale: metric.scale,
    reporter,
  };
  return { stream, startMs: raw.startMs, timeMs: raw.timeMs, value: raw.value };
}

/** Whether it is of the kind that the metric has to be: a gauge counts nothing, and a counter is no level. */
function suits(mapping: MetricMapping, value: PointValue): boolean {
  if (value.kind === "none") return true;
  return isLevel(mapping) === (value.kind === "level");
}
