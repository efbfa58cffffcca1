/** Episodes: opening, joining, merging, growing and ending. Their records are made in `record.ts`. */
import type { CellKey } from "../contracts/cell.ts";
import type { Degraded, DegradedSignal } from "./degraded-signal.ts";
import { type Family, families } from "./families.ts";
import { findHome, findMerge, findReopened } from "./membership.ts";
import { type Episode, type IncidentState, isOpen } from "./state.ts";
import { trafficShare } from "./traffic-share.ts";

/** A resolved incident that comes again within this time is the same one. */
const reopenMs = 30 * 60_000;

/** Traffic-weighted share of degraded cells, by family. */
export function familyShares(state: IncidentState, degraded: Degraded): (family: Family) => number {
  const shares = new Map<Family, number>();
  return (family) => {
    const known = shares.get(family);
    if (known !== undefined) return known;
    const cells = [...degraded]
      .filter(([, signals]) => signals.some((signal) => signal.family === family))
      .map(([key]) => key);
    const share = trafficShare(state, cells);
    shares.set(family, share);
    return share;
  };
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
      if (member === undefined)
        episode.members[cell] = { sinceMs, lastMs: windowStartMs, hasDimensions: false };
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
    returns: 0,
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
    returns: earlier.returns + 1,
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
