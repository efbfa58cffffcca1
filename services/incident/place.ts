/** Where an incident sits now: what each live cell shows of it goes to attribution. */
import type { CellKey } from "../contracts/cell.ts";
import { locate, type Place } from "./attribution.ts";
import { countsIn } from "./failing-slices.ts";
import { classOf, failingOf } from "./group-track.ts";
import { isOfSlice } from "./leading.ts";
import { isQuiet } from "./moved-traffic.ts";
import type { PlaceSample } from "./place-sample.ts";
import type { RecordInput } from "./record-input.ts";
import { latencyLogSigma, logSlowdown, upperNormalQuantile } from "./slowness.ts";
import { add, emptyTally, excessRatio, type Tally } from "./tally.ts";
import type { CellTrack } from "./track.ts";

export function placeOf(input: RecordInput): Place {
  const { state, episode, view } = input;
  const mode = modeOf(input);
  const samples: PlaceSample[] = [];
  // What is another incident's says nothing of this one's place; a decline has no place.
  const others = new Set(
    state.episodes
      .filter((other) => other !== episode && other.phase !== "resolved")
      .filter(({ family }) => family !== "decline")
      .flatMap((other) => Object.keys(other.members)),
  );
  const tallyOf = plainestTally(input, mode);
  for (const key of Object.keys(state.cells).toSorted() as CellKey[]) {
    const track = state.cells[key];
    const isMember = view.cells.includes(key);
    if (track === undefined) continue;
    if (others.has(key) && !isMember) {
      samples.push(silentSample(key, track));
      continue;
    }
    const usual = track.usualRequests;
    if (episode.family === "silence" && !isMember && isQuiet(track, input.window.windowMs)) {
      // No requests are no proof of health.
      samples.push(silentSample(key, track));
      continue;
    }
    if (mode === "membership") {
      const of = Math.max(1e-6, usual);
      const bad = isMember ? of : 0;
      samples.push({
        cell: key,
        usual: of,
        of,
        bad,
        expected: 0,
        strength: isMember ? 1 : 0,
        doubt: 0,
        isMember,
      });
    } else if (mode === "slice") {
      if (classOf(key) !== view.slice?.class) continue;
      const { requests, failed } = countsIn(track, view.slice);
      samples.push({
        ...ratioSample(key, { of: requests, bad: failed, expected: 0 }),
        usual: requests,
        isMember: isMember && failed > 0,
      });
    } else if (mode === "outright")
      samples.push({ ...outrightSample(key, track), usual, isMember });
    else {
      const tally = tallyOf(track);
      const sample =
        mode === "slow" ? slowSample(key, tally, track.latencyDrift) : ratioSample(key, tally);
      samples.push({ ...sample, usual, isMember });
    }
  }
  const { dimensions } = episode;
  const known =
    mode === "slice" && view.slice !== undefined
      ? { [view.slice.dimension]: view.slice.value }
      : undefined;
  return locate(samples, mode === "membership" ? {} : dimensions, known);
}

type Mode =
  | "membership"
  | "refused"
  | "slice"
  | "outright"
  | "failing"
  | "lasting"
  | "slow"
  | "stragglers";

function modeOf(input: RecordInput): Mode {
  const { episode, view, opinion, state } = input;
  const { family } = episode;
  if (family === "client") return "refused";
  if (["quota", "silence", "decline"].includes(family)) return "membership";
  if (isOfSlice(input)) return "slice";
  const isOutright = view.cells.some((key) => state.cells[key]?.outright.isSure);
  if (opinion.leads === "outright" && isOutright) return "outright";
  if (opinion.leads === "lasting") return "lasting";
  if (["failing", "outright", "slice"].includes(opinion.leads)) return "failing";
  if (opinion.leads === "stragglers") return "stragglers";
  if (opinion.leads === "any" && excessRatio(view.failing) >= 0.02) return "failing";
  if (family === "quality") return "failing";
  if (areStragglers(input)) return "stragglers";
  return view.slow.of > 0 ? "slow" : "membership";
}

/** Whether nothing else is wrong than that some requests are far slower. */
function areStragglers({ view, degraded, episode }: RecordInput): boolean {
  const signals = view.cells.flatMap((cell) =>
    (degraded.get(cell) ?? []).filter(({ family }) => family === episode.family),
  );
  return signals.length > 0 && signals.every(({ signal }) => signal === "stragglers");
}

/** A cell of which nothing is known, but that it has its part of the traffic. */
function silentSample(cell: CellKey, { usualRequests }: CellTrack): PlaceSample {
  const nothing = { of: 0, bad: 0, expected: 0, strength: 0, doubt: 1 };
  return { cell, usual: usualRequests, ...nothing, isMember: false };
}

type Sample = Omit<PlaceSample, "isMember" | "usual">;

/** Digits from which a cell is taken to fail with the others, and below which its answers say that it does not. */
const suspectedDigits = 3;

/**
 * In the first moments averages have not moved yet: what counts is whether a cell's own requests fail now. One without any, or with a single
 * failure, says nothing.
 */
function outrightSample(cell: CellKey, track: CellTrack): Sample {
  const { digits, isSure } = track.outright;
  const isSuspected = isSure || digits >= suspectedDigits;
  const of = Math.max(1e-6, track.usualRequests);
  return {
    cell,
    of,
    bad: isSuspected ? of : 0,
    expected: 0,
    strength: isSuspected ? 1 : 0,
    doubt: isSuspected || (digits === 0 && track.requests > 0) ? 0 : 1,
  };
}

type TallyOf = (track: CellTrack) => Readonly<Tally>;

const failingTallies: readonly TallyOf[] = [
  (track) => track.lastingVisible,
  (track) => failingOf(track.visible, track.isLimitBroad),
];
const slowTallies: readonly TallyOf[] = [(track) => track.lastingSlow, (track) => track.slow];

/**
 * Counts of the last ten minutes, or of the last two where these show the trouble more plainly: of what has just begun, ten minutes are
 * mostly the time before.
 */
function plainestTally({ state, view }: RecordInput, mode: Mode): TallyOf {
  if (mode === "stragglers") return (track) => track.stragglers;
  if (mode === "lasting") return (track) => track.longVisible;
  if (mode === "refused") return ({ refusals: { bad, of } }) => ({ bad, of, expected: 0 });
  const [lasting, recent] = (mode === "slow" ? slowTallies : failingTallies) as [TallyOf, TallyOf];
  const plainness = (of: TallyOf) => {
    const sum = emptyTally();
    for (const key of view.cells) {
      const track = state.cells[key];
      if (track !== undefined) add(sum, of(track));
    }
    return (sum.bad - sum.expected) / Math.sqrt(sum.expected + 1);
  };
  return plainness(recent) > plainness(lasting) ? recent : lasting;
}

function ratioSample(cell: CellKey, { bad, of, expected }: Readonly<Tally>): Sample {
  return {
    cell,
    of,
    bad,
    expected,
    strength: of > 0 ? (bad - expected) / of : 0,
    doubt: of > 0 ? Math.sqrt(bad + 1) / of : 1,
  };
}

export function slowSample(cell: CellKey, tally: Readonly<Tally>, latencyDrift: number): Sample {
  const { bad, of, expected } = tally;
  if (of < 1) return { cell, of: 0, bad: 0, expected: 0, strength: 0, doubt: 1 };
  const share = (bad + 0.5) / (of + 1);
  const z = upperNormalQuantile(share);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  return {
    cell,
    of,
    bad,
    expected,
    strength: logSlowdown(tally) + latencyDrift,
    // Of the share, carried over to ln(latency) by the slope of the quantile.
    doubt: (latencyLogSigma * Math.sqrt((share * (1 - share)) / of)) / density,
  };
}
