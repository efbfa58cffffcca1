/**
 * Slices: the requests of a class that share a value of a dimension beside the cell, such as a version, an instance or a tier. What fails in
 * one of them fails a little everywhere: no cell shows it, and the sum of all cells shows it late.
 *
 * Frames tell of values only while a cell is unusual, so a value's ratio is not known, and ratios of what is told are too high. Given
 * that so many of a cell's requests fail in a window, though, each value has a known chance to have them. So each failing request says
 * something, as in Cox's partial likelihood (1972): it is of a value that has the part f of the requests with a chance of ωf / (1 + (ω − 1) f),
 * where the value's requests fail ω times as often as others. Page's CUSUM sums log₁₀ of that ratio at ω₁ against ω₀, twice what the
 * value is known for. At ω₀ or below, S passes h once in 10^h failing requests or more rarely (Lorden 1971).
 */

import type { CellFrame } from "../contracts/frame.ts";
import { classOf } from "./group-track.ts";

export interface Slice {
  /** S, in decimal digits, and the windows since it left 0. */
  digits: number;
  windows: number;
  /** Requests that were told of and those that failed, half-life as for cells. */
  bad: number;
  of: number;
  /** Failing requests, and as many as were its part of all that failed: how often it usually fails, against others. */
  usualBad: number;
  usualExpected: number;
  /** Whether it is certain, has lasted, and goes on. */
  isSure: boolean;
}

/** By class, dimension and value. */
export type Slices = Record<string, Record<string, Record<string, Slice>>>;

/** Odds beyond which a value is worse than usual, and those that are looked for, as factors of the usual ones. */
const atMost = 2;
const lookedFor = 16;
/** Failing requests that a value's usual odds of 1 are worth before any is seen. */
const priorFailures = 20;
const mostUsual = 8;
/** Once in 10^8 failing requests, shared by some hundred values: a healthy fleet of 40 requests a second has some 10^5 a week. */
const digitsToBeSure = 8;
const mostDigits = 10;
/** A process that stops and starts again fails for a while. */
const lastsMs = 180_000;
/** Of each dimension. */
const mostValues = 64;
/** Failing requests left of a value that nothing is known of any more. */
const forgotten = 0.05;
/** Digits from which what is seen may be trouble, and is not learnt. */
const doubtDigits = 2;
/** Says what happened, not to whom. */
const whatNotWhere = "error.type";

interface SliceStep {
  readonly windowMs: number;
  readonly pageFailureRatio: number;
  readonly fade: { readonly recent: number; readonly usual: number };
}

/** Takes a window's cells in, in place. */
export function stepSlices(slices: Slices, cells: readonly CellFrame[], step: SliceStep): void {
  fadeAll(slices, step);
  for (const { cell, dimensions } of cells) {
    if (dimensions.length === 0) continue;
    const name = classOf(cell);
    const ofClass = slices[name] ?? {};
    slices[name] = ofClass;
    for (const { dimension, values } of dimensions) {
      if (dimension === whatNotWhere) continue;
      const ofDimension = ofClass[dimension] ?? {};
      ofClass[dimension] = ofDimension;
      addCell(ofDimension, values);
    }
  }
  settle(slices, step);
}

type ValueOfCell = CellFrame["dimensions"][number]["values"][number];

function addCell(slices: Record<string, Slice>, values: readonly ValueOfCell[]): void {
  const failures = values.reduce((sum, value) => sum + value.failures, 0);
  const requests = values.reduce((sum, value) => sum + value.requests, 0);
  for (const { value, requests: own, failures: bad } of values) {
    if (value === "" || value === "_other" || own === 0) continue;
    const slice = slices[value] ?? (bad > 0 ? open(slices, value) : undefined);
    if (slice === undefined) continue;
    slice.bad += bad;
    slice.of += own;
    if (failures === 0) continue;
    const part = own / requests;
    const least = atMost * usualOdds(slice);
    const most = (lookedFor / atMost) * least;
    const gain =
      bad * Math.log10(most / least) +
      failures * Math.log10((1 + (least - 1) * part) / (1 + (most - 1) * part));
    slice.digits = Math.min(mostDigits, Math.max(0, slice.digits + gain));
    if (slice.digits >= doubtDigits) continue;
    slice.usualBad += bad;
    slice.usualExpected += failures * part;
  }
}

function usualOdds({ usualBad, usualExpected }: Slice): number {
  const odds = (usualBad + priorFailures) / (usualExpected + priorFailures);
  return Math.min(mostUsual, Math.max(1, odds));
}

function open(slices: Record<string, Slice>, value: string): Slice {
  if (Object.keys(slices).length >= mostValues) forgetLeast(slices);
  const slice: Slice = {
    digits: 0,
    windows: 0,
    bad: 0,
    of: 0,
    usualBad: 0,
    usualExpected: 0,
    isSure: false,
  };
  slices[value] = slice;
  return slice;
}

/** Processes come and go: the value with fewest failing requests makes room. */
function forgetLeast(slices: Record<string, Slice>): void {
  let least: string | undefined;
  for (const value in slices)
    if (least === undefined || weight(slices[value]) < weight(slices[least])) least = value;
  if (least !== undefined) delete slices[least];
}

const weight = (slice: Slice | undefined): number =>
  slice === undefined ? 0 : slice.bad + slice.usualBad + slice.digits;

function* all(slices: Slices): Generator<[Record<string, Slice>, string, Slice]> {
  for (const ofClass of Object.values(slices))
    for (const values of Object.values(ofClass))
      for (const [value, slice] of Object.entries(values)) yield [values, value, slice];
}

function fadeAll(slices: Slices, { fade }: SliceStep): void {
  for (const [values, value, slice] of all(slices)) {
    slice.bad *= fade.recent;
    slice.of *= fade.recent;
    slice.usualBad *= fade.usual;
    slice.usualExpected *= fade.usual;
    if (slice.bad + slice.usualBad + slice.usualExpected < forgotten) delete values[value];
  }
}

function settle(slices: Slices, { windowMs, pageFailureRatio }: SliceStep): void {
  for (const [, , slice] of all(slices)) {
    // No failing request is left of it: whatever it was is over.
    if (slice.bad < 0.5) slice.digits = 0;
    slice.windows = slice.digits > 0 ? slice.windows + 1 : 0;
    slice.isSure =
      slice.digits >= digitsToBeSure &&
      slice.windows * windowMs >= lastsMs &&
      slice.bad >= pageFailureRatio * slice.of;
  }
}
