/** Merges events, which bring newest points only, into the whole picture. Pure. */
import type { CellView, Now } from "../../contracts/http-api.ts";

export interface Merged {
  readonly now: Now;
  /** Something is new whose past the page does not have. */
  readonly needsWhole: boolean;
}

const keptMs = 15 * 60_000;

export function mergeNow(before: Now | undefined, event: Now): Merged {
  if (before === undefined) return { now: event, needsWhole: true };
  const known = new Map(before.cells.map((cell) => [cell.cell, cell]));
  let needsWhole = false;
  const cells = event.cells.map((cell) => {
    const old = known.get(cell.cell);
    if (old === undefined || old.main?.signal !== cell.main?.signal) {
      if (cell.newest !== null) needsWhole = true;
      return cell;
    }
    return { ...cell, points: withNewest(old.points, cell.newest) };
  });
  return { now: { ...event, cells }, needsWhole };
}

function withNewest(points: CellView["points"], newest: CellView["newest"]): CellView["points"] {
  if (newest === null) return points;
  const last = points.at(-1);
  if (last !== undefined && newest.atMs < last.atMs) return points;
  const kept = points.filter(({ atMs }) => atMs !== newest.atMs && atMs > newest.atMs - keptMs);
  return [...kept, newest];
}
