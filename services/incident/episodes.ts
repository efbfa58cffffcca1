/** Episodes: opening, joining, merging, growing and ending. Their records are made in `record.ts`. */
import type { CellKey } from "../contracts/cell.ts";
import type { CellFrame } from "../contracts/frame.ts";
import type { CellTrack } from "./cell-track.ts";
import type { Degraded, DegradedSignal } from "./degraded.ts";
import { type Family, families } from "./families.ts";
import { findHome, findMerge, findReopened } from "./membership.ts";
import { type Episode, type IncidentState, isOpen } from "./state.ts";
import { trafficShare } from "./traffic-share.ts";

/** A resolved incident that comes again within this time is the same one. */
const reopenMs = 30 * 60_000;
const evidenceLimit = 200;
const dimensionValuesLimit = 48;
const examplesLimit = 5;

/** Traffic-weighted share of degraded cells, by family. */
export function familyShares(state: IncidentState, degraded: Degraded): (family: Family) => number {
  const shares = new Map<Family, number>();
  for (const family of families) {
    const cells = [...degraded]
      .filter(([, signals]) => signals.some((signal) => signal.family === family))
      .map(([key]) => key);
    shares.set(family, trafficShare(state, cells));
  }
  return (family) => shares.get(family) ?? 0;
}

/** Gives every degraded cell its episode; returns the ones that opened (or opened again) and those that were merged away. */
export function assignEpisodes(
  state: IncidentState,
  degraded: Degraded,
  windowStartMs: number,
): { readonly opened: readonly Episode[]; readonly merged: readonly [Episode, Episode][] } {
  const opened: Episode[] = [];
  const shareOf = familyShares(state, degraded);
  state.episodes = state.episodes.filter(
    (episode) => isOpen(episode) || windowStartMs - (episode.resolvedMs ?? 0) <= reopenMs,
  );
  for (const [cell, signals] of degraded) {
    for (const family of families) {
      const mine = signals.filter((signal) => signal.family === family);
      if (mine.length === 0) continue;
      const sinceMs = Math.min(...mine.map((signal) => signal.sinceMs));
      const newcomer = { cell, family, sinceMs };
      let episode = findHome(state.episodes, newcomer, shareOf(family));
      if (episode === undefined) {
        const earlier = findReopened(state.episodes, newcomer);
        episode =
          earlier === undefined
            ? openEpisode(newcomer, mine, windowStartMs)
            : reopenEpisode(earlier, newcomer, windowStartMs);
        state.episodes = [...state.episodes.filter((other) => other !== earlier), episode];
        opened.push(episode);
      }
      const member = episode.members[cell];
      if (member === undefined) episode.members[cell] = { sinceMs, lastMs: windowStartMs };
      else member.lastMs = windowStartMs;
      if (sinceMs < episode.sinceMs) episode.sinceMs = sinceMs;
    }
  }
  const merged: [Episode, Episode][] = [];
  for (;;) {
    const merge = findMerge(state.episodes, shareOf);
    if (merge === undefined) break;
    absorb(merge.into, merge.from);
    state.episodes = state.episodes.filter((episode) => episode !== merge.from);
    merged.push([merge.into, merge.from]);
  }
  return { opened, merged };
}

function openEpisode(
  first: { readonly cell: CellKey; readonly family: Family; readonly sinceMs: number },
  signals: readonly DegradedSignal[],
  windowStartMs: number,
): Episode {
  return {
    incident: incidentId(`${first.cell}|${signals[0]?.signal ?? ""}|${windowStartMs}`),
    family: first.family,
    revision: 0,
    phase: "pending",
    severity: "none",
    reason: "",
    leads: "any",
    sinceMs: first.sinceMs,
    openedMs: windowStartMs,
    resolvedMs: null,
    members: {},
    evidence: {},
    unusualWindows: 0,
    healthyWindows: 0,
    pressure: 0,
    saidCells: 0,
    saidShare: 0,
    saidMs: 0,
    shares: [],
    totals: { bad: 0, of: 0, tenants: 0 },
    dimensions: {},
    examples: [],
    said: null,
  };
}

/** The same id goes on counting its records; everything else begins again. */
function reopenEpisode(
  earlier: Episode,
  first: { readonly cell: CellKey; readonly family: Family; readonly sinceMs: number },
  windowStartMs: number,
): Episode {
  return {
    ...openEpisode(first, [], windowStartMs),
    incident: earlier.incident,
    revision: earlier.revision,
  };
}

function absorb(into: Episode, from: Episode): void {
  for (const [key, member] of Object.entries(from.members)) {
    const cell = key as CellKey;
    const kept = into.members[cell];
    if (kept === undefined) into.members[cell] = member;
    else kept.lastMs = Math.max(kept.lastMs, member.lastMs);
  }
  for (const [name, evidence] of Object.entries(from.evidence)) into.evidence[name] ??= evidence;
  into.sinceMs = Math.min(into.sinceMs, from.sinceMs);
  into.unusualWindows = Math.max(into.unusualWindows, from.unusualWindows);
  into.pressure = Math.max(into.pressure, from.pressure);
}

/** 64-bit FNV-1a in two halves, as 16 hexadecimal digits. */
export function incidentId(text: string): string {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code ^ (low >>> 15), 0x01000193);
  }
  const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return hex(high) + hex(low);
}

/** Adds a window's counts, evidence, dimensions and examples to an episode. */
export function rememberWindow(
  episode: Episode,
  frames: ReadonlyMap<CellKey, CellFrame>,
  at: { readonly degraded: Degraded; readonly tracks: Readonly<Record<CellKey, CellTrack>> },
): void {
  for (const key of Object.keys(episode.members).toSorted() as CellKey[]) {
    const frame = frames.get(key);
    const track = at.tracks[key];
    if (frame === undefined || track === undefined) continue;
    const signals = (at.degraded.get(key) ?? []).filter((s) => s.family === episode.family);
    rememberEvidence(episode, { key, frame, track, signals });
    rememberTotals(episode, frame);
    if (signals.length === 0) continue;
    rememberDimensions(episode, frame);
    rememberExamples(episode, frame);
  }
}

function rememberEvidence(
  episode: Episode,
  from: {
    readonly key: CellKey;
    readonly frame: CellFrame;
    readonly track: CellTrack;
    readonly signals: readonly DegradedSignal[];
  },
): void {
  const { key, frame, track, signals } = from;
  for (const { signal, sinceMs } of signals) {
    const name = `${signal}|${key}`;
    if (episode.evidence[name] !== undefined) continue;
    if (Object.keys(episode.evidence).length >= evidenceLimit) return;
    const last = track.signals[signal]?.last;
    episode.evidence[name] = {
      signal,
      cell: key,
      sinceMs,
      bad: 0,
      of: 0,
      surprise: last?.surprise ?? 0,
      seen: last?.seen ?? null,
      expected: last?.expected ?? null,
      low: last?.low ?? null,
      high: last?.high ?? null,
      detector: last?.detector ?? "",
    };
  }
  for (const verdict of frame.signals) {
    const evidence = episode.evidence[`${verdict.signal}|${key}`];
    if (evidence === undefined || verdict.state === "blind") continue;
    evidence.bad += verdict.bad;
    evidence.of += verdict.of;
    // The picture of the worst window: what is shown was seen, and its band belongs to it.
    if (verdict.surprise < evidence.surprise * 0.98) {
      evidence.surprise *= 0.98;
      continue;
    }
    Object.assign(evidence, {
      surprise: verdict.surprise,
      seen: verdict.seen,
      expected: verdict.expected,
      low: verdict.low,
      high: verdict.high,
      detector: verdict.reasons[0]?.detector ?? evidence.detector,
    });
  }
}

function rememberTotals(episode: Episode, frame: CellFrame): void {
  const failed = frame.failures + frame.limited + frame.authFailures;
  const signals = new Set(
    Object.values(episode.evidence)
      .filter((evidence) => evidence.cell === frame.cell)
      .map((evidence) => evidence.signal),
  );
  let worst = failed;
  for (const verdict of frame.signals)
    if (signals.has(verdict.signal)) worst = Math.max(worst, verdict.bad);
  episode.totals.bad += Math.min(frame.requests, worst);
  episode.totals.of += frame.requests;
  episode.totals.tenants = Math.max(
    episode.totals.tenants,
    failed > 0 ? Math.max(frame.tenantsFailed, frame.tenantsLimited) : 0,
  );
}

function rememberDimensions(episode: Episode, frame: CellFrame): void {
  const isSlow = Object.values(episode.evidence).every((evidence) =>
    ["ttft", "duration", "time_per_output_token"].includes(evidence.signal),
  );
  for (const { dimension, values } of frame.dimensions) {
    const kept = episode.dimensions[dimension] ?? {};
    episode.dimensions[dimension] = kept;
    const badOf = (value: (typeof values)[number]) =>
      value.failures + value.limited + (isSlow ? value.slow : 0);
    const bad = values.reduce((sum, value) => sum + badOf(value), 0);
    const of = values.reduce((sum, value) => sum + value.requests, 0);
    for (const value of values) {
      const counts = kept[value.value] ?? { bad: 0, of: 0, expected: 0 };
      if (kept[value.value] === undefined && Object.keys(kept).length >= dimensionValuesLimit)
        continue;
      kept[value.value] = counts;
      counts.bad += badOf(value);
      counts.of += value.requests;
      counts.expected += of > 0 ? (bad * value.requests) / of : 0;
    }
  }
}

function rememberExamples(episode: Episode, frame: CellFrame): void {
  for (const example of frame.examples) {
    if (episode.examples.some((other) => other.traceId === example.traceId)) continue;
    const isFailed = example.outcome !== "ok";
    const why = isFailed
      ? example.outcome
      : `first token after ${(example.timeToFirstTokenUs / 1e6).toFixed(1)} s`;
    const entry = { traceId: example.traceId, spanId: example.spanId, why };
    // Failed ones say more than slow ones; the newest of a kind replace older ones.
    episode.examples = (
      isFailed ? [entry, ...episode.examples] : [...episode.examples, entry]
    ).slice(0, examplesLimit);
  }
}
