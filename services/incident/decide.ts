/** One step of the whole decision: a joined window in, incident records out. */
import type { CellKey } from "../contracts/cell.ts";
import type { Judgement } from "../contracts/config.ts";
import type { CellFrame, SignalName } from "../contracts/frame.ts";
import { type Incident, severities } from "../contracts/incident.ts";
import {
  type CellTrack,
  initialCellTrack,
  isLimitBroad,
  stepCell,
  tellLimitBreadth,
} from "./cell-track.ts";
import { type Degraded, findDegraded } from "./degraded.ts";
import { assignEpisodes, rememberWindow } from "./episodes.ts";
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
import {
  doublingMinutes,
  type EpisodeView,
  makeRecord,
  makeResolved,
  scopeName,
  tallyCells,
} from "./record.ts";
import { judgeSeverity, type Opinion, type Scope, stepPressure } from "./severity.ts";
import {
  endSilence,
  isFleetSilent,
  silentCells,
  stepFleetSilence,
  stepSilence,
} from "./silence.ts";
import { type Episode, type IncidentState, isOpen } from "./state.ts";
import { excessRatio, fadePerWindow, sureExcessRatio } from "./tally.ts";
import { largestClass, trafficShare } from "./traffic-share.ts";

const minuteMs = 60_000;
const halfLivesMs = { recent: minuteMs, lasting: 4 * minuteMs, usual: 6 * 60 * minuteMs };
/** Signals judged of a cell, on average: for the number of streams that share the false-alarm rate. */
const signalsPerCell = 8;
/** Chance that is taken off a failing ratio before it counts towards a page, in standard deviations. */
const sureDeviations = 1.5;
/** Part of a group's usual traffic that must be degraded for the group to be the incident's scope. */
const scopePart = 0.6;
/** Traffic-weighted part of the fleet whose trouble stops all learning. */
const wideTrouble = 1 / 3;
/** Evidence (log10) in a cell's group from which the cell stops learning. */
const suspicion = 2;
/** Two notes of growth lie at least this far apart. */
const growthPauseMs = 5 * minuteMs;

export function decideWindow(
  state: IncidentState,
  window: FleetWindow,
  judgement: Judgement,
): Incident[] {
  state.windows++;
  stepFleetSilence(state, window);
  const threshold = stepTracks(state, window, judgement);
  const degraded = new Map(findDegraded(state, threshold));
  for (const [key, silence] of silentCells(state, state.silences, window))
    degraded.set(key, [...(degraded.get(key) ?? []), silence]);
  for (const [key, track] of Object.entries(state.cells))
    if (!degraded.has(key as CellKey)) track.degradedSinceMs = 0;
    else if (track.degradedSinceMs === 0) track.degradedSinceMs = window.windowStartMs;
  const records: Incident[] = [];
  const { opened, merged } = assignEpisodes(state, degraded, window.windowStartMs);
  for (const [into, from] of merged) {
    from.phase = "resolved";
    from.resolvedMs = window.windowStartMs;
    const record = makeResolved(from, window, `Part of incident ${into.incident}`);
    if (record !== undefined) records.push(record);
  }
  const frames = new Map(window.cells.map((frame) => [frame.cell, frame]));
  for (const episode of state.episodes)
    if (isOpen(episode))
      records.push(
        ...stepEpisode(episode, {
          state,
          window,
          judgement,
          degraded,
          frames,
          isNew: opened.includes(episode),
        }),
      );
  return records;
}

/** Steps all cells and groups; returns the evidence (log10) that one stream alone needs. */
function stepTracks(state: IncidentState, window: FleetWindow, judgement: Judgement): number {
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
    usual: fadePerWindow(halfLivesMs.usual, windowMs),
  };
  const isWide = troubledShare(state) >= wideTrouble;
  const shares = new Map<string, GroupShare>();
  const live = new Set<CellKey>();
  for (const frame of window.cells) {
    const key = frame.cell;
    live.add(key);
    const track = state.cells[key] ?? initialCellTrack();
    state.cells[key] = track;
    const before = track.quietWindows;
    const share = stepCell(track, frame, {
      windowStartMs,
      judgement,
      evidence,
      fade,
      isFrozen: isWide || track.degradedSinceMs > 0 || isSuspected(state, key),
    });
    stepQuiet(state, { key, track, quietBefore: before, fadeUsual: fade.usual });
    for (const name of groupsOf(key)) {
      const group = shares.get(name) ?? emptyGroupShare();
      shares.set(name, group);
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
    if (share.requests > 0)
      group.pressure = stepPressure(
        group.pressure,
        sureExcessRatio(
          failingOf(group.visible, isLimitBroad(group.limitedBeyondFirst)),
          sureDeviations,
        ),
        judgement.incident.pageFailureRatio,
      );
  }
  for (const key of live) {
    const track = state.cells[key];
    const group = state.groups[classOf(key)];
    if (track !== undefined && group !== undefined)
      tellLimitBreadth(track, isLimitBroad(group.limitedBeyondFirst));
  }
  return threshold;
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
  const memory = state.silences[of.key] ?? { usualRequests: 0, longestQuiet: 0 };
  state.silences[of.key] = memory;
  stepSilence(memory, of.track, of.fadeUsual);
  if (of.track.requests > 0 && of.quietBefore > 0) endSilence(memory, of.quietBefore);
}

function troubledShare(state: IncidentState): number {
  return trafficShare(
    state,
    (Object.keys(state.cells) as CellKey[]).filter(
      (key) => (state.cells[key]?.degradedSinceMs ?? 0) > 0,
    ),
  );
}

function isSuspected(state: IncidentState, key: CellKey): boolean {
  return groupsOf(key).some((name) => {
    const group = state.groups[name];
    return (
      group !== undefined && (group.slowEvidence >= suspicion || group.visibleEvidence >= suspicion)
    );
  });
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

interface EpisodeStep {
  readonly state: IncidentState;
  readonly window: FleetWindow;
  readonly judgement: Judgement;
  readonly degraded: Degraded;
  readonly frames: ReadonlyMap<CellKey, CellFrame>;
  readonly isNew: boolean;
}

function stepEpisode(episode: Episode, step: EpisodeStep): Incident[] {
  const { state, window, judgement, degraded, frames } = step;
  for (const key of Object.keys(episode.members) as CellKey[])
    if (state.cells[key] === undefined) delete episode.members[key];
  const members = Object.keys(episode.members).toSorted() as CellKey[];
  if (members.length === 0)
    return resolve(episode, window, "No longer watched: its cells have had no requests for long");
  const cells = members.filter((key) =>
    degraded.get(key)?.some((signal) => signal.family === episode.family),
  );
  rememberWindow(episode, frames, { degraded, tracks: state.cells });
  countHealth(episode, { members, cells, frames });
  if (episode.healthyWindows >= judgement.incident.resolveAfterWindows)
    return resolve(episode, window, resolvedReason(episode, judgement, window));
  const view = viewEpisode(episode, cells, step);
  if (frames.size > 0 && view.failing.of > 0)
    episode.pressure = stepPressure(
      episode.pressure,
      sureExcessRatio(view.failing, sureDeviations),
      judgement.incident.pageFailureRatio,
    );
  return announce(episode, view, step);
}

function countHealth(
  episode: Episode,
  of: {
    readonly members: readonly CellKey[];
    readonly cells: readonly CellKey[];
    readonly frames: ReadonlyMap<CellKey, CellFrame>;
  },
): void {
  if (of.cells.length > 0) {
    episode.unusualWindows++;
    episode.healthyWindows = 0;
    if (episode.phase === "resolving")
      episode.phase = episode.severity === "none" ? "pending" : "firing";
    return;
  }
  // A gap is not health: members that carry half of the usual traffic must have had requests.
  let usual = 0;
  let seen = 0;
  for (const key of of.members) {
    const frame = of.frames.get(key);
    usual += frame?.usualRequests ?? 0;
    if (frame !== undefined && frame.requests > 0) seen += frame.usualRequests;
  }
  if (seen === 0 || seen < 0.5 * usual) return;
  episode.healthyWindows++;
  episode.phase = "resolving";
}

function resolve(episode: Episode, window: FleetWindow, reason: string): Incident[] {
  episode.phase = "resolved";
  episode.resolvedMs = window.windowStartMs + window.windowMs;
  const record = makeResolved(episode, window, reason);
  return record === undefined ? [] : [record];
}

function resolvedReason(episode: Episode, judgement: Judgement, window: FleetWindow): string {
  const { resolveAfterWindows } = judgement.incident;
  const seconds = Math.round((resolveAfterWindows * window.windowMs) / 1000);
  const what = episode.family === "silence" ? "Requests are back" : "Back to normal";
  return `${what} for ${resolveAfterWindows} windows with requests (${seconds} s)`;
}

function viewEpisode(
  episode: Episode,
  cells: readonly CellKey[],
  { state, window }: EpisodeStep,
): EpisodeView {
  const share = trafficShare(state, cells);
  const windowsPerMinute = Math.max(1, Math.round(minuteMs / window.windowMs));
  if (state.windows % windowsPerMinute === 0) {
    episode.shares.push(share);
    if (episode.shares.length > 30) episode.shares.shift();
  }
  const doubling = doublingMinutes(episode.shares);
  const ago = episode.shares[Math.max(0, episode.shares.length - 6)] ?? share;
  const quiet = Math.max(0, ...cells.map((key) => state.cells[key]?.quietWindows ?? 0));
  return {
    cells,
    liveCells: Object.keys(state.cells).length,
    degradedShare: share,
    ...tallyCells(state, cells),
    isSpreading: doubling !== null || share > 1.5 * ago,
    doublingMinutes: doubling,
    quietMs: quiet * window.windowMs,
    isFleetSilent: episode.family === "silence" && isFleetSilent(state, window.windowMs),
  };
}

/** Decides the severity and says what is new, if anything is. */
function announce(episode: Episode, view: EpisodeView, step: EpisodeStep): Incident[] {
  const { state, window, judgement, degraded, isNew } = step;
  const opinion =
    episode.family === "silence"
      ? silenceOpinion(view, judgement)
      : judgeSeverity({
          judgement,
          family: episode.family,
          scopes: scopesOf(state, view, episode),
          pressure: episode.pressure,
          failingRatio: excessRatio(view.failing),
          degradedShare: view.degradedShare,
          promptGrowth: view.promptGrowth,
          signals: signalsNow(view, degraded),
          unusualWindows: episode.unusualWindows,
          windowMs: window.windowMs,
          isSpreading: view.isSpreading,
        });
  const records: Incident[] = [];
  const isLess = severities.indexOf(opinion.severity) < severities.indexOf(episode.severity);
  const shown = isLess ? { ...opinion, reason: episode.reason, leads: episode.leads } : opinion;
  if (!isLess) {
    episode.reason = opinion.reason;
    episode.leads = opinion.leads;
  }
  const input = { state, window, degraded, episode, view, opinion: shown };
  if (isNew) records.push(makeRecord(input, "opened"));
  // What is not there now is no reason to raise it.
  if (view.cells.length === 0) return records;
  const { severity } = opinion;
  if (severity === "page" && episode.severity !== "page") {
    episode.severity = "page";
    episode.phase = "firing";
    records.push(say(makeRecord(input, "paged"), episode, view));
  } else if (severity === "ticket" && episode.severity === "none") {
    episode.severity = "ticket";
    episode.phase = "firing";
    records.push(say(makeRecord(input, "ticketed"), episode, view));
  } else if (hasGrown(episode, view, window)) {
    records.push(say(makeRecord(input, "grew"), episode, view));
  }
  return records;
}

function say(record: Incident, episode: Episode, view: EpisodeView): Incident {
  episode.saidCells = view.cells.length;
  episode.saidShare = view.degradedShare;
  episode.saidMs = record.windowStartMs;
  return record;
}

function hasGrown(episode: Episode, view: EpisodeView, window: FleetWindow): boolean {
  return (
    episode.severity !== "none" &&
    window.windowStartMs - episode.saidMs >= growthPauseMs &&
    (view.cells.length >= 2 * episode.saidCells || view.degradedShare >= 2 * episode.saidShare)
  );
}

function signalsNow(view: EpisodeView, degraded: Degraded): SignalName[] {
  const signals = new Set<SignalName>();
  for (const cell of view.cells)
    for (const { signal } of degraded.get(cell) ?? []) signals.add(signal);
  return [...signals];
}

/** Every group that the episode nearly fills. */
function scopesOf(state: IncidentState, view: EpisodeView, episode: Episode): Scope[] {
  if (episode.family !== "service" && episode.family !== "quality") return [];
  const largest = largestClass(state);
  const usualIn = new Map<string, number>();
  for (const cell of view.cells)
    for (const name of groupsOf(cell))
      usualIn.set(name, (usualIn.get(name) ?? 0) + (state.cells[cell]?.usualRequests ?? 0));
  const scopes: Scope[] = [];
  for (const name of [...usualIn.keys()].toSorted()) {
    const track = state.groups[name] as GroupTrack;
    const isFilled = (usualIn.get(name) ?? 0) >= scopePart * track.usualRequests;
    if (!isFilled || largest <= 0) continue;
    const isWhole = view.cells.some((cell) => classOf(cell) === name);
    scopes.push({
      name: scopeName(name),
      track,
      share: Math.min(1, track.usualRequests / largest),
      isWhole,
      isHttp: view.cells.some((cell) => cell.startsWith("http") && groupsOf(cell).includes(name)),
    });
  }
  return scopes;
}

/** A whole silent fleet pages, and a large part of it; single cells are tickets: traffic alone is weak evidence. */
function silenceOpinion(view: EpisodeView, judgement: Judgement): Opinion {
  const minutes = Math.round(view.quietMs / minuteMs);
  if (view.isFleetSilent)
    return {
      severity: "page",
      reason: `No span from any sender for ${minutes} min: the service, its exporters or the way here is down; which, can not be told from here`,
      leads: "any",
      forecast: undefined,
    };
  if (view.cells.length >= 3 && view.degradedShare >= 5 * judgement.incident.pageTrafficShare)
    return {
      severity: "page",
      reason: `No requests for ${minutes} min in ${view.cells.length} cells that carry ${Math.round(100 * view.degradedShare)} % of traffic, while others have some`,
      leads: "any",
      forecast: undefined,
    };
  return {
    severity: "ticket",
    reason: `Not a page: silence of ${view.cells.length} of ${view.liveCells} cells alone may be their users' choice`,
    leads: "any",
    forecast: undefined,
  };
}
