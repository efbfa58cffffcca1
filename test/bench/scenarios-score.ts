/** One run against its truth: delay, lead, false pages, place, forecasts; the same measure for Foreshock and its rivals. */
import type { Told } from "./scenarios-judge.ts";
import { judgePlace, type Place, type PlaceTruth } from "./scenarios-place.ts";

export interface PageSeen {
  readonly atMs: number;
  /** Empty: everywhere. Undefined: says nothing about where, and is not held to it. */
  readonly places: readonly Place[] | undefined;
}

export interface Score {
  /** Minutes after the run's start; null: none. */
  readonly pageMin: number | null;
  readonly delayMin: number | null;
  /** Outage − page. */
  readonly leadMin: number | null;
  readonly falsePages: number;
  /** When they were, minutes after the run's start. */
  readonly falseAtMin: readonly number[];
  readonly isExact: boolean | null;
}

const minuteMs = 60_000;
const graceMs = 15 * minuteMs;
const dedupMs = 30 * minuteMs;

export const minutes = (ms: number): number => Math.round(ms / 6_000) / 10;

export function scorePages(pages: readonly PageSeen[], of: PlaceTruth): Score {
  const { truth } = of;
  const isFault = truth.kind === "fault" && truth.onsetMs !== null;
  const fromMs = Math.min(truth.onsetMs ?? 0, truth.faultStartMs ?? 0);
  const untilMs = (truth.faultEndMs ?? 0) + graceMs;
  const verdicts = pages.map((page) => {
    const isInTime = isFault && page.atMs >= fromMs && page.atMs <= untilMs;
    if (!isInTime) return { page, isTrue: false, isExact: false };
    if (page.places === undefined) return { page, isTrue: true, isExact: false };
    const place = judgePlace(page.places, page.atMs, of);
    return { page, isTrue: place.isAffected, isExact: place.isExact };
  });
  const first = verdicts.find(({ isTrue }) => isTrue);
  const falseAt: number[] = [];
  let lastFalseMs = Number.NEGATIVE_INFINITY;
  for (const { page, isTrue } of verdicts) {
    if (isTrue) continue;
    if (page.atMs - lastFalseMs > dedupMs) falseAt.push(minutes(page.atMs - truth.startMs));
    lastFalseMs = page.atMs;
  }
  const outageMs = truth.outage.pointMs;
  return {
    pageMin: first === undefined ? null : minutes(first.page.atMs - truth.startMs),
    delayMin: first === undefined ? null : minutes(first.page.atMs - (truth.onsetMs ?? 0)),
    leadMin: first === undefined || outageMs === null ? null : minutes(outageMs - first.page.atMs),
    falsePages: falseAt.length,
    falseAtMin: falseAt,
    isExact: first === undefined ? null : first.isExact,
  };
}

export interface ForecastScore {
  /** Minutes after the run's start at which it was made. */
  readonly madeMin: number;
  readonly isCovered: boolean | null;
  /** (high − low) / (breach − now); null where the breach never came or the interval is open. */
  readonly widthRatio: number | null;
  /** Of the median: (forecast − now) / (breach − now). */
  readonly medianRatio: number | null;
}

/** When the second wave begins, where the first was over without an outage; undefined: there was no such wave. */
export function ebbedBeforeMs({ truth }: Pick<PlaceTruth, "truth">): number | undefined {
  if (truth.waves === 1) return undefined;
  const second = truth.faults.slice(truth.faults.length / 2);
  const beginsMs = Math.min(...second.map(({ startMs }) => startMs));
  const { pointMs } = truth.outage;
  return pointMs !== null && pointMs < beginsMs ? undefined : beginsMs;
}

/** Forecasts that were told with a ticket, a page or growth, before the breach; what a first wave foretold is not the second's outage. */
export function scoreForecasts(told: readonly Told[], { truth }: PlaceTruth): ForecastScore[] {
  const ebbedMs = ebbedBeforeMs({ truth }) ?? Number.NEGATIVE_INFINITY;
  const scores: ForecastScore[] = [];
  for (const { transition, atMs, forecast } of told) {
    if (forecast === null || !["ticketed", "paged", "grew"].includes(transition)) continue;
    const breachMs = atMs < ebbedMs ? null : truth.outage.pointMs;
    if (breachMs !== null && atMs >= breachMs) continue;
    const { breachLowMs, breachMedianMs, breachHighMs } = forecast;
    const left = breachMs === null ? null : breachMs - atMs;
    scores.push({
      madeMin: minutes(atMs - truth.startMs),
      isCovered:
        breachMs === null
          ? null
          : breachMs >= breachLowMs && (breachHighMs === null || breachMs <= breachHighMs),
      widthRatio:
        left === null || breachHighMs === null ? null : (breachHighMs - breachLowMs) / left,
      medianRatio: left === null ? null : (breachMedianMs - atMs) / left,
    });
  }
  return scores;
}
