/** Which incident a newly degraded cell belongs to: one for connected trouble, a second one for something unrelated. */
import { type Cell, type CellKey, parseCellKey } from "../contracts/cell.ts";
import type { Family } from "./families.ts";
import { type Episode, isOpen } from "./state.ts";

/** Troubles that begin within this time of each other are one, where much of the fleet has them. */
const coOnsetMs = 180_000;
/** Share of traffic from which trouble is everybody's rather than somebody's. */
export const wideShare = 1 / 3;
/** A region connects only where it is what an incident's cells have in common. */
const regionPart = 1 / 3;

export interface Newcomer {
  readonly cell: CellKey;
  readonly family: Family;
  readonly sinceMs: number;
}

/** The open episode that a newcomer joins; the oldest where several fit; undefined: it opens its own. */
export function findHome(
  episodes: readonly Episode[],
  newcomer: Newcomer,
  /** Share of traffic that is degraded in the newcomer's family. */
  familyShare: number,
): Episode | undefined {
  const sameFamily = episodes.filter(
    (episode) => isOpen(episode) && episode.family === newcomer.family,
  );
  return (
    sameFamily.find((episode) => episode.members[newcomer.cell] !== undefined) ??
    sameFamily.find(
      (episode) =>
        sharePlace(episode, newcomer.cell) ||
        (familyShare >= wideShare && isCoOnset(episode.sinceMs, newcomer.sinceMs)),
    )
  );
}

/** A resolved episode that comes again: same family, and it had this cell. */
export function findReopened(
  episodes: readonly Episode[],
  newcomer: Newcomer,
): Episode | undefined {
  return episodes.findLast(
    (episode) =>
      !isOpen(episode) &&
      episode.family === newcomer.family &&
      episode.members[newcomer.cell] !== undefined,
  );
}

/** Two open episodes that turned out to be one: the younger goes into the older. */
export function findMerge(
  episodes: readonly Episode[],
  familyShare: (family: Family) => number,
): { readonly into: Episode; readonly from: Episode } | undefined {
  const open = episodes.filter(isOpen);
  for (const [index, from] of open.entries()) {
    // What people were told of on its own stays on its own.
    if (from.severity === "page") continue;
    const into = open
      .slice(0, index)
      .find(
        (older) =>
          older.family === from.family &&
          ((isCoOnset(older.sinceMs, from.sinceMs) && familyShare(from.family) >= wideShare) ||
            (Object.keys(from.members) as CellKey[]).some((cell) => sharePlace(older, cell))),
      );
    if (into !== undefined) return { into, from };
  }
  return undefined;
}

function isCoOnset(aMs: number, bMs: number): boolean {
  return Math.abs(aMs - bMs) <= coOnsetMs;
}

/** Same provider or model, same service, the region that much of the incident is in, or before and behind it in a region. */
function sharePlace(episode: Episode, key: CellKey): boolean {
  const cell = parseCellKey(key);
  const members = (Object.keys(episode.members) as CellKey[]).map(parseCellKey);
  const inRegion = members.filter((m) => m.region !== "" && m.region === cell.region).length;
  if (inRegion >= regionPart * members.length && inRegion > 0) return true;
  return members.some((member) =>
    classOf(member) === classOf(cell)
      ? member.provider === cell.provider || member.model === cell.model
      : // The same requests, one behind the other: in a region they pass through both.
        member.region === cell.region,
  );
}

const classOf = (cell: Cell): string => (cell.kind === "genai" ? "" : cell.provider);
