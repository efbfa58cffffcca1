/** One measurement of `bench:scale` in a process of its own, so that none inherits another's heap or compiled code. */
import { type JunkJob, runJunk } from "./scale-junk.ts";
import { type PartitionsJob, runPartitions } from "./scale-partitions.ts";
import { type RestartJob, runRestart } from "./scale-restart.ts";
import { runTicks, type TicksJob } from "./scale-ticks.ts";

export type ScaleJob = TicksJob | JunkJob | RestartJob | PartitionsJob;

async function run(job: ScaleJob): Promise<object> {
  switch (job.kind) {
    case "ticks":
      return runTicks(job);
    case "junk":
      return runJunk(job);
    case "partitions":
      return await runPartitions(job);
    case "fill":
    case "ready":
      return await runRestart(job);
  }
}

process.on("message", (job: ScaleJob) => {
  run(job).then(
    (result) => process.send?.(result),
    (error) => process.send?.({ error: error instanceof Error ? error.stack : String(error) }),
  );
});
