/** What an episode looks like in one window: counts over its degraded cells, share, spread. */
import type { CellKey } from "../contracts/cell.ts";
import type { Judgement } from "../contracts/config.ts";
import { visibleSignals } from "../contracts/visible-signals.ts";
import { broadRefusal } from "./broad-refusal-share.ts";
import { type FailingSlice, failingSlices, showsSlice } from "./failing-slices.ts";
import { type Family, familyOf } from "./families.ts";
import { type FarSlower, farSlower } from "./far-slower-share.ts";
import { isFleetSilent } from "./fleet-silence.ts";
import { classOf } from "./group-track.ts";
import type { FleetWindow } from "./join.ts";
import { type MissedRequests, missedRequests } from "./moved-traffic.ts";
import { type OutrightShares, outrightShares } from "./outright-share.ts";
import { sureDeviations } from "./pressure.ts";
import { logSlowdown } from "./slowness.ts";
import type { Episode, IncidentState, TrafficLoss } from "./state.ts";
import { type SurelyFailing, surelyFailing } from "./surely-failing.ts";
import { emptyTally, excessRatio, sureExcessRatio, type Tally } from "./tally.ts";
import { type TroubledPart, trafficShare } from "./traffic-share.ts";
import { fitTrend } from "./trend.ts";

const minuteMs = 60_000;

export interface EpisodeView {
  /** Members that are degraded in the episode's family now, in key order. */
  readonly cells: readonly CellKey[];
  readonly liveCells: number;
  readonly degradedShare: number;
  readonly outright: OutrightShares;
  readonly surelyFailing: SurelyFailing;
  /** What fails of a version, an instance or the like in its cells. */
  readonly slice: FailingSlice | undefined;
  /** Has had far slower answers for long; is refused as invalid, whoever sends it. */
  readonly farSlower: FarSlower;
  readonly refusal: TroubledPart;
  readonly failing: Tally;
  readonly slow: Tally;
  /** ln of the slow-down over degraded members, drift of the baseline included. */
  readonly slowdown: number;
  /** ln of how many times longer their prompts are. */
  readonly promptGrowth: number;
  readonly isSpreading: boolean;
  readonly doublingMinutes: number | null;
  readonly quietMs: number;
  readonly isFleetSilent: boolean;
  /** Of silent cells, those whose requests have not moved elsewhere; undefined: the episode is of another kind. */
  readonly missed: MissedRequests | undefined;
  /** Share of traffic that is missing everywhere at once; undefined: none is. */
  readonly trafficLoss: TrafficLoss | undefined;
  /** Share of what this time of the week usually has that is missing; undefined: the episode is of another kind. */
  readonly decline: number | undefined;
}

interface ViewStep {
  readonly state: IncidentState;
  readonly window: FleetWindow;
  readonly judgement: Judgement;
}

/** Looks at an episode in a window, and keeps its share of each minute. */
export function viewEpisode(
  episode: Episode,
  cells: readonly CellKey[],
  { state, window, judgement }: ViewStep,
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
    outright: outrightShares(state, cells),
    surelyFailing: surelyFailing(state, cells),
    farSlower: farSlower(state, cells),
    refusal: broadRefusal(state, cells),
    slice: sliceOf(state, { cells, window }),
    ...tallyCells(state, {
      cells,
      family: episode.family,
      leastShare: judgement.incident.pageTrafficShare,
    }),
    isSpreading: doubling !== null || share > 1.5 * ago,
    doublingMinutes: doubling,
    quietMs: quiet * window.windowMs,
    isFleetSilent: episode.family === "silence" && isFleetSilent(state, window.windowMs),
    missed:
      episode.family === "silence" ? missedRequests(state, cells, window.windowMs) : undefined,
    trafficLoss: episode.family === "silence" ? (state.trafficLoss ?? undefined) : undefined,
    decline: episode.family === "decline" ? state.decline.share : undefined,
  };
}

/** The slice with most failures that some of an episode's cells show. */
function sliceOf(
  state: IncidentState,
  { cells, window }: { readonly cells: readonly CellKey[]; readonly window: FleetWindow },
): FailingSlice | undefined {
  return failingSlices(state, window).find((slice) =>
    cells.some((key) => {
      const track = state.cells[key];
      return track !== undefined && showsSlice(key, track, slice);
    }),
  );
}

/** Minutes in which the degraded share doubles; null unless it grows. */
export function doublingMinutes(shares: readonly number[]): number | null {
  const recent = shares.slice(-10).filter((share) => share > 0);
  const trend = fitTrend(
    recent.map((share) => Math.log2(share)),
    1.28,
  );
  return trend === undefined || trend.slopeLow <= 0.01
    ? null
    : Number((1 / trend.slope).toFixed(1));
}

/** Sums over an episode's degraded cells; failures of its own family, of the class that shows them best. */
function tallyCells(
  state: IncidentState,
  of: {
    readonly cells: readonly CellKey[];
    readonly family: Family;
    readonly leastShare: number;
  },
): Pick<EpisodeView, "failing" | "slow" | "slowdown" | "promptGrowth"> {
  const { cells, family, leastShare } = of;
  const classes = new Map<string, Tally>();
  const slow = emptyTally();
  let drift = 0;
  let prompts = 0;
  for (const cell of cells) {
    const track = state.cells[cell];
    if (track === undefined) continue;
    const failing = classes.get(classOf(cell)) ?? emptyTally();
    classes.set(classOf(cell), failing);
    for (const signal of visibleSignals) {
      const tally = track.visible[signal];
      if (tally === undefined) continue;
      if (signal === "failures") failing.of += tally.of;
      if (familyOf(signal, track.isLimitBroad) !== family) continue;
      failing.bad += tally.bad;
      failing.expected += tally.expected;
    }
    slow.bad += track.slow.bad;
    slow.of += track.slow.of;
    slow.expected += track.slow.expected;
    drift += track.latencyDrift * track.slow.of;
    prompts += track.promptGrowth * track.slow.of;
  }
  const slowdown = logSlowdown(slow) + (slow.of > 0 ? drift / slow.of : 0);
  const failing = worstClass(state, { cells, classes, leastShare });
  return { failing, slow, slowdown, promptGrowth: slow.of > 0 ? prompts / slow.of : 0 };
}

/**
 * Requests behind one another are the same ones: ten failing calls of a hundred are not ten of the thousand that came through the same route.
 * The class with the highest sure ratio counts, of those that have a share of traffic that matters, if any has.
 */
function worstClass(
  state: IncidentState,
  of: {
    readonly cells: readonly CellKey[];
    readonly classes: ReadonlyMap<string, Tally>;
    readonly leastShare: number;
  },
): Tally {
  let worst = emptyTally();
  let most = -1;
  for (const [name, tally] of of.classes) {
    const share = trafficShare(
      state,
      of.cells.filter((cell) => classOf(cell) === name),
    );
    const rank = (share >= of.leastShare ? 1 : 0) + sureExcessRatio(tally, sureDeviations);
    if (rank < most || (rank === most && excessRatio(tally) <= excessRatio(worst))) continue;
    worst = tally;
    most = rank;
  }
  return worst;
}
