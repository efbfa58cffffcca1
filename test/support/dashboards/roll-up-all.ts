/** Adds up what a filled history holds, as the archive does beside what comes in. */
import { createRollUps, type RolledSource } from "../../../services/archive/roll-ups.ts";
import type { History } from "../../../services/history/history.ts";

/** Of one partition's windows and one task's verdicts, up to `completeMs`; `onProgress` gets the share that is done. */
export async function rollUpAll(
  history: History,
  completeMs: number,
  onProgress: (share: number) => void = () => {},
): Promise<void> {
  const rollUps = createRollUps(history, { minutesAtOnceMs: 86_400_000 });
  const { signal } = new AbortController();
  const sources: readonly RolledSource[] = [
    { family: "windows", id: "0" },
    { family: "verdicts", id: "detect/0" },
  ];
  for (const [done, source] of sources.entries()) {
    const first = await firstMs(history, source.family);
    // A call makes up some days; more calls than are needed would be the fault of the roll-ups.
    for (let at = first, last = -1; at !== last; ) {
      await rollUps.advance(source, completeMs, signal);
      last = at;
      at = await reachedMs(history, `${source.family}_hour`);
      onProgress((done + (at - first) / (completeMs - first)) / sources.length);
    }
  }
}

async function firstMs(history: History, table: string): Promise<number> {
  const [row] = await history.query<{ at: string }>(
    `SELECT toUnixTimestamp64Milli(min(window_start)) AS at FROM ${table}`,
  );
  return Number(row?.at);
}

async function reachedMs(history: History, table: string): Promise<number> {
  const [row] = await history.query<{ at: number }>(
    `SELECT toUnixTimestamp(${table}) AS at FROM rolled_until`,
  );
  return Number(row?.at) * 1000;
}
