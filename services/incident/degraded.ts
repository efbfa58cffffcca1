/** Which cells are degraded in a window, by what: their own evidence, or their group's where they show a part of it. */
import type { CellKey } from "../contracts/cell.ts";
import type { SignalName } from "../contracts/frame.ts";
import { isLimitBroad } from "./cell-track.ts";
import type { Degraded, DegradedSignal } from "./degraded-signal.ts";
import { canCount, sharedThreshold } from "./evidence.ts";
import { type FailingSlice, failingSlices, showsSlice } from "./failing-slices.ts";
import { type Family, familyOf } from "./families.ts";
import { failingOf, type GroupTrack, groupsOf } from "./group-track.ts";
import type { FleetWindow } from "./join.ts";
import { addLasting, lastingPlaces, worstVisible } from "./lasting.ts";
import { isMaterial } from "./material.ts";
import { beyondPrompts, logSlowdown } from "./slowness.ts";
import type { IncidentState } from "./state.ts";
import { excessRatio, sureExcessRatio } from "./tally.ts";
import type { CellTrack, SignalTrack } from "./track.ts";

/** Evidence that ends a run is half of what begins one. */
const hysteresis = 0.5;
/** A cell goes with its group when it shows at least half of the group's trouble, and at least this much. */
const partOfGroup = 0.5;
const leastFailing = 0.01;
const leastSlowdown = Math.log(1.15);

/** `cells`: all that live, in key order. */
export function findDegraded(
  state: IncidentState,
  threshold: number,
  window: Pick<FleetWindow, "cells" | "windowStartMs" | "windowMs">,
): Degraded {
  const { cells, windowStartMs } = window;
  const slices = failingSlices(state, window);
  const lasting = lastingPlaces(state);
  const all: number[] = [];
  for (const key in state.cells) {
    const track = state.cells[key as CellKey] as CellTrack;
    for (const name in track.signals) {
      const signal = name as SignalName;
      const evidence = track.signals[signal]?.evidence ?? 0;
      if (canCount(evidence, threshold) && isJudged(track, signal)) all.push(evidence);
    }
  }
  for (const name in state.groups) {
    const { visibleEvidence, slowEvidence } = state.groups[name] as GroupTrack;
    all.push(visibleEvidence, slowEvidence);
  }
  const enter = sharedThreshold(all, threshold);
  const degraded = new Map<CellKey, readonly DegradedSignal[]>();
  for (const { cell: key } of cells) {
    const track = state.cells[key] as CellTrack;
    const needed = track.degradedSinceMs > 0 ? enter * hysteresis : enter;
    const signals = ownSignals(track, needed, windowStartMs);
    addSure(signals, track, windowStartMs);
    addSlices(signals, { key, track, slices });
    addGroupSignals(signals, { key, track, state, enter });
    addLasting(signals, { key, track, lasting });
    if (signals.length > 0) degraded.set(key, signals);
  }
  return degraded;
}

function isJudged(track: CellTrack, signal: SignalName): boolean {
  return familyOf(signal, track.isLimitBroad) !== "context";
}

function ownSignals(track: CellTrack, needed: number, windowStartMs: number): DegradedSignal[] {
  const found: DegradedSignal[] = [];
  for (const key in track.signals) {
    const name = key as SignalName;
    const signal = track.signals[name] as SignalTrack;
    if (signal.evidence < needed || !isMaterial(track, name, signal)) continue;
    const family = familyOf(name, track.isLimitBroad);
    if (family === "context") continue;
    found.push({
      signal: name,
      family,
      // Of a cell that is degraded already less is needed than begins a run.
      sinceMs: signal.sinceMs > 0 ? signal.sinceMs : windowStartMs,
      evidence: signal.evidence,
    });
  }
  return found.length < 2
    ? found
    : found.toSorted((a, b) => b.evidence - a.evidence || (a.signal < b.signal ? -1 : 1));
}

/** A cell whose own requests prove that it fails, outright or in part, or that a part of them is far slower. */
function addSure(found: DegradedSignal[], track: CellTrack, windowStartMs: number): void {
  const { outright, failing, straggling } = track;
  const add = (signal: SignalName, evidence: number) => {
    if (found.some((other) => other.signal === signal)) return;
    found.push({ signal, family: "service", sinceMs: windowStartMs, evidence });
  };
  if (outright.isSure || failing.isSure) add("failures", Math.max(outright.digits, failing.digits));
  if (straggling.isSure) add("stragglers", straggling.digits);
}

/** A cell that has failing requests of a version, an instance or whatever else surely fails. */
function addSlices(
  found: DegradedSignal[],
  at: {
    readonly key: CellKey;
    readonly track: CellTrack;
    readonly slices: readonly FailingSlice[];
  },
): void {
  const slice = at.slices.find((one) => showsSlice(at.key, at.track, one));
  if (slice === undefined || found.some(({ signal }) => signal === "failures")) return;
  found.push({ signal: "failures", family: "service", sinceMs: slice.sinceMs, evidence: 0 });
}

function addGroupSignals(
  found: DegradedSignal[],
  at: {
    readonly key: CellKey;
    readonly track: CellTrack;
    readonly state: IncidentState;
    readonly enter: number;
  },
): void {
  const { key, track, state, enter } = at;
  const has = (signal: SignalName) => found.some((other) => other.signal === signal);
  for (const name of groupsOf(key)) {
    const group = state.groups[name];
    if (group === undefined) continue;
    if (group.visibleEvidence < enter && group.slowEvidence < enter) continue;
    if (group.visibleEvidence >= enter) {
      const signal = worstVisible(track.visible, track.isLimitBroad);
      const failing = sureExcessRatio(track.lastingVisible, 1);
      const ofGroup = excessRatio(failingOf(group.visible, isLimitBroad(group.limitedBeyondFirst)));
      if (
        signal !== undefined &&
        !has(signal) &&
        failing >= Math.max(leastFailing, partOfGroup * ofGroup)
      )
        found.push({
          signal,
          family: familyOf(signal, track.isLimitBroad) as Family,
          sinceMs: group.visibleSinceMs,
          evidence: 0,
        });
    }
    if (group.slowEvidence < enter || has("ttft") || has("duration")) continue;
    const slowdown = beyondPrompts(
      logSlowdown(track.lastingSlow) + track.latencyDrift,
      track.promptGrowth,
    );
    if (slowdown < Math.max(leastSlowdown, partOfGroup * groupSlowdown(group))) continue;
    const signal = track.signals.ttft === undefined ? "duration" : "ttft";
    found.push({ signal, family: "service", sinceMs: group.slowSinceMs, evidence: 0 });
  }
}

export function groupSlowdown(group: GroupTrack): number {
  return beyondPrompts(logSlowdown(group.slow) + group.drift, group.promptGrowth);
}
