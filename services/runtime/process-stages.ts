/** The stages of one process on opened drivers: those that consume run until it stops, those that serve listen. */
import type { Log } from "../log/log.ts";
import { stages } from "../pipeline.ts";
import type { EdgeContext, RunningServer, StageName } from "../stage.ts";
import { type CrashPoint, crashPoint } from "./crash-points.ts";
import type { RunnerDeps } from "./runner-deps.ts";
import { runConsumingStage, type TaskHealth } from "./stage-runner.ts";

export interface ProcessStages {
  /** Runs a stage until the process stops; why it ended before that is in the health. Nothing for one that serves. */
  consume(name: StageName, edge: EdgeContext): void;
  /** Opens a stage that serves; undefined for one that consumes. */
  serve(name: StageName, edge: EdgeContext): Promise<RunningServer | undefined>;
  /** Resolves when every stage that consumes has ended, or at the latest after `stopLimitMs`. */
  ended(): Promise<void>;
}

/** Longest wait for stages to stop, ms; whatever they had not finished is done after the next start. */
const stopLimitMs = 15_000;

export function processStages(
  deps: RunnerDeps,
  health: TaskHealth,
  stopping: AbortSignal,
): ProcessStages {
  const running: Promise<void>[] = [];
  return {
    consume(name, edge) {
      const stage = stages[name];
      if (stage.kind === "server") return;
      running.push(
        runConsumingStage(stage, edge, deps, health, stopping).catch((error) => {
          if (stopping.aborted) return;
          health.halted.set(name, String(error));
          deps.report(
            "error",
            `${name} has stopped: ${error instanceof Error ? (error.stack ?? error.message) : error}`,
          );
        }),
      );
    },
    async serve(name, edge) {
      const stage = stages[name];
      if (stage.kind !== "server") return undefined;
      return await stage.open(
        name === "ingest"
          ? { ...edge, log: crashingAfterAppend(edge.log, "ingest:after-append") }
          : edge,
      );
    },
    async ended() {
      const isDone = new AbortController();
      const limit = deps.clock.sleep(stopLimitMs, isDone.signal).catch(() => {});
      await Promise.race([Promise.all(running), limit]);
      isDone.abort();
    },
  };
}

/** The same log, with a crash point between an append that is durable and whoever waits for it. */
function crashingAfterAppend(log: Log, point: CrashPoint): Log {
  return {
    append: async (records, signal) => {
      const appended = await log.append(records, signal);
      crashPoint(point);
      return appended;
    },
    ensureTopics: (specs) => log.ensureTopics(specs),
    topics: () => log.topics(),
    read: (request, signal) => log.read(request, signal),
    offsets: (topic, partition) => log.offsets(topic, partition),
    latestByKey: (topic, partition) => log.latestByKey(topic, partition),
    join: (group, names, handler, signal) => log.join(group, names, handler, signal),
    committed: (group, topic, partition) => log.committed(group, topic, partition),
    commit: (group, offsets) => log.commit(group, offsets),
    lag: (group, names) => log.lag(group, names),
    pressure: () => log.pressure(),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
