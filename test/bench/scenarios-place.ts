/** Whether a page names the right place: at all (an attribute value that is affected), and exactly (the same requests). */
import type { TruthHeader } from "../../services/chatbot/truth.ts";
import type { TouchedMinutes } from "./scenarios-touched.ts";

export type Place = Readonly<Record<string, string>>;

export interface PlaceVerdict {
  /** Nothing is named that the fault leaves alone. */
  readonly isAffected: boolean;
  /** The named cells are those that the fault was aimed at, has touched so far, or has touched most. */
  readonly isExact: boolean;
}

/** Attributes that cells consist of. */
const cellNames = new Set([
  "gen_ai.provider.name",
  "gen_ai.request.model",
  "gen_ai.operation.name",
  "cloud.region",
  "service.name",
  "http.route",
]);
/** Sets of cells are the same when they differ in at most this part of their traffic. */
const mostDifferent = 0.15;
/** A cell belongs to a fault's place from this part of the most touched one's share. */
const touchedPart = 0.3;
const leastTouched = 0.004;
/** A cell is affected from this share: its users feel it, however much worse another cell is. */
const affectedShare = 0.01;
const touchedMinutes = 3;
const minuteMs = 60_000;

export interface PlaceTruth {
  readonly truth: TruthHeader;
  readonly touched: TouchedMinutes;
}

export function judgePlace(places: readonly Place[], atMs: number, of: PlaceTruth): PlaceVerdict {
  const shares = touchedShares(atMs, of);
  const touched = cellsFrom(shares, Math.max(leastTouched, touchedPart * Math.max(...shares)));
  const affected = cellsFrom(shares, affectedShare);
  const isAffected =
    places.length === 0
      ? isWide(touched, of) || isWide(aimedSoFar(atMs, of), of)
      : places.every(
          (place) =>
            isAimed(place, atMs, of) ||
            matching(place, of).some((cell) => touched.has(cell) || affected.has(cell)),
        ) && isOtherRight(places, atMs, of, "affected");
  const named = new Set(
    places.length === 0 ? of.touched.cells.keys() : places.flatMap((place) => matching(place, of)),
  );
  const isExact =
    isAffected &&
    isOtherRight(places, atMs, of, "exact") &&
    [affected, ...truthSets(atMs, of, touched)].some((set) => isSame(named, set, of));
  return { isAffected, isExact };
}

/** Naming no place says everywhere: true where at least this part of the traffic is touched. */
const wideShare = 1 / 3;

function isWide(touched: ReadonlySet<number>, { touched: counts }: PlaceTruth): boolean {
  const sums = { all: { call: 0, http: 0 }, hit: { call: 0, http: 0 } };
  const rows = counts.requests;
  counts.cells.forEach((attributes, cell) => {
    const kind = attributes["gen_ai.request.model"] === undefined ? "http" : "call";
    const requests = rows.reduce((sum, row) => sum + (row[cell] ?? 0), 0);
    sums.all[kind] += requests;
    if (touched.has(cell)) sums.hit[kind] += requests;
  });
  return sums.hit.call >= wideShare * sums.all.call || sums.hit.http >= wideShare * sums.all.http;
}

/** Cells that acting faults are aimed at: a page within their first minutes is not held to what the minutes before were like. */
function aimedSoFar(atMs: number, of: PlaceTruth): ReadonlySet<number> {
  const acting = of.truth.faults.filter(({ startMs }) => startMs <= atMs);
  return new Set(acting.flatMap(({ dimensions }) => [...aimedCells(dimensions, of)]));
}

/** Whether an acting fault was aimed at every value that a place names. */
function isAimed(place: Place, atMs: number, { truth }: PlaceTruth): boolean {
  return truth.faults.some(
    ({ startMs, dimensions }) =>
      startMs <= atMs &&
      Object.entries(place).every(([name, value]) => dimensions[name]?.includes(value) === true),
  );
}

/** Cells that a place selects, as far as it speaks of cells. */
function matching(place: Place, { touched }: PlaceTruth): number[] {
  const named = Object.entries(place).filter(([name]) => cellNames.has(name));
  return [...touched.cells.keys()].filter((cell) =>
    named.every(([name, value]) => touched.cells[cell]?.[name] === value),
  );
}

/** Each cell's share of requests that the fault changed in the minutes before. */
function touchedShares(atMs: number, { truth, touched }: PlaceTruth): number[] {
  // After its end, what the fault touched last.
  const untilMs = Math.min(atMs, truth.faultEndMs ?? atMs);
  const last = Math.floor((untilMs - truth.startMs) / minuteMs);
  return touched.cells.map((_, cell) => {
    let all = 0;
    let hit = 0;
    for (let minute = Math.max(0, last - touchedMinutes); minute <= last; minute++) {
      all += touched.requests[minute]?.[cell] ?? 0;
      hit += touched.touched[minute]?.[cell] ?? 0;
    }
    return all > 0 ? hit / all : 0;
  });
}

const cellsFrom = (shares: readonly number[], least: number): Set<number> =>
  new Set([...shares.keys()].filter((cell) => (shares[cell] as number) >= least));

/** Sets of cells that are a right answer: what is touched so far, and what any faults so far are aimed at. */
function truthSets(atMs: number, of: PlaceTruth, touched: Set<number>): Set<number>[] {
  const acting = of.truth.faults.filter(({ startMs }) => startMs <= atMs);
  const aims = acting.map((fault) => aimedCells(fault.dimensions, of));
  const together = aims.map(
    (_, last) => new Set(aims.slice(0, last + 1).flatMap((set) => [...set])),
  );
  return [touched, ...aims, ...together];
}

function aimedCells(
  dimensions: Readonly<Record<string, readonly string[]>>,
  { touched }: PlaceTruth,
): Set<number> {
  const named = Object.entries(dimensions).filter(([name]) => cellNames.has(name));
  const isChat = (dimensions["http.route"] ?? []).some((route) => route.endsWith("/chat"));
  return new Set(
    [...touched.cells.keys()].filter((cell) =>
      named.every(([name, values]) => {
        const own = touched.cells[cell]?.[name];
        // Model calls behind the chat route have no route; the filter serves them all.
        if (own === undefined)
          return (
            name !== "http.route" ||
            (isChat && touched.cells[cell]?.["gen_ai.operation.name"] === "chat")
          );
        return values.includes(own);
      }),
    ),
  );
}

/** Compared among model calls where both have some, else among HTTP requests: they are the same requests, seen twice. */
function isSame(named: Set<number>, truth: Set<number>, { touched }: PlaceTruth): boolean {
  const weight = touched.cells.map((_, cell) =>
    touched.requests.reduce((sum, row) => sum + (row[cell] ?? 0), 0),
  );
  const isCall = (cell: number) => touched.cells[cell]?.["gen_ai.request.model"] !== undefined;
  for (const isKind of [isCall, (cell: number) => !isCall(cell)]) {
    const left = [...named].filter(isKind);
    const right = [...truth].filter(isKind);
    if (left.length === 0 || right.length === 0) continue;
    const sum = (cells: Iterable<number>) =>
      [...cells].reduce((n, cell) => n + (weight[cell] ?? 0), 0);
    const all = sum(new Set([...left, ...right]));
    const both = sum(left.filter((cell) => truth.has(cell)));
    return all - both <= mostDifferent * all;
  }
  return false;
}

/**
 * Attributes beside the cell. The version must be named while a version is at fault and others are in use; prompt size, tier,
 * tenant and instance may be (failed calls do not show them all), and then rightly.
 */
function isOtherRight(
  places: readonly Place[],
  atMs: number,
  { truth, touched }: PlaceTruth,
  how: "affected" | "exact",
): boolean {
  const acting = truth.faults.filter(({ startMs }) => startMs <= atMs);
  const aimed = (name: string) => acting.flatMap(({ dimensions }) => dimensions[name] ?? []);
  const clusters = new Set(["k8s.cluster.name", "service.instance.id"]);
  for (const place of places)
    for (const [name, value] of Object.entries(place)) {
      if (cellNames.has(name) || clusters.has(name)) continue;
      const truthName =
        { "openai.request.service_tier": "app.tier", input_token_bucket: "input_bucket" }[name] ??
        name;
      const values = aimed(truthName);
      if (values.length === 0) return false;
      if (truthName === "service.version" && !values.includes(value)) return false;
      if (truthName === "input_bucket" && !values.includes(value)) return false;
    }
  if (how === "affected") return true;
  const isVersion = aimed("service.version").length > 0;
  const isPartial = places.every((place) => place["service.version"] === undefined);
  if (isVersion && isPartial) {
    // Once nearly all run the version, naming none is as right.
    const rollout = acting.find(({ effect }) => effect === "rollout");
    return rollout !== undefined && atMs >= rollout.topMs;
  }
  return touched.cells.length > 0;
}
