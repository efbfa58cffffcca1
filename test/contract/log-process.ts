/**
 * A process that owns a log directory and, told to, appends to it: `node log-process.ts DIRECTORY MODE`. Prints a line
 * "opened" or the error's code and message; then with MODE "append" the acknowledged offsets as
 * "partition from to", a line an append, until it is killed; with MODE "fill" the same until three appends were
 * refused, each a line with the error's code.
 */
import { writeSync } from "node:fs";
import { ForeshockError } from "../../services/contracts/errors.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import type { AppendRecord } from "../../services/log/log.ts";
import { systemClock } from "../../services/runtime/clock.ts";

const [, , directory = "", mode = "hold"] = process.argv;
/** Written at once, so that a line that was seen was acknowledged before the kill. */
const say = (line: string) => writeSync(1, `${line}\n`);

async function appendForEver(partition: number): Promise<never> {
  for (let round = 0; ; round++) {
    const records: AppendRecord[] = Array.from({ length: 1 + (round % 7) }, (_, i) => ({
      topic: "events",
      partition,
      key: `${partition}/${round}/${i}`,
      value: Buffer.alloc((round * 997 + i * 131) % 20_000, round % 256),
    }));
    const appended = await log.append(records);
    say(`${partition} ${appended[0]?.offset} ${appended.at(-1)?.offset}`);
  }
}

async function fill(): Promise<void> {
  for (let refused = 0; refused < 3; ) {
    const value = Buffer.alloc(50_000, 1);
    try {
      const [appended] = await log.append([{ topic: "events", partition: 0, key: "0/0/0", value }]);
      say(`0 ${appended?.offset} ${appended?.offset}`);
    } catch (error) {
      refused += 1;
      say(error instanceof ForeshockError ? error.code : String(error));
    }
  }
  await log[Symbol.asyncDispose]();
}

const log = await openLmdbLog({
  directory,
  clock: systemClock,
  limits: { maxDiskBytes: 2 ** 32 },
}).catch((error: unknown) => {
  say(error instanceof ForeshockError ? `${error.code} ${error.message}` : String(error));
  process.exit(3);
});
await log.ensureTopics([
  { name: "events", partitions: 2, cleanup: "delete", retentionMs: 3_600_000 },
]);
say("opened");
if (mode === "append") await Promise.all([appendForEver(0), appendForEver(1), appendForEver(0)]);
if (mode === "fill") await fill();
