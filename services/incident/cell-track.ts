import { learnedRatio } from "../../detectors/learned-ratio.ts";
import type { CellFrame, SignalName, SignalVerdict } from "../contracts/frame.ts";
import { type VisibleSignal, visibleSignals } from "../contracts/visible-signals.ts";
import { noRefusals, stepRefusals } from "./broad-refusal.ts";
import { latencySignals } from "./families.ts";
import { stepFarSlower } from "./far-slower.ts";
import { initialOutright, stepOutright } from "./outright.ts";
import {
  failuresThatMatter,
  initialRatioCusum,
  stepRatioCusum,
  stragglersThatMatter,
} from "./ratio-cusum.ts";
import { stepRecentDimensions } from "./recent-dimensions.ts";
import { addHealthy, initialSignalTrack, stepSignal } from "./signal-track.ts";
import { add, emptyTally, fade, type Tally } from "./tally.ts";
import { initialTokenSpeed, stepTokenSpeed } from "./token-speed.ts";
import type { CellTrack, TrackStep } from "./track.ts";
import { learnUsual, usualRatioOf } from "./usual-ratio.ts";

/** What the window adds for this cell, for the groups it belongs to. */
export interface CellShare {
  readonly visible: Partial<Record<VisibleSignal, Tally>>;
  readonly slow: Tally;
  readonly limitedBeyondFirst: { readonly requests: number; readonly tenants: number };
}

export function initialCellTrack(): CellTrack {
  return {
    usualRequests: 0,
    requests: 0,
    quietWindows: 0,
    seenWindows: 0,
    signals: {},
    visible: {},
    outright: initialOutright(),
    failing: initialRatioCusum(),
    slow: emptyTally(),
    lastingVisible: emptyTally(),
    lastingSlow: emptyTally(),
    longVisible: emptyTally(),
    tokenSpeed: initialTokenSpeed(),
    refusals: noRefusals(),
    stragglers: emptyTally(),
    straggling: initialRatioCusum(),
    usualStragglers: { bad: 0, of: 0 },
    farSlowerMs: 0,
    recentDimensions: {},
    limitedBeyondFirst: { requests: 0, tenants: 0 },
    isLimitBroad: false,
    usualLogLatency: 0,
    latencyDrift: 0,
    promptGrowth: 0,
    easedFactor: 1,
    degradedSinceMs: 0,
  };
}

/** Steps a cell's memory in place (there is one call a cell and window) and returns the window's share. */
export function stepCell(track: CellTrack, frame: CellFrame, step: TrackStep): CellShare {
  track.usualRequests = frame.usualRequests;
  track.requests = frame.requests;
  track.quietWindows = frame.quietWindows;
  const promptRatio = frame.context?.inputTokensRatio ?? 1;
  track.promptGrowth = promptRatio > 0 ? Math.log(promptRatio) : 0;
  track.easedFactor = Math.min(1, Math.max(0.1, frame.context?.explainedFactor ?? 1));
  if (frame.requests > 0) track.seenWindows++;
  const isWarm = track.seenWindows > step.judgement.detect.warmUpWindows;
  const learns = !step.isFrozen || !isWarm;
  const verdicts: Partial<Record<SignalName, SignalVerdict>> = {};
  for (const verdict of frame.signals) {
    verdicts[verdict.signal] = verdict;
    stepSignal(track, verdict, step);
  }
  // A signal that the frame leaves out had nothing to say: that is a healthy window, if there were requests.
  if (frame.requests > 0)
    for (const name in track.signals)
      if (verdicts[name as SignalName] === undefined) addHealthy(track, name as SignalName, step);
  const share = {
    visible: visibleOf(track, frame, { verdicts, learns, isWarm, step }),
    slow: stepTokenSpeed(track.tokenSpeed, slowOf(track, verdicts, { learns, isWarm, step }), {
      verdict: verdicts.time_per_output_token,
      fading: step.fade.lasting,
    }),
    limitedBeyondFirst: {
      requests: Math.max(0, frame.limited - 1),
      tenants: Math.max(0, tenantsLimited(track, frame) - 1),
    },
  };
  const failing = share.visible.failures;
  if (failing !== undefined) {
    const { bad, of, expected } = failing;
    const { tenants, tenantsFailed } = frame;
    const window = { bad, of, usualRatio: expected / of, tenants, tenantsFailed };
    stepOutright(track.outright, window, step.judgement.incident);
    const matters = failuresThatMatter(step.judgement.incident.pageFailureRatio);
    stepRatioCusum(track.failing, { ...window, ...timesOf(step) }, matters);
  }
  if (frame.requests > 0)
    stepRefusals(
      track.refusals,
      {
        bad: verdicts.client_errors?.bad ?? 0,
        of: frame.requests,
        tenants: frame.tenants,
      },
      step.fade.recent,
    );
  rememberShare(track, share, step);
  stepRecentDimensions(track.recentDimensions, frame, step.fade.recent);
  stepStragglers(track, stragglersOf(frame, verdicts.stragglers), { learns, isWarm, step });
  stepFarSlower(track, step.windowMs);
  return share;
}

function stepStragglers(
  track: CellTrack,
  seen: { readonly bad: number; readonly of: number },
  { learns, isWarm, step }: Learning,
): void {
  const usual = learnedRatio(track.usualStragglers.bad, track.usualStragglers.of, visiblePrior);
  fade(track.stragglers, step.fade.lasting);
  if (isWarm && seen.of > 0) {
    add(track.stragglers, { ...seen, expected: usual * seen.of });
    const window = { ...seen, usualRatio: usual, ...timesOf(step) };
    stepRatioCusum(track.straggling, window, stragglersThatMatter);
  }
  const { digits } = track.straggling;
  learnUsual(track.usualStragglers, seen, { learns, digits, keep: step.fade.usual });
}

const timesOf = ({ windowMs, judgement }: TrackStep) => ({
  windowMs,
  openAfterWindows: judgement.incident.openAfterWindows,
});

/** A frame that tells of none had none, among as many as it has requests at most. */
function stragglersOf(
  frame: CellFrame,
  verdict: SignalVerdict | undefined,
): { readonly bad: number; readonly of: number } {
  return verdict === undefined
    ? { bad: 0, of: frame.requests }
    : { bad: verdict.bad, of: verdict.of };
}

interface Learning {
  readonly learns: boolean;
  readonly isWarm: boolean;
  readonly step: TrackStep;
}

function visibleOf(
  track: CellTrack,
  frame: CellFrame,
  how: Learning & { readonly verdicts: Partial<Record<SignalName, SignalVerdict>> },
): Partial<Record<VisibleSignal, Tally>> {
  const visible: Partial<Record<VisibleSignal, Tally>> = {};
  // Of requests of which only the failed ones are kept, nobody knows how many fail.
  if (how.verdicts.failures?.state === "sampled") return visible;
  for (const signal of visibleSignals) {
    const verdict = how.verdicts[signal];
    const bad =
      signal === "failures"
        ? frame.failures
        : signal === "rate_limited"
          ? frame.limited
          : signal === "auth_failures"
            ? frame.authFailures
            : (verdict?.bad ?? 0);
    const isCounted = signal === "failures" || bad > 0 || track.signals[signal] !== undefined;
    if (!isCounted || frame.requests === 0) continue;
    // Every kind is set against all requests, so that kinds add up.
    const expected = learn(track, signal, { bad, of: frame.requests, how });
    if (how.isWarm) visible[signal] = { bad, of: frame.requests, expected };
  }
  return visible;
}

/** Usual latency's slow share where nothing was learnt: beyond the 95th percentile. */
const slowPrior = { ratio: 0.05, of: 200 };
const visiblePrior = { ratio: 0.003, of: 200 };

function learn(
  track: CellTrack,
  name: SignalName,
  seen: { readonly bad: number; readonly of: number; readonly how: Learning },
): number {
  const { how } = seen;
  const signal = track.signals[name] ?? initialSignalTrack();
  track.signals[name] = signal;
  const prior = name === "ttft" || name === "duration" ? slowPrior : visiblePrior;
  const ofClass = how.step.classUsual[name as VisibleSignal] ?? 0;
  const expected = usualRatioOf(signal.usual, prior, ofClass) * seen.of;
  const digits = name === "failures" && !how.step.isNewLevel ? track.failing.digits : 0;
  learnUsual(signal.usual, seen, { learns: how.learns, digits, keep: how.step.fade.usual });
  return expected;
}

function slowOf(
  track: CellTrack,
  verdicts: Partial<Record<SignalName, SignalVerdict>>,
  how: Learning,
): Tally {
  for (const name of latencySignals) {
    const verdict = verdicts[name];
    if (verdict === undefined || verdict.of <= 0 || verdict.state === "warming") continue;
    // The window of a cell with first tokens may have none: how long its answers take is no level to compare them with.
    if (name === "ttft" || track.signals.ttft === undefined) trackDrift(track, verdict, how);
    const expected = learn(track, name, { bad: verdict.bad, of: verdict.of, how });
    if (!how.isWarm) return emptyTally();
    return { bad: verdict.bad, of: verdict.of, expected };
  }
  return emptyTally();
}

/** Share by which a window's ln(expected) moves the slow learner once it has seen as much: about six hours of windows. */
function trackDrift(track: CellTrack, verdict: SignalVerdict, how: Learning): void {
  if (verdict.expected === null || !(verdict.expected > 0)) return;
  const now = Math.log(verdict.expected);
  if (track.usualLogLatency === 0) track.usualLogLatency = now;
  const weight = Math.max(1 - how.step.fade.usual, 1 / (1 + track.seenWindows));
  if (how.learns) track.usualLogLatency += weight * (now - track.usualLogLatency);
  track.latencyDrift = now - track.usualLogLatency;
}

function rememberShare(track: CellTrack, share: CellShare, step: TrackStep): void {
  const { recent, lasting, long } = step.fade;
  for (const signal of visibleSignals) {
    const tally = track.visible[signal];
    if (tally !== undefined) fade(tally, recent);
  }
  fade(track.slow, recent);
  fade(track.lastingVisible, lasting);
  fade(track.lastingSlow, lasting);
  fade(track.longVisible, long);
  track.limitedBeyondFirst.requests =
    track.limitedBeyondFirst.requests * lasting + share.limitedBeyondFirst.requests;
  track.limitedBeyondFirst.tenants =
    track.limitedBeyondFirst.tenants * lasting + share.limitedBeyondFirst.tenants;
  add(track.slow, share.slow);
  add(track.lastingSlow, share.slow);
  let requests = 0;
  for (const signal of visibleSignals) {
    const more = share.visible[signal];
    if (more === undefined) continue;
    const tally = track.visible[signal] ?? emptyTally();
    track.visible[signal] = tally;
    add(tally, more);
    requests = more.of;
    if (signal === "rate_limited" && !track.isLimitBroad) continue;
    for (const tally of [track.lastingVisible, track.longVisible]) {
      tally.bad += more.bad;
      tally.expected += more.expected;
    }
  }
  track.lastingVisible.of += requests;
  track.longVisible.of += requests;
}

/** No single caller sends so large a share of a cell's requests, if it has more than a few. */
const broadShare = 0.4;
const leastRequests = 10;

/** Tenants that were refused for quota; where telemetry has none, as many as refusals once these are more than one caller's. */
function tenantsLimited(track: CellTrack, frame: CellFrame): number {
  if (frame.tenants > 0) return frame.tenantsLimited;
  const lately = track.visible.rate_limited;
  const isBroad =
    lately !== undefined && lately.of >= leastRequests && lately.bad >= broadShare * lately.of;
  return isBroad ? frame.limited : 0;
}

/** Settles a cell's `isLimitBroad` once its class has been stepped. */
export function tellLimitBreadth(track: CellTrack, isClassBroad: boolean): void {
  const own = track.limitedBeyondFirst;
  track.isLimitBroad = own.requests >= 8 ? isLimitBroad(own) : isClassBroad;
}

/**
 * Whether rate limits hit many tenants rather than one: beyond the first refusal in a window, each further one is by a
 * further tenant in at least three of ten cases. With hardly any refusal they count as narrow, and so they do without tenants in the
 * telemetry while most requests pass.
 */
export function isLimitBroad(beyondFirst: {
  readonly requests: number;
  readonly tenants: number;
}): boolean {
  return beyondFirst.requests >= 3 && beyondFirst.tenants >= 0.3 * beyondFirst.requests;
}
