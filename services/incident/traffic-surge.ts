/**
 * A campaign or a load test raises the traffic within minutes and ends as suddenly. Its end is no loss: traffic is where it was before. The day
 * raises it, too, but not so fast.
 */

/** Levels of the whole traffic, of twelve minutes each. */
export interface TrafficLevels {
  /** Upper quartiles of requests a window, oldest first: dips of a few minutes do not show. */
  readonly levels: number[];
  /** Start of the window in which the newest was taken. */
  knownMs: number;
}

/** Six hours. */
const levelsKept = 30;
/** Levels that were steady before a surge, the highest of which counts, and those within which it rises by so much. */
const levelsBefore = 3;
const levelsOfRise = 2;
const surgeFactor = 1.5;
/** Part of the level before a surge that must be there after it. */
const keptPart = 0.65;

/** Takes a level in, in place, once `everyMs` have passed since the last one. */
export function rememberLevel(
  known: TrafficLevels,
  level: number,
  at: { readonly windowStartMs: number; readonly everyMs: number },
): void {
  if (at.windowStartMs - known.knownMs < at.everyMs) return;
  known.levels.push(level);
  if (known.levels.length > levelsKept) known.levels.shift();
  known.knownMs = at.windowStartMs;
}

/** Whether a fall, in requests a window, leads back to what was usual before traffic rose by half or more in less than half an hour. */
export function isEndOfSurge(
  { levels }: Readonly<TrafficLevels>,
  fall: { readonly from: number; readonly to: number },
): boolean {
  // The newest level may be older than the rise.
  const known = [...levels, fall.from];
  for (let top = levelsBefore; top < known.length; top++) {
    const before = Math.max(...known.slice(top - levelsBefore, top));
    const risen = Math.max(...known.slice(top, top + levelsOfRise));
    if (before > 0 && risen >= surgeFactor * before && fall.to >= keptPart * before) return true;
  }
  return false;
}
