/** Waiting until the history engine has done what an insert leaves behind, so that its cost is counted with the insert's. */
import type { History } from "../../../services/history/history.ts";
import { systemClock } from "../../../services/runtime/clock.ts";

const pollMs = 250;
const quietPolls = 3;
const longestMs = 60_000;

/** Resolves when no merge has run for a while; throws after a minute. */
export async function mergesDone(history: History): Promise<void> {
  for (let quiet = 0, waitedMs = 0; quiet < quietPolls; waitedMs += pollMs) {
    if (waitedMs > longestMs) throw new Error(`merges still run after ${longestMs} ms`);
    await systemClock.sleep(pollMs);
    const [row] = await history.query<{ n: string }>("SELECT count() AS n FROM system.merges");
    quiet = Number(row?.n) === 0 ? quiet + 1 : 0;
  }
}
