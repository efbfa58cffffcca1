/** What a panel should show, worked out from the world: tables of named columns, each with how near a result must come. */
import { parseCellKey } from "../../../services/contracts/cell.ts";
import type { Incident } from "../../../services/contracts/incident.ts";
import { outcomeGroup } from "../../../services/contracts/outcomes.ts";
import type { Chosen, Range } from "./expand.ts";
import type { Call, CellVerdict, World } from "./world.ts";

export type Value = string | number | null | readonly string[];

/**
 * How near a result must come. text, exact: the same. time: the same millisecond. ratio: 0.1 percentage points. sketch: 1/128 of the
 * value, as a sketch promises, and 1 µs for telemetry's whole µs. real: rounding of floating point. estimate: 5 %, what bitmaps
 * of 256 bits do for some dozen tenants, or half a tenant. bucket: a share of values up to a limit, from buckets 1/64 wide: 2 percentage points.
 */
export type Nearness =
  | "text"
  | "exact"
  | "time"
  | "ratio"
  | "sketch"
  | "real"
  | "estimate"
  | "bucket";

export interface Expected {
  readonly columns: Readonly<Record<string, Nearness>>;
  readonly rows: readonly Readonly<Record<string, Value>>[];
  /** Columns that name a row; undefined: rows come in this order. */
  readonly key?: readonly string[];
}

export interface Scene {
  readonly world: World;
  readonly range: Range;
  readonly chosen: Chosen;
}

export type Expectation = (scene: Scene) => Expected;

const windowMs = 5000;
export const windowOf = (ms: number) => Math.floor(ms / windowMs) * windowMs;
/** The data source cuts times to whole seconds. */
export const fromMs = ({ range }: Scene) => Math.floor(range.fromMs / 1000) * 1000;
export const toMs = ({ range }: Scene) => Math.floor(range.toMs / 1000) * 1000;

export const isWithin = (scene: Scene, ms: number, from = fromMs(scene)) =>
  ms >= from && ms < toMs(scene);

const stepMs = ({ range }: Scene) => range.intervalSeconds * 1000;
export const stepOf = (scene: Scene, ms: number) => Math.floor(ms / stepMs(scene)) * stepMs(scene);

export function stepsOf(scene: Scene): readonly number[] {
  const steps: number[] = [];
  for (let at = stepOf(scene, fromMs(scene)); at < toMs(scene); at += stepMs(scene)) steps.push(at);
  return steps;
}

type Parts = Pick<Call, "provider" | "model" | "region" | "operation">;
const names = ["provider", "model", "region", "operation"] as const;

export const isChosen = ({ chosen }: Scene, parts: Parts) =>
  names.every((name) => chosen[name] === undefined || chosen[name].includes(parts[name]));

/** Model calls of chosen cells whose windows lie in the range. */
export const modelCalls = (scene: Scene, from = fromMs(scene)) =>
  scene.world.calls.filter(
    (call) =>
      call.kind === "genai" && isWithin(scene, windowOf(call.endMs), from) && isChosen(scene, call),
  );

/** HTTP requests of the chosen regions. */
export const httpRequests = (scene: Scene) =>
  scene.world.calls.filter(
    ({ kind, endMs, region }) =>
      kind === "http" &&
      isWithin(scene, windowOf(endMs)) &&
      (scene.chosen["region"] === undefined || scene.chosen["region"].includes(region)),
  );

export const modelVerdicts = (scene: Scene, from = fromMs(scene)) =>
  scene.world.verdicts.filter(
    (verdict) =>
      verdict.kind === "genai" &&
      isWithin(scene, verdict.windowStartMs, from) &&
      isChosen(scene, verdict),
  );

/** Records of incidents that touch a chosen cell, decided before the range ends; by incident. */
export function chosenIncidents(scene: Scene): readonly (readonly Incident[])[] {
  const all = Map.groupBy(scene.world.incidents, ({ incident }) => incident);
  const isAll = names.every((name) => scene.chosen[name] === undefined);
  return [...all.values()]
    .filter(
      (records) =>
        isAll || records.some(({ cells }) => names.every((name) => touches(scene, cells, name))),
    )
    .map((records) => records.filter(({ atMs }) => atMs < toMs(scene)))
    .filter((records) => records.length > 0);
}

/** Each variable is asked of the cells by itself, as the panels do. */
function touches(scene: Scene, cells: Incident["cells"], name: (typeof names)[number]): boolean {
  const values = scene.chosen[name];
  return values === undefined || cells.some((key) => values.includes(parseCellKey(key)[name]));
}

export const sum = (values: Iterable<number>) => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

export const count = (calls: readonly Call[], outcome: Call["outcome"]) =>
  calls.filter((call) => call.outcome === outcome).length;

export const failuresOf = (calls: readonly Call[]) =>
  calls.filter(({ outcome }) => outcomeGroup[outcome] === "failure").length;

export const servedOf = (calls: readonly Call[]) =>
  calls.filter(({ outcome }) => !["limit", "auth", "client"].includes(outcomeGroup[outcome]))
    .length;

/** NULL for a division by nothing. */
export const share = (part: number, of: number) => (of === 0 ? null : part / of);

/** Exact quantile by nearest rank. */
export function quantile(values: readonly number[], q: number): number | null {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}

export const inSeconds = (us: number | null) => (us === null ? null : us / 1e6);

const timed: readonly string[] = ["ok", "timeout", "client_cancelled", "stream_error"];
export const durationsOf = (calls: readonly Call[]) =>
  calls.filter(({ outcome }) => timed.includes(outcome)).map(({ durationUs }) => durationUs);
export const firstTokensOf = (calls: readonly Call[]) =>
  calls.map(({ firstTokenUs }) => firstTokenUs);
export const perTokenOf = (calls: readonly Call[]) =>
  calls
    .filter(
      ({ outcome, isEmbedding, outputTokens }) =>
        outcome === "ok" && !isEmbedding && outputTokens >= 2,
    )
    .map(
      ({ durationUs, firstTokenUs, outputTokens }) =>
        Math.max(0, durationUs - (Number.isNaN(firstTokenUs) ? 0 : firstTokenUs)) /
        (outputTokens - 1),
    );

/** Rows for every step; NULL in all columns where there is nothing. */
export function wide<Item>(
  scene: Scene,
  items: readonly Item[],
  of: {
    readonly atMs: (item: Item) => number;
    readonly values: Readonly<
      Record<string, readonly [Nearness, (items: readonly Item[], step: number) => number | null]>
    >;
  },
): Expected {
  const byStep = Map.groupBy(items, (item) => stepOf(scene, of.atMs(item)));
  const values = Object.entries(of.values);
  return {
    columns: {
      time: "time",
      ...Object.fromEntries(values.map(([name, [nearness]]) => [name, nearness])),
    },
    rows: stepsOf(scene).map((time) => {
      const found = byStep.get(time);
      return {
        time,
        ...Object.fromEntries(
          values.map(([name, [, value]]) => [
            name,
            found === undefined ? null : value(found, time),
          ]),
        ),
      };
    }),
  };
}

/** The same with a row for every series that occurs in the range. */
export function long<Item>(
  scene: Scene,
  items: readonly Item[],
  of: {
    readonly atMs: (item: Item) => number;
    readonly series: (item: Item) => string;
    readonly value: readonly [Nearness, (items: readonly Item[], step: number) => number | null];
  },
): Expected {
  const [nearness, value] = of.value;
  const bySeries = Map.groupBy(items, of.series);
  return {
    columns: { time: "time", series: "text", value: nearness },
    key: ["time", "series"],
    rows: [...bySeries].flatMap(([series, all]) => {
      const byStep = Map.groupBy(all, (item) => stepOf(scene, of.atMs(item)));
      return stepsOf(scene).map((time) => {
        const found = byStep.get(time);
        return { time, series, value: found === undefined ? null : value(found, time) };
      });
    }),
  };
}

/** One row of one number. */
export const single = (name: string, nearness: Nearness, value: Value): Expected => ({
  columns: { [name]: nearness },
  rows: [{ [name]: value }],
});

export const callWindow = (call: Call) => windowOf(call.endMs);
export const verdictWindow = (verdict: CellVerdict) => verdict.windowStartMs;

const knownUntil = perScene((scene: Scene) => {
  const hourAgo = Math.max(fromMs(scene), toMs(scene) - 3_600_000);
  let newest = Number.NEGATIVE_INFINITY;
  for (const { endMs } of scene.world.calls) {
    const window = windowOf(endMs);
    if (window >= hourAgo && window < toMs(scene) && window > newest) newest = window;
  }
  return newest === Number.NEGATIVE_INFINITY
    ? toMs(scene)
    : Math.min(toMs(scene), newest + windowMs);
});

/** Seconds of a step that lie in the range and before the end of the newest window. */
export const knownSeconds = (scene: Scene, step: number) =>
  Math.max(
    1,
    (Math.min(step + stepMs(scene), knownUntil(scene)) - Math.max(step, fromMs(scene))) / 1000,
  );

/** Works a thing out once a scene. */
export function perScene<T>(work: (scene: Scene) => T): (scene: Scene) => T {
  const known = new WeakMap<Scene, { readonly value: T }>();
  return (scene) => {
    const found = known.get(scene) ?? { value: work(scene) };
    known.set(scene, found);
    return found.value;
  };
}

export const cellTitle = ({ model, region, operation }: Parts) =>
  `${model} ${operation}${region === "" ? "" : ` in ${region}`}`;

export const severityNumber = (severity: Incident["severity"]) =>
  ({ none: 1, ticket: 2, page: 3 })[severity];
