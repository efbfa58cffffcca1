/** Runs the archive as the application does, on a log and a history of the test's. */
import { archiveStage } from "../../services/archive/archive.ts";
import { type Metrics, noMetrics } from "../../services/contracts/metrics.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { History } from "../../services/history/history.ts";
import type { Log, TopicSpec } from "../../services/log/log.ts";
import { checkpointStore } from "../../services/runtime/checkpoint.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import type { RunnerDeps } from "../../services/runtime/runner-deps.ts";
import { runConsumingStage } from "../../services/runtime/stage-runner.ts";
import { anEdgeContext } from "./edge-context.ts";

export const archivePartitions = 2;

/** Topics that the archive reads, and that for dead letters. */
export const archiveTopics = (retentionMs = 24 * 60 * 60_000): TopicSpec[] =>
  [...archiveStage.reads, topics.deadletter].map((name) => ({
    name,
    partitions: name === topics.traces || name === topics.closed ? archivePartitions : 1,
    cleanup: "delete",
    retentionMs,
  }));

export interface ArchiveRun extends AsyncDisposable {
  /** Resolves when everything in the log is archived; rejects with the archive's error. */
  caughtUp(): Promise<void>;
  readonly reports: string[];
}

export function runArchive(log: Log, history: History, metrics: Metrics = noMetrics): ArchiveRun {
  const stopping = new AbortController();
  const reports: string[] = [];
  const context = anEdgeContext(
    log,
    { archive: { maxRows: 100, maxWaitMs: 10, rollUpEveryMs: 0 } },
    { history, metrics, report: (level, message) => reports.push(`${level}: ${message}`) },
  );
  const deps: RunnerDeps = {
    ...context,
    checkpoints: checkpointStore(log, 1),
    control: { manifests: [], epochs: [] },
  };
  const health = { halted: new Map<string, string>() };
  const running = runConsumingStage(archiveStage, context, deps, health, stopping.signal);
  async function waitForLag(): Promise<void> {
    for (;;) {
      const lag = await log.lag("archive", archiveStage.reads);
      if (lag.every(({ lagRecords }) => lagRecords === 0)) return;
      for (const reason of health.halted.values()) throw new Error(reason);
      await systemClock.sleep(10, stopping.signal);
    }
  }
  return {
    reports,
    caughtUp: () => Promise.race([waitForLag(), running]),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running.catch(() => {});
    },
  };
}
