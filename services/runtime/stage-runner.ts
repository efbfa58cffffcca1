/**
 * Runs stages: joins the group, starts a task for every partition it is given, and starts a failed task again.
 * Only this file and the three runners it hands over to consume, append, checkpoint, commit, dead-letter and measure.
 */
import { ForeshockError } from "../contracts/errors.ts";
import type { TopicPartition } from "../log/log.ts";
import type { EdgeContext, EffectStage, RangeSinkStage, ReducerStage } from "../stage.ts";
import { runEffectTask } from "./effect-runner.ts";
import { runRangeTask } from "./range-runner.ts";
import { runReducerTask } from "./reducer-runner.ts";
import type { RunnerDeps } from "./runner-deps.ts";

/** Errors that starting again cannot mend: a person has to look. */
const fatalCodes: ReadonlySet<string> = new Set([
  "data_lost",
  "sequence_gap",
  "epoch_unknown",
  "checkpoint_invalid",
  "log_owned",
]);

export interface TaskHealth {
  /** Tasks that have stopped for good, with the reason; the process is not ready while there is one. */
  readonly halted: Map<string, string>;
}

/** Resolves when the signal ends it and all its tasks have stopped. */
export async function runConsumingStage(
  stage: ReducerStage | RangeSinkStage | EffectStage,
  context: EdgeContext,
  deps: RunnerDeps,
  health: TaskHealth,
  signal: AbortSignal,
): Promise<void> {
  if (stage.kind === "effect") {
    const sources = await partitionsOf(stage.reads, deps);
    await deps.log.join(stage.name, stage.reads, { onAssigned: async () => {} }, signal);
    await keepRunning(
      `${stage.name}/0`,
      (inner) => runEffectTask(stage, context, sources, deps, inner),
      deps,
      health,
      signal,
    );
    return;
  }
  const tasks: Promise<void>[] = [];
  const start = async (run: (source: TopicPartition, revoked: AbortSignal) => Promise<void>) => {
    await deps.log.join(
      stage.name,
      stage.reads,
      {
        onAssigned: async (source, revoked) => {
          const name = `${stage.name} ${source.topic}/${source.partition}`;
          tasks.push(
            keepRunning(
              name,
              (inner) => run(source, inner),
              deps,
              health,
              AbortSignal.any([signal, revoked]),
            ),
          );
        },
      },
      signal,
    );
    await untilAborted(signal);
    await Promise.all(tasks);
  };
  if (stage.kind === "reducer")
    return start((source, inner) => runReducerTask(stage, source, deps, inner));
  await using sink = await stage.open(context);
  return await start((source, inner) => runRangeTask(stage, sink, source, deps, inner));
}

async function partitionsOf(names: readonly string[], deps: RunnerDeps): Promise<TopicPartition[]> {
  const all = await deps.log.topics();
  return names.flatMap((name) => {
    const spec = all.find((topic) => topic.name === name);
    if (spec === undefined)
      throw new ForeshockError("topic_unknown", `topic ${name} was not created`);
    return Array.from({ length: spec.partitions }, (_, partition) => ({ topic: name, partition }));
  });
}

/** Starts a task again when it fails, with growing waits; gives up on errors that waiting cannot mend. */
async function keepRunning(
  name: string,
  run: (signal: AbortSignal) => Promise<void>,
  deps: RunnerDeps,
  health: TaskHealth,
  signal: AbortSignal,
): Promise<void> {
  for (let waitMs = 200; !signal.aborted; waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      await run(signal);
      return;
    } catch (error) {
      if (signal.aborted) return;
      const code = error instanceof ForeshockError ? error.code : "bug";
      const message =
        error instanceof Error
          ? code === "bug"
            ? (error.stack ?? error.message)
            : error.message
          : String(error);
      if (fatalCodes.has(code)) {
        health.halted.set(name, `${code}: ${message}`);
        deps.report("error", `${name} has stopped and needs a look: ${code}: ${message}`);
        return;
      }
      deps.metrics.add("foreshock_stage_restarts_total", 1, {
        stage: name.split(/[ /]/)[0] ?? name,
      });
      deps.report("error", `${name} failed and starts again in ${waitMs / 1000} s: ${message}`);
      await deps.clock.sleep(waitMs, signal).catch(() => {});
    }
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
