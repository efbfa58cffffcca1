/** A closing window's points → cells: counters and sketches of what was added, and the levels that hold. */
import { createSketchBuilder, type SparseSketch, takeSketch } from "../../../detectors/sketch.ts";
import { type CellKey, parseCellKey } from "../../contracts/cell.ts";
import { counterIds, counterSlots, sketchIds, tokenCounterIds } from "../../contracts/measures.ts";
import { outcomeIndex, outcomes } from "../../contracts/outcomes.ts";
import type { CellWindow } from "../../contracts/window.ts";
import { finishKind } from "../conventions/finish.ts";
import { allRoutes, serviceCell } from "../conventions/metric-cells.ts";
import { type Gives, metricMappings } from "../conventions/metric-table.ts";
import { addTally } from "./bucket-sketch.ts";
import { type KnownStreams, levelIn, noteReporters, takePoint } from "./known-streams.ts";
import type { MetricPoint, MetricStream, Tally } from "./metric-point.ts";
import { type PreferredSources, prefer, preferredOf } from "./preferred-sources.ts";

/** What a window of metrics adds to one stream. */
interface Addition {
  readonly stream: MetricStream;
  readonly gives: Gives;
  readonly tally: Tally;
}

interface Scaled {
  readonly tally: Tally;
  readonly scale: number;
}

const builder = createSketchBuilder();

function sketchOf(tallies: readonly Scaled[]): SparseSketch {
  for (const { tally, scale } of tallies) addTally(builder, tally, scale);
  return takeSketch(builder);
}

/** Outcomes whose duration says how fast the service is, as for spans. */
const isTimed = outcomes.map((outcome) =>
  ["ok", "timeout", "client_cancelled", "stream_error"].includes(outcome),
);

/** Sum of a mean over streams is none: how many there are goes beside it. */
const cacheStreams = "kv_cache_engines";
/** Requests that ended, where a level says how many have not: 0 is told apart from unknown. In thousandths, as all gauges. */
const completed = "completed";

interface CellSums {
  readonly counters: number[];
  /** What each sketch is of. */
  readonly sketches: Map<number, Scaled[]>;
  readonly gauges: Map<string, number>;
  /** Requests by this window's points; undefined where none was about requests. */
  completions: number | undefined;
}

/**
 * The cells of a window, in key order. Takes the points into `known` and `preferred`, so it is to be called
 * once a window, in order.
 */
export function cellsOfPoints(
  points: readonly MetricPoint[],
  window: { readonly startMs: number; readonly endMs: number },
  state: { readonly known: KnownStreams; readonly preferred: PreferredSources },
): CellWindow[] {
  const { known, preferred } = state;
  const additions = takeAll(points, state);
  const cells = new Map<CellKey, CellSums>();
  const cellAt = (key: CellKey): CellSums => {
    const sums = cells.get(key) ?? emptySums();
    cells.set(key, sums);
    return sums;
  };
  for (const addition of additions) {
    const { stream, gives } = addition;
    if (preferredOf(preferred, stream, gives) !== stream.mapping) continue;
    addTo(cellAt(stream.cell), addition);
  }
  for (const { stream, value } of points)
    if (value.kind !== "none") noteCompletions(cells, stream, preferred);
  for (const one of known.byKey.values()) {
    const level = levelIn(one, window);
    if (level !== undefined) addLevel(cellAt(one.stream.cell), one.stream, level);
  }
  giveServices(cells);
  return [...cells]
    .filter(([, sums]) => hasAnything(sums))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([cell, sums]) => finish(cell, sums));
}

function takeAll(
  points: readonly MetricPoint[],
  { known, preferred }: { readonly known: KnownStreams; readonly preferred: PreferredSources },
): Addition[] {
  const additions: Addition[] = [];
  const inOrder = points
    .map((point, arrival) => ({ point, arrival }))
    .sort((a, b) => a.point.timeMs - b.point.timeMs || a.arrival - b.arrival);
  for (const { point } of inOrder) {
    const { stream, timeMs } = point;
    const gives = givesOf(stream);
    if (point.value.kind !== "none") prefer(preferred, stream, { gives, timeMs });
    const tally = takePoint(known, point);
    if (tally !== undefined && tally.count > 0) additions.push({ stream, gives, tally });
  }
  noteReporters(known, points);
  return additions;
}

/** `tokens` are told apart by their type. */
function givesOf({ mapping, tokens }: MetricStream): Gives {
  const gives = metricMappings[mapping]?.gives ?? "requests";
  if (gives !== "tokens") return gives;
  return tokens === "input" ? "input-tokens" : "output-tokens";
}

const emptySums = (): CellSums => ({
  counters: new Array<number>(counterSlots).fill(0),
  sketches: new Map(),
  gauges: new Map(),
  completions: undefined,
});

/** The sketch that each measure with values belongs to. */
const sketchOfMeasure: Partial<Record<Gives, number>> = {
  "request-times": sketchIds.duration,
  duration: sketchIds.duration,
  "first-token": sketchIds.timeToFirstToken,
  "per-token": sketchIds.timePerOutputToken,
  "input-tokens": sketchIds.inputTokens,
  "output-tokens": sketchIds.outputTokens,
};

function addTo(sums: CellSums, { stream, gives, tally }: Addition): void {
  if (gives === "requests" || gives === "request-times") addRequests(sums, stream, tally.count);
  else if (gives === "retries") bump(sums, counterIds.retries, tally.count);
  else if (gives === "input-tokens")
    addTokens(sums, { total: counterIds.inputTokens, ofOk: tokenCounterIds.input }, tally);
  else if (gives === "output-tokens")
    addTokens(sums, { total: counterIds.outputTokens, ofOk: tokenCounterIds.output }, tally);
  const id = sketchOfMeasure[gives];
  if (id === undefined || (gives === "request-times" && isTimed[stream.outcome] !== true)) return;
  const tallies = sums.sketches.get(id) ?? [];
  sums.sketches.set(id, tallies);
  tallies.push({ tally, scale: stream.scale });
}

function bump({ counters }: CellSums, id: number, by: number): void {
  counters[id] = (counters[id] ?? 0) + by;
}

function addRequests(sums: CellSums, { outcome, finish }: MetricStream, count: number): void {
  bump(sums, counterIds.requests, count);
  bump(sums, counterIds.spans, count);
  bump(sums, 16 + outcome, count);
  if (finish === finishKind.stop) bump(sums, counterIds.finishStop, count);
  else if (finish === finishKind.truncated) bump(sums, counterIds.truncated, count);
  sums.completions = (sums.completions ?? 0) + count;
}

/** A metric does not say how the calls ended that its tokens belong to: hardly any but the good ones have some. */
function addTokens(
  sums: CellSums,
  counters: { readonly total: number; readonly ofOk: number },
  { sum }: Tally,
): void {
  if (!(sum >= 0)) return;
  bump(sums, counters.total, Math.round(sum));
  bump(sums, counters.ofOk + outcomeIndex.ok, Math.round(sum));
}

/** A point about requests that added none is evidence that none ended. */
function noteCompletions(
  cells: Map<CellKey, CellSums>,
  stream: MetricStream,
  preferred: PreferredSources,
): void {
  const gives = givesOf(stream);
  if (gives !== "requests" && gives !== "request-times") return;
  if (preferredOf(preferred, stream, gives) !== stream.mapping) return;
  const sums = cells.get(stream.cell) ?? emptySums();
  cells.set(stream.cell, sums);
  sums.completions ??= 0;
}

/** Levels of several streams (engines, replicas) add up; what one holds is in thousandths. */
function addLevel({ gauges }: CellSums, { mapping }: MetricStream, level: number): void {
  const { gauge = "", gives } = metricMappings[mapping] ?? {};
  const add = (name: string, by: number) => gauges.set(name, (gauges.get(name) ?? 0) + by);
  add(gauge, Math.round(level * 1_000));
  if (gives === "cache-usage") add(cacheStreams, 1_000);
}

/** What a service's routes completed, to the cell that has the requests in flight over all of them. */
function giveServices(cells: Map<CellKey, CellSums>): void {
  for (const [key, { completions }] of [...cells]) {
    const { kind, provider, region, operation } = parseCellKey(key);
    if (completions === undefined || kind !== "http" || operation === allRoutes) continue;
    const whole = cells.get(serviceCell(provider, region));
    if (whole !== undefined) whole.completions = (whole.completions ?? 0) + completions;
  }
}

function hasAnything({ counters, sketches, gauges }: CellSums): boolean {
  return gauges.size > 0 || sketches.size > 0 || counters.some((count) => count > 0);
}

function finish(cell: CellKey, { counters, sketches, gauges, completions }: CellSums): CellWindow {
  if (gauges.size > 0 && completions !== undefined) gauges.set(completed, completions * 1_000);
  return {
    cell,
    counters,
    sketches: Object.fromEntries(
      [...sketches]
        .sort(([a], [b]) => a - b)
        .map(([id, tallies]) => [id, sketchOf(tallies)] as const),
    ),
    breadth: {},
    dimensions: [],
    gauges: Object.fromEntries([...gauges].sort(([a], [b]) => (a < b ? -1 : 1))),
    examples: [],
  };
}
