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
  const { log } = deps;
  if (stage.kind === "effect") {
    const sources = await partitionsOf(stage.reads, deps);
    // One task for all partitions, run by whoever is given the first: the assignment keeps partitions of one number together.
    const first = sources[0];
    const onAssigned = async (source: TopicPartition, revoked: AbortSignal) => {
      if (source.topic !== first?.topic || source.partition !== first.partition) return;
      const run = (inner: AbortSignal) => runEffectTask(stage, context, sources, deps, inner);
      await keepRunning(`${stage.name}/0`, run, deps, health, AbortSignal.any([signal, revoked]));
    };
    await log.join(stage.name, stage.reads, { onAssigned }, signal);
    return;
  }
  const join = (run: (source: TopicPartition, inner: AbortSignal) => Promise<void>) => {
    const onAssigned = (source: TopicPartition, revoked: AbortSignal) =>
      keepRunning(
        `${stage.name} ${source.topic}/${source.partition}`,
        (inner) => run(source, inner),
        deps,
        health,
        AbortSignal.any([signal, revoked]),
      );
    return log.join(stage.name, stage.reads, { onAssigned }, signal);
  };
  if (stage.kind === "reducer") {
    await join((source, inner) => runReducerTask(stage, source, deps, inner));
    return;
  }
  await using sink = await stage.open(context);
  await join((source, inner) => runRangeTask(stage, sink, source, deps, inner));
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

const shortestWaitMs = 200;
const longestWaitMs = 10_000;

/** Starts a task again when it fails, with growing waits; gives up on errors that waiting cannot mend. */
async function keepRunning(
  name: string,
  run: (signal: AbortSignal) => Promise<void>,
  deps: RunnerDeps,
  health: TaskHealth,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = shortestWaitMs;
  while (!signal.aborted) {
    const startedMs = deps.clock.nowMs();
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
        deps.metrics.add("foreshock_stage_halts_total", 1, { stage: stageOf(name), code });
        deps.report("error", `${name} has stopped and needs a look: ${code}: ${message}`);
        return;
      }
      // What ran well for long failed for another reason than last time.
      if (deps.clock.nowMs() - startedMs > longestWaitMs) waitMs = shortestWaitMs;
      deps.metrics.add("foreshock_stage_restarts_total", 1, { stage: stageOf(name) });
      deps.report("error", `${name} failed and starts again in ${waitMs / 1000} s: ${message}`);
      await deps.clock.sleep(waitMs, signal).catch(() => {});
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
  }
}

/** Tasks are named `stage topic/partition` or `stage/0`. */
const stageOf = (task: string) => task.split(/[ /]/)[0] ?? task;
