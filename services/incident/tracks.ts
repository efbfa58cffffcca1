/** Steps the memory of all cells and groups by a window. */
import type { CellKey } from "../contracts/cell.ts";
import type { Judgement } from "../contracts/config.ts";
import { initialCellTrack, isLimitBroad, stepCell, tellLimitBreadth } from "./cell-track.ts";
import { classUsuals } from "./class-usual.ts";
import { openThreshold } from "./evidence.ts";
import {
  addShare,
  classOf,
  emptyGroupShare,
  failingOf,
  type GroupShare,
  type GroupTrack,
  groupsOf,
  initialGroupTrack,
  stepGroup,
} from "./group-track.ts";
import type { FleetWindow } from "./join.ts";
import { stepLastingPlace } from "./lasting.ts";
import { lastingToDoubt, stepLasting, stepPressure, sureDeviations } from "./pressure.ts";
import { endSilence, stepSilence } from "./silence-memory.ts";
import { stepSlices } from "./slices.ts";
import type { IncidentState } from "./state.ts";
import { fadePerWindow, sureExcessRatio } from "./tally.ts";
import type { CellTrack } from "./track.ts";
import { trafficShare } from "./traffic-share.ts";

const minuteMs = 60_000;
const halfLivesMs = {
  recent: minuteMs,
  lasting: 4 * minuteMs,
  long: 30 * minuteMs,
  usual: 6 * 60 * minuteMs,
};
/** Signals judged of a cell, on average: for the number of streams that share the false-alarm rate. */
const signalsPerCell = 8;
/** Traffic-weighted part of the fleet whose trouble stops all learning. */
const wideTrouble = 1 / 3;
/** Evidence (log10) in a cell's group from which the cell stops learning. */
const suspicion = 2;

/** What has been so for so long is a new level rather than an outage, as detect has it of what users feel (`freeze.ts` there). */
const newLevelAfterMs = 24 * 60 * minuteMs;

/** Steps all cells and groups; returns the evidence (log10) that one stream alone needs. */
export function stepTracks(
  state: IncidentState,
  window: FleetWindow,
  judgement: Judgement,
): number {
  const { windowMs, windowStartMs } = window;
  const groupCount = Object.keys(state.groups).length;
  const threshold = openThreshold(window.cells.length * signalsPerCell + 2 * groupCount, windowMs);
  const evidence = {
    limit: threshold / judgement.incident.openAfterWindows,
    cap: threshold + 1.5,
  };
  const fade = {
    recent: fadePerWindow(halfLivesMs.recent, windowMs),
    lasting: fadePerWindow(halfLivesMs.lasting, windowMs),
    long: fadePerWindow(halfLivesMs.long, windowMs),
    usual: fadePerWindow(halfLivesMs.usual, windowMs),
  };
  const isNews = (sinceMs: number) => sinceMs > 0 && windowStartMs - sinceMs < newLevelAfterMs;
  const isWide = troubledShare(state, isNews) >= wideTrouble;
  const classes = classUsuals(state.cells);
  const shares = new Map<string, GroupShare>();
  const live = new Set<CellKey>();
  for (const frame of window.cells) {
    const key = frame.cell;
    live.add(key);
    let track = state.cells[key];
    if (track === undefined) {
      track = initialCellTrack();
      state.cells[key] = track;
    }
    const before = track.quietWindows;
    const share = stepCell(track, frame, {
      windowStartMs,
      windowMs,
      judgement,
      evidence,
      fade,
      classUsual: classes.get(classOf(key)) ?? {},
      isFrozen: isWide || isNews(track.degradedSinceMs) || isSuspected(state, key, isNews),
      isNewLevel: track.degradedSinceMs > 0 && !isNews(track.degradedSinceMs),
    });
    stepQuiet(state, { key, track, quietBefore: before, fadeUsual: fade.usual });
    for (const name of groupsOf(key)) {
      let group = shares.get(name);
      if (group === undefined) {
        group = emptyGroupShare();
        shares.set(name, group);
      }
      addShare(group, share, {
        requests: frame.requests,
        usualRequests: frame.usualRequests,
        latencyDrift: track.latencyDrift,
        promptGrowth: track.promptGrowth,
      });
    }
  }
  forgetGone(state, live, shares);
  const windowsPerMinute = Math.max(1, Math.round(minuteMs / windowMs));
  for (const [name, share] of shares) {
    const group = state.groups[name] ?? initialGroupTrack();
    state.groups[name] = group;
    stepGroup(group, share, { windowStartMs, windowsPerMinute, fade, evidence });
    if (share.requests > 0) {
      const failing = failingNow(group, share);
      group.pressure = stepPressure(group.pressure, failing, judgement.incident.pageFailureRatio);
      const window = failingOf(share.visible, isLimitBroad(group.limitedBeyondFirst));
      if (window.of > 0) stepLasting(group, window);
      stepLastingPlace(group, windowStartMs);
    }
  }
  const { pageFailureRatio } = judgement.incident;
  stepSlices(state.slices, window.cells, { windowMs, pageFailureRatio, fade });
  for (const key of live) {
    const track = state.cells[key];
    const group = state.groups[classOf(key)];
    if (track !== undefined && group !== undefined)
      tellLimitBreadth(track, isLimitBroad(group.limitedBeyondFirst));
  }
  return threshold;
}

/** From this ratio a window speaks for itself: what fails at once must not wait for an average to rise. */
const plainlyFailing = 0.1;

/** Failing ratio beyond usual and chance: of the last minute or two, or of the window where that is large. */
function failingNow(group: GroupTrack, share: GroupShare): number {
  const isBroad = isLimitBroad(group.limitedBeyondFirst);
  const lately = sureExcessRatio(failingOf(group.visible, isBroad), sureDeviations);
  const window = sureExcessRatio(failingOf(share.visible, isBroad), sureDeviations);
  return window >= plainlyFailing ? Math.max(lately, window) : lately;
}

function stepQuiet(
  state: IncidentState,
  of: {
    readonly key: CellKey;
    readonly track: CellTrack;
    readonly quietBefore: number;
    readonly fadeUsual: number;
  },
): void {
  let memory = state.silences[of.key];
  if (memory === undefined) {
    memory = { usualRequests: 0, longestQuiet: 0 };
    state.silences[of.key] = memory;
  }
  stepSilence(memory, of.track, of.fadeUsual);
  if (of.track.requests > 0 && of.quietBefore > 0) endSilence(memory, of.quietBefore);
}

type IsNews = (sinceMs: number) => boolean;

function troubledShare(state: IncidentState, isNews: IsNews): number {
  const troubled: CellKey[] = [];
  for (const name in state.cells) {
    const key = name as CellKey;
    if (isNews(state.cells[key]?.degradedSinceMs ?? 0)) troubled.push(key);
  }
  return trafficShare(state, troubled);
}

function isSuspected(state: IncidentState, key: CellKey, isNews: IsNews): boolean {
  for (const name of groupsOf(key)) {
    const group = state.groups[name];
    if (group === undefined) continue;
    if (group.slowEvidence >= suspicion && isNews(group.slowSinceMs)) return true;
    if (group.visibleEvidence >= suspicion && isNews(group.visibleSinceMs)) return true;
    const isDoubted = group.lastingPressure >= lastingToDoubt || group.isLasting;
    if (isDoubted && isNews(group.lastingSinceMs)) return true;
  }
  return false;
}

/** Cells that detect watches no longer, and groups that have no cell left. */
function forgetGone(
  state: IncidentState,
  live: ReadonlySet<CellKey>,
  shares: ReadonlyMap<string, GroupShare>,
): void {
  for (const key of Object.keys(state.cells) as CellKey[]) {
    if (live.has(key)) continue;
    delete state.cells[key];
    delete state.silences[key];
  }
  for (const name of Object.keys(state.groups)) if (!shares.has(name)) delete state.groups[name];
}
