/**
 * Groups: model calls by provider, model and region, HTTP requests by service, route and region. What is too thin to see in each cell is plain in their
 * sum, and severity and forecasts are about shares of traffic, so they are made here.
 */
import { type Cell, type CellKey, parseCellKey } from "../contracts/cell.ts";
import { type VisibleSignal, visibleSignals } from "../contracts/visible-signals.ts";
import type { CellShare } from "./cell-track.ts";
import { isLimitBroad } from "./cell-track.ts";
import { addEvidence, ratioSurprise } from "./evidence.ts";
import type { LastingBlock } from "./pressure.ts";
import { beyondPrompts, logSlowdown, slowShareAfter } from "./slowness.ts";
import { add, emptyTally, fade, type Tally } from "./tally.ts";

/** A minute of a group. `failing` and `slowdown` are undefined in JSON's sense (null) when it had no requests. */
export interface Minute {
  readonly requests: number;
  readonly usualRequests: number;
  /** Excess ratio of visibly failing requests, signed, so that its mean is 0 in health. */
  readonly failing: number | null;
  /** ln of how many times slower, beyond what longer prompts explain. */
  readonly slowdown: number | null;
}

export interface GroupTrack {
  usualRequests: number;
  requests: number;
  /** Visible failures by kind and slow requests, half-life as for cells. */
  readonly visible: Partial<Record<VisibleSignal, Tally>>;
  readonly slow: Tally;
  /** Visible failures by kind, half-life `longMs`. */
  readonly longVisible: Partial<Record<VisibleSignal, Tally>>;
  /** Means over cells, weighted by requests: drift of the latency baselines, and growth of prompts; both ln. */
  drift: number;
  promptGrowth: number;
  readonly limitedBeyondFirst: { requests: number; tenants: number };
  visibleEvidence: number;
  slowEvidence: number;
  visibleSinceMs: number;
  slowSinceMs: number;
  /** Page's CUSUM of the failing ratio, in windows at the paging ratio; see `severity.ts`. */
  pressure: number;
  /** The same for small ratios that last. */
  lastingPressure: number;
  lastingBlock?: LastingBlock;
  /** Start of the last window in which that was 0, and whether what is small has lasted and goes on, see `lasting.ts`. */
  lastingSinceMs: number;
  isLasting: boolean;
  /** The last hour, oldest first. */
  readonly minutes: Minute[];
  minute: MinuteSum;
}

interface MinuteSum {
  windows: number;
  requests: number;
  usualRequests: number;
  readonly failing: Tally;
  readonly slow: Tally;
  drift: number;
  promptGrowth: number;
}

const emptyMinute = (): MinuteSum => ({
  windows: 0,
  requests: 0,
  usualRequests: 0,
  failing: emptyTally(),
  slow: emptyTally(),
  drift: 0,
  promptGrowth: 0,
});

export const minutesKept = 60;

export function initialGroupTrack(): GroupTrack {
  return {
    usualRequests: 0,
    requests: 0,
    visible: {},
    slow: emptyTally(),
    longVisible: {},
    drift: 0,
    promptGrowth: 0,
    limitedBeyondFirst: { requests: 0, tenants: 0 },
    visibleEvidence: 0,
    slowEvidence: 0,
    visibleSinceMs: 0,
    slowSinceMs: 0,
    pressure: 0,
    lastingPressure: 0,
    lastingSinceMs: 0,
    isLasting: false,
    minutes: [],
    minute: emptyMinute(),
  };
}

/** All model calls, or all HTTP requests of one service: a user's request is in each class at most once. */
export function classOf(key: CellKey): string {
  return groupsOf(key)[0];
}

export const modelCalls = "model calls";

/** The groups that a cell is part of, its class first. */
export function groupsOf(key: CellKey): Groups {
  const known = groupsByCell.get(key);
  if (known !== undefined) return known;
  const cell = parseCellKey(key);
  const groups: Groups = [
    cell.kind === "genai" ? modelCalls : `service=${cell.provider}`,
    ...placeGroups(cell),
  ];
  if (groupsByCell.size > 100_000) groupsByCell.clear();
  groupsByCell.set(key, groups);
  return groups;
}

/** Names only: a cache of a pure function. */
const groupsByCell = new Map<CellKey, Groups>();

type Groups = readonly [string, ...string[]];

function placeGroups(cell: Cell): string[] {
  const { provider, model, region, operation } = cell;
  if (cell.kind === "genai")
    return [
      `provider=${provider}`,
      `model=${model}`,
      ...(region === "" ? [] : [`region=${region}`]),
    ];
  return [
    `route=${provider} ${operation}`,
    ...(region === "" ? [] : [`region=${region} of ${provider}`]),
  ];
}

/** What all cells of a group add up to in one window. */
export interface GroupShare {
  requests: number;
  usualRequests: number;
  readonly visible: Partial<Record<VisibleSignal, Tally>>;
  readonly slow: Tally;
  /** Σ drift · slow.of, Σ promptGrowth · slow.of. */
  driftWeighted: number;
  promptWeighted: number;
  readonly limitedBeyondFirst: { requests: number; tenants: number };
}

export const emptyGroupShare = (): GroupShare => ({
  requests: 0,
  usualRequests: 0,
  visible: {},
  slow: emptyTally(),
  driftWeighted: 0,
  promptWeighted: 0,
  limitedBeyondFirst: { requests: 0, tenants: 0 },
});

export function addShare(
  group: GroupShare,
  share: CellShare,
  cell: {
    readonly requests: number;
    readonly usualRequests: number;
    readonly latencyDrift: number;
    readonly promptGrowth: number;
  },
): void {
  group.requests += cell.requests;
  group.usualRequests += cell.usualRequests;
  for (const signal of visibleSignals) {
    const more = share.visible[signal];
    if (more === undefined) continue;
    const tally = group.visible[signal] ?? emptyTally();
    group.visible[signal] = tally;
    add(tally, more);
  }
  add(group.slow, share.slow);
  group.driftWeighted += cell.latencyDrift * share.slow.of;
  group.promptWeighted += cell.promptGrowth * share.slow.of;
  group.limitedBeyondFirst.requests += share.limitedBeyondFirst.requests;
  group.limitedBeyondFirst.tenants += share.limitedBeyondFirst.tenants;
}

export interface GroupStep {
  readonly windowStartMs: number;
  readonly windowsPerMinute: number;
  readonly fade: Readonly<Record<"recent" | "lasting" | "long", number>>;
  readonly evidence: { readonly limit: number; readonly cap: number };
}

/** Variance of counts against independent requests: clients come in bursts and retry together. */
const dispersion = 2;
/** A group counts as slow only beyond this factor: load and hour move latency a little all the time. */
const slowFactorFloor = 1.15;
/** A group counts as failing only beyond its usual ratio times this, or plus half a per cent. */
const failingFactorFloor = 2;
const failingRatioFloor = 0.005;

/** Steps a group's memory in place. */
export function stepGroup(track: GroupTrack, share: GroupShare, step: GroupStep): void {
  track.usualRequests = share.usualRequests;
  track.requests = share.requests;
  rememberKinds(track.visible, share.visible, step.fade.recent);
  rememberKinds(track.longVisible, share.visible, step.fade.long);
  fade(track.slow, step.fade.recent);
  add(track.slow, share.slow);
  const { limitedBeyondFirst: limits } = track;
  limits.requests = limits.requests * step.fade.lasting + share.limitedBeyondFirst.requests;
  limits.tenants = limits.tenants * step.fade.lasting + share.limitedBeyondFirst.tenants;
  if (share.slow.of > 0) {
    track.drift = share.driftWeighted / share.slow.of;
    track.promptGrowth = share.promptWeighted / share.slow.of;
  }
  stepEvidence(track, share, step);
  stepMinute(track, share, step);
}

type ByKind = Partial<Record<VisibleSignal, Tally>>;

function rememberKinds(kinds: ByKind, more: Readonly<ByKind>, fading: number): void {
  for (const signal of visibleSignals) {
    const kept = kinds[signal];
    if (kept !== undefined) fade(kept, fading);
    const window = more[signal];
    if (window === undefined) continue;
    const tally = kept ?? emptyTally();
    kinds[signal] = tally;
    add(tally, window);
  }
}

function stepEvidence(track: GroupTrack, share: GroupShare, step: GroupStep): void {
  const failing = failingOf(share.visible, isLimitBroad(track.limitedBeyondFirst));
  if (failing.of > 0) {
    const usual = failing.expected / failing.of;
    const surprise = ratioSurprise(failing.bad, failing.of, {
      atMost: Math.max(usual * failingFactorFloor, usual + failingRatioFloor),
      dispersion,
    });
    track.visibleEvidence = addEvidence(track.visibleEvidence, surprise, step.evidence);
    if (track.visibleEvidence === 0) track.visibleSinceMs = 0;
    else if (track.visibleSinceMs === 0) track.visibleSinceMs = step.windowStartMs;
  }
  if (share.slow.of <= 0) return;
  const usual = share.slow.expected / share.slow.of;
  const surprise = ratioSurprise(share.slow.bad, share.slow.of, {
    atMost: slowShareAfter(usual, slowFactorFloor),
    dispersion,
  });
  track.slowEvidence = addEvidence(track.slowEvidence, surprise, step.evidence);
  if (track.slowEvidence === 0) track.slowSinceMs = 0;
  else if (track.slowSinceMs === 0) track.slowSinceMs = step.windowStartMs;
}

/** All visible failures as one tally; rate limits only where they hit many tenants. */
export function failingOf(
  visible: Partial<Record<VisibleSignal, Readonly<Tally>>>,
  isBroad: boolean,
): Tally {
  const total = emptyTally();
  for (const signal of visibleSignals) {
    const tally = visible[signal];
    if (tally === undefined) continue;
    total.of = Math.max(total.of, tally.of);
    if (signal === "rate_limited" && !isBroad) continue;
    total.bad += tally.bad;
    total.expected += tally.expected;
  }
  return total;
}

function stepMinute(track: GroupTrack, share: GroupShare, step: GroupStep): void {
  const { minute } = track;
  minute.windows++;
  minute.requests += share.requests;
  minute.usualRequests += share.usualRequests;
  add(minute.failing, failingOf(share.visible, isLimitBroad(track.limitedBeyondFirst)));
  add(minute.slow, share.slow);
  minute.drift += share.driftWeighted;
  minute.promptGrowth += share.promptWeighted;
  if (minute.windows < step.windowsPerMinute) return;
  const { failing, slow } = minute;
  track.minutes.push({
    requests: minute.requests,
    usualRequests: minute.usualRequests,
    failing: failing.of > 0 ? (failing.bad - failing.expected) / failing.of : null,
    slowdown:
      slow.of > 0
        ? beyondPrompts(logSlowdown(slow) + minute.drift / slow.of, minute.promptGrowth / slow.of)
        : null,
  });
  if (track.minutes.length > minutesKept) track.minutes.shift();
  track.minute = emptyMinute();
}
