/** The shapes of what is remembered of cells and their signals. */
import type { Judgement } from "../contracts/config.ts";
import type { SignalName, SignalVerdict } from "../contracts/frame.ts";
import type { VisibleSignal } from "../contracts/visible-signals.ts";
import type { Refusals } from "./broad-refusal.ts";
import type { Outright } from "./outright.ts";
import type { RatioCusum } from "./ratio-cusum.ts";
import type { RecentDimensions } from "./recent-dimensions.ts";
import type { Tally } from "./tally.ts";
import type { TokenSpeed } from "./token-speed.ts";
import type { ClassUsual, UsualRatio } from "./usual-ratio.ts";

export interface CellTrack {
  /** Requests a window, on average. */
  usualRequests: number;
  requests: number;
  quietWindows: number;
  /** Windows with requests, ever. */
  seenWindows: number;
  readonly signals: Partial<Record<SignalName, SignalTrack>>;
  /** Visible failures by kind, half-life `recentMs`. */
  readonly visible: Partial<Record<VisibleSignal, Tally>>;
  readonly outright: Outright;
  readonly failing: RatioCusum;
  /** Slow requests, half-life `recentMs`. */
  readonly slow: Tally;
  /** The same with half-life `lastingMs`: what attribution compares. */
  readonly lastingVisible: Tally;
  readonly lastingSlow: Tally;
  /** Visible failures with half-life `longMs`: what tells whether a cell has a part of what is small and does not end. */
  readonly longVisible: Tally;
  readonly tokenSpeed: TokenSpeed;
  readonly refusals: Refusals;
  /** Requests far slower than usual, half-life `lastingMs`. */
  readonly stragglers: Tally;
  readonly straggling: RatioCusum;
  readonly usualStragglers: UsualRatio;
  /** For how long it has had them, see `far-slower.ts`. */
  farSlowerMs: number;
  /** Half-life `recentMs`. */
  readonly recentDimensions: RecentDimensions;
  /** Refused for quota beyond the first of each window, and tenants beyond the first: one tenant adds none of the latter. */
  readonly limitedBeyondFirst: { requests: number; tenants: number };
  /** Whether rate limits hit many tenants; where the cell is too thin to tell, as in its class. */
  isLimitBroad: boolean;
  /** Slow learner of ln(expected latency): how far detect's own expectation has drifted. */
  usualLogLatency: number;
  latencyDrift: number;
  /** ln of how many times longer prompts are than usual: slowness that this explains foretells nothing. */
  promptGrowth: number;
  /** Factor that detect expects latencies to be below the usual by, ≤ 1: slower than that may still be as usual. */
  easedFactor: number;
  /** Since when the cell is degraded; 0: it is not. */
  degradedSinceMs: number;
}

export interface SignalTrack {
  /** log10, see `evidence.ts`. */
  evidence: number;
  /** Start of the first window of the present run of evidence; 0: none. */
  sinceMs: number;
  readonly usual: UsualRatio;
  /** Levels: ln(seen / expected) over the last minute or two, weighted by requests. */
  readonly shift: { sum: number; of: number };
  /** The newest verdict that had evidence in it. */
  readonly last: Pick<
    SignalVerdict,
    "seen" | "expected" | "low" | "high" | "bad" | "of" | "direction" | "surprise"
  > & { detector: string };
}

export interface TrackStep {
  readonly windowStartMs: number;
  readonly windowMs: number;
  readonly judgement: Judgement;
  /** Bounds of what a window may add, see `followSurprise`. */
  readonly evidence: { readonly limit: number; readonly cap: number };
  /** Factors a window: counts of the last minute or two, of the last ten, of the last hour, and what is usual. */
  readonly fade: Readonly<Record<"recent" | "lasting" | "long" | "usual", number>>;
  /** What is usual in the cell's class. */
  readonly classUsual: ClassUsual;
  /** An incident is open on the cell, or all over: what is seen now is not what is usual. */
  readonly isFrozen: boolean;
  /** It has been degraded for so long that this is learnt after all. */
  readonly isNewLevel: boolean;
}
