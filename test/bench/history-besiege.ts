/**
 * The hostile neighbour of `history-hostile.ts`, a process of its own, as those who ask are: started with the history's URL it asks hostile
 * questions, four at once, until it is told to stop; without one it keeps four threads busy with nothing.
 */
import { Worker } from "node:worker_threads";

/** Each reads all spans, or much memory, or the processor alone; as many run at once as the interface lets run. */
const hostile = [
  "SELECT trace_id, groupArray(span_name), uniqExact(span_id) AS n FROM spans GROUP BY trace_id ORDER BY n DESC LIMIT 10",
  "SELECT count() FROM spans WHERE match(toString(attributes), '(a|b)*c.*(d|e)+z') OR resource LIKE '%zzz%'",
  // Just below what one question may read.
  "SELECT count() FROM numbers(999000000) WHERE sipHash64(number) = 1",
  "SELECT model, quantilesExact(0.5, 0.9, 0.99)(duration), uniqExact(trace_id) FROM spans GROUP BY model, span_name",
] as const;

const url = process.argv[2];
let isStopped = false;

async function ask(body: string): Promise<void> {
  while (!isStopped) {
    const answer = await fetch(`${url}/?max_execution_time=5`, { method: "POST", body });
    await answer.arrayBuffer();
  }
}

const attack = async () => {
  process.on("message", () => {
    isStopped = true;
  });
  await Promise.all(hostile.map(ask));
  process.exit(0);
};

const keepBusy = () => {
  process.on("message", () => process.exit(0));
  for (const _ of hostile) new Worker("for (;;);", { eval: true });
};

process.on("disconnect", () => process.exit(0));
if (url === undefined) keepBusy();
else await attack();
