/** One window in an episode's life: health, severity, and what there is to say. */
import type { CellKey } from "../contracts/cell.ts";
import type { Judgement } from "../contracts/config.ts";
import type { CellFrame, SignalName } from "../contracts/frame.ts";
import { type Incident, severities } from "../contracts/incident.ts";
import { declineOpinion } from "./declined.ts";
import type { Degraded } from "./degraded-signal.ts";
import { slownessSignals } from "./families.ts";
import { forgetFarSlower } from "./far-slower-share.ts";
import { isWorthTelling } from "./forecast.ts";
import type { FleetWindow } from "./join.ts";
import type { Opinion } from "./opinion.ts";
import { stepPressure, sureDeviations } from "./pressure.ts";
import { makeRecord, makeResolved } from "./record.ts";
import { rememberWindow } from "./remember.ts";
import { scopesOf } from "./scopes.ts";
import { judgeSeverity } from "./severity.ts";
import { silenceOpinion } from "./silence.ts";
import type { Episode, IncidentState } from "./state.ts";
import { excessRatio, sureExcessRatio } from "./tally.ts";
import { rememberToldPlaces, stepUntoldPlace } from "./untold-place.ts";
import { type EpisodeView, viewEpisode } from "./view.ts";

/** Two notes of growth, or of how long is left, lie at least this far apart. */
const growthPauseMs = 300_000;
/** A page and the word that it has come true, or become far worse, are not told in one breath. */
const comeTruePauseMs = 60_000;

interface EpisodeStep {
  readonly state: IncidentState;
  readonly window: FleetWindow;
  readonly judgement: Judgement;
  readonly degraded: Degraded;
  readonly frames: ReadonlyMap<CellKey, CellFrame>;
  readonly isNew: boolean;
}

export function stepEpisode(episode: Episode, step: EpisodeStep): Incident[] {
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
  countHealth(episode, { members, cells, frames, judgement });
  const healthy = healthyToResolve(episode, judgement, window);
  if (episode.healthyWindows >= healthy)
    return resolve(episode, window, resolvedReason(episode, healthy, window));
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
    readonly judgement: Judgement;
  },
): void {
  if (of.cells.length > 0) {
    episode.unusualWindows++;
    episode.healthyWindows = 0;
    if (episode.phase === "resolving")
      episode.phase = episode.severity === "none" ? "pending" : "firing";
    return;
  }
  // A gap is not health: there must be requests, and none missing of members that carry half of the usual traffic.
  let usual = 0;
  let seen = 0;
  let requests = 0;
  let failed = 0;
  for (const key of of.members) {
    const frame = of.frames.get(key);
    usual += frame?.usualRequests ?? 0;
    requests += frame?.requests ?? 0;
    failed += (frame?.failures ?? 0) + (frame?.authFailures ?? 0);
    if (frame !== undefined && isHeard(frame)) seen += frame.usualRequests;
  }
  if (requests === 0 || seen < 0.5 * usual) return;
  // Nor is a trickle that fails: too few requests to be evidence are not yet health.
  const isFailureTold = episode.family === "service" || episode.family === "quality";
  if (isFailureTold && failed > of.judgement.incident.pageFailureRatio * requests) return;
  episode.healthyWindows++;
  episode.phase = "resolving";
}

/** Usual requests that may be missing by chance: so many are in one case of seven. Thin cells seldom have theirs in the same window. */
const missingByChance = 2;

function isHeard({ requests, quietWindows, usualRequests }: CellFrame): boolean {
  return requests > 0 || quietWindows * usualRequests < missingByChance;
}

function resolve(episode: Episode, window: FleetWindow, reason: string): Incident[] {
  episode.phase = "resolved";
  episode.resolvedMs = window.windowStartMs + window.windowMs;
  const record = makeResolved(episode, window, reason);
  return record === undefined ? [] : [record];
}

/** What comes and goes is believed to be over four times as late with each return, and a quarter of an hour at the latest. */
const patience = 4;
const mostPatienceMs = 15 * 60_000;

function healthyToResolve(
  { returns }: Episode,
  { incident: { resolveAfterWindows } }: Judgement,
  { windowMs }: FleetWindow,
): number {
  const most = Math.max(resolveAfterWindows, Math.round(mostPatienceMs / windowMs));
  return Math.min(most, resolveAfterWindows * patience ** returns);
}

function resolvedReason(episode: Episode, healthy: number, window: FleetWindow): string {
  const seconds = Math.round((healthy * window.windowMs) / 1000);
  if (episode.family === "decline")
    return "Requests are no longer far fewer than usual: most are back, or so few have become usual, or the day is an exception";
  const what = episode.family === "silence" ? "Requests are back" : "Back to normal";
  return `${what} for ${healthy} windows with requests (${seconds} s)`;
}

function opinionOf(episode: Episode, view: EpisodeView, step: EpisodeStep): Opinion {
  const { state, window, judgement, degraded } = step;
  if (view.decline !== undefined)
    return declineOpinion(view.decline, window.windowStartMs - state.decline.sinceMs);
  if (episode.family === "silence") return silenceOpinion(view, judgement);
  return judgeSeverity({
    ...view,
    judgement,
    family: episode.family,
    scopes: scopesOf(state, { cells: view.cells, family: episode.family }),
    pressure: episode.pressure,
    failingRatio: excessRatio(view.failing),
    signals: signalsNow(view, degraded),
    unusualWindows: episode.unusualWindows,
    windowMs: window.windowMs,
  });
}

/** Decides the severity and says what is new, if anything is. */
function announce(episode: Episode, view: EpisodeView, step: EpisodeStep): Incident[] {
  const { state, window, degraded, isNew } = step;
  const opinion = opinionOf(episode, view, step);
  const records: Incident[] = [];
  const isLess = severities.indexOf(opinion.severity) < severities.indexOf(episode.severity);
  // What fails of a version is told as such for as long as it does, though what fails in all has lasted meanwhile.
  const isVaguer =
    episode.leads === "slice" && opinion.leads === "lasting" && view.slice !== undefined;
  const isKept = isLess || isVaguer;
  const shown = isKept ? { ...opinion, reason: episode.reason, leads: episode.leads } : opinion;
  if (!isKept) {
    episode.reason = opinion.reason;
    episode.leads = opinion.leads;
  }
  const input = { state, window, degraded, episode, view, opinion: shown };
  if (isNew) records.push(makeRecord(input, "opened"));
  // What is not there now is no reason to raise it.
  if (view.cells.length === 0) return records;
  const { severity } = opinion;
  const isElsewhere = stepUntoldPlace(input);
  const isGrown = hasGrown(episode, view, window);
  if (severity === "page" && episode.severity !== "page") {
    episode.severity = "page";
    episode.phase = "firing";
    if (opinion.leads === "stragglers") forgetFarSlower(state, view.cells);
    records.push(say(makeRecord(input, "paged"), episode, view));
  } else if (severity === "ticket" && episode.severity === "none") {
    episode.severity = "ticket";
    episode.phase = "firing";
    records.push(say(makeRecord(input, "ticketed"), episode, view));
  } else if (hasComeTrue(episode, opinion, window) || hasWorsened(episode, view, step)) {
    // What is there is not foretold any more.
    const told = { ...input, opinion: { ...shown, forecast: undefined } };
    records.push(say(makeRecord(told, "grew"), episode, view));
  } else if (
    window.windowStartMs - episode.saidMs >= growthPauseMs &&
    (isGrown || isElsewhere || isFirstForecast(episode, opinion))
  ) {
    records.push(say(makeRecord(input, "grew"), episode, view));
  }
  return records;
}

function say(record: Incident, episode: Episode, view: EpisodeView): Incident {
  episode.saidCells = view.cells.length;
  episode.saidShare = view.degradedShare;
  episode.saidFailing = excessRatio(view.failing);
  episode.saidMs = record.windowStartMs;
  episode.hasSaidForecast ||= record.forecast !== null;
  rememberToldPlaces(episode, record.dimensions);
  delete episode.grownMs;
  return record;
}

/** Twice as much as was said. Of a page, only once it is settled where: the first cells that join say nothing of the place yet. */
function hasGrown(episode: Episode, view: EpisodeView, { windowStartMs }: FleetWindow): boolean {
  const isGrown =
    episode.severity !== "none" &&
    (view.cells.length >= 2 * episode.saidCells || view.degradedShare >= 2 * episode.saidShare);
  if (!isGrown) {
    delete episode.grownMs;
    return false;
  }
  episode.grownMs ??= windowStartMs;
  const settles = episode.severity === "page" ? growthPauseMs : 0;
  return windowStartMs - episode.grownMs >= settles;
}

/** Far more fail than was said: the words on the page must keep up with a collapse. */
function hasWorsened(
  episode: Episode,
  view: EpisodeView,
  { window, judgement }: EpisodeStep,
): boolean {
  const { severity, saidMs, saidFailing = 1 } = episode;
  if (severity === "none" || isToldBySpeed(episode)) return false;
  if (window.windowStartMs - saidMs < comeTruePauseMs) return false;
  const told = Math.max(judgement.incident.pageFailureRatio, worseFactor * saidFailing);
  return excessRatio(view.failing) >= told;
}

/** It can be said how long is left, and never was. */
function isFirstForecast(episode: Episode, opinion: Opinion): boolean {
  return (
    episode.severity !== "none" &&
    opinion.forecast !== undefined &&
    episode.hasSaidForecast !== true &&
    isWorthTelling(opinion.forecast.eta, false)
  );
}

/** Failures that have become so many times more are told again. */
const worseFactor = 3;

/** The failures are there that a page told of beforehand: its words and its forecast are no longer what matters. */
function hasComeTrue(episode: Episode, opinion: Opinion, window: FleetWindow): boolean {
  const isFailing = ["failing", "lasting", "outright"].includes(opinion.leads);
  return (
    episode.severity === "page" &&
    isToldBySpeed(episode) &&
    opinion.severity === "page" &&
    isFailing &&
    window.windowStartMs - episode.saidMs >= comeTruePauseMs
  );
}

function isToldBySpeed({ said }: Episode): boolean {
  return slownessSignals.some((signal) => signal === said?.leadingSignal);
}

function signalsNow(view: EpisodeView, degraded: Degraded): SignalName[] {
  const signals = new Set<SignalName>();
  for (const cell of view.cells)
    for (const { signal } of degraded.get(cell) ?? []) signals.add(signal);
  return [...signals];
}
