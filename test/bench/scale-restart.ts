/**
 * The whole application on embedded engines with many series, killed by SIGKILL: how long until a new process has judged a window of
 * all of them. Runs twice in processes of its own: `fill` learns the series and waits to be killed, `ready` starts on what is left.
 */
import { configSchema } from "../../services/contracts/config.ts";
import { frameRecord } from "../../services/contracts/frame.ts";
import { sourceTopics, topics } from "../../services/contracts/topics.ts";
import { encodeWindowParts } from "../../services/contracts/window-write.ts";
import type { Log } from "../../services/log/log.ts";
import { startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { scaleTraffic, scaleWindowMs, seriesPerCell } from "./scale-series.ts";
import { ownCpuSeconds } from "./support/cpu.ts";

export interface RestartJob {
  readonly kind: "fill" | "ready";
  readonly directory: string;
  readonly series: number;
  readonly seed: number;
}

/** Enough for every detector of single requests to have its thresholds. */
const fillWindows = 34;
const pollMs = 20;

/** Resolves when all windows are judged and in a checkpoint (`fill`), or one window after the start is judged (`ready`). */
export async function runRestart({ kind, directory, series, seed }: RestartJob): Promise<object> {
  const startedMs = performance.now();
  const config = configSchema.parse({
    dataDir: directory,
    log: { partitions: 1 },
    ingest: { grpcPort: 0, httpPort: 0 },
    history: { httpPort: 0 },
    console: { port: 0 },
    metrics: { port: 0 },
    checkpoint: { intervalMs: kind === "fill" ? 1_000 : 60_000 },
    judgement: {
      window: { lengthMs: scaleWindowMs },
      series: { maxCells: 1_000_000, evictAfterWindows: 1_000_000 },
    },
  });
  // Without aggregate: its windows would meet ours.
  const stages = ["ingest", "detect", "incident", "notify", "archive", "console"] as const;
  const app = await startApp({ config, report: () => {}, stages });
  const upMs = performance.now() - startedMs;
  const traffic = scaleTraffic(Math.ceil(series / seriesPerCell), seed);
  const { log } = app;
  let judged = (await log.offsets(topics.frames, 0)).end;
  if (kind === "ready") {
    await appendWindow(log, traffic.windowAt(fillWindows, { every: 20 }));
    await frameAfter(log, judged);
    return { upMs, judgedMs: performance.now() - startedMs, cpuSeconds: ownCpuSeconds() };
  }
  for (let index = 0; index < fillWindows; index++)
    await appendWindow(log, traffic.windowAt(index, { every: 1, withBad: index === 1 }));
  for (let index = 0; index < fillWindows; index++) judged = await frameAfter(log, judged);
  // What was judged last is in a checkpoint when the group's offset, which follows it, is at the end.
  for (;;) {
    const [lag] = await log.lag("detect", [topics.windows]);
    if (lag?.lagRecords === 0) return {};
    await systemClock.sleep(pollMs);
  }
}

async function appendWindow(
  log: Log,
  window: ReturnType<ReturnType<typeof scaleTraffic>["windowAt"]>,
): Promise<void> {
  const tasks = Object.values(sourceTopics).map((topic) => `${topic}/0`);
  for (const [index, task] of tasks.entries()) {
    const share = index === 0 ? window : { ...window, cells: [] };
    const values = encodeWindowParts({ ...share, task });
    await log.append(values.map((value) => ({ topic: topics.windows, partition: 0, value })));
  }
}

/** Waits for the last part of a frame at `from` or later; the offset after it. */
async function frameAfter(log: Log, from: number): Promise<number> {
  for (let next = from; ; ) {
    const [record] = await log.read({
      topic: topics.frames,
      partition: 0,
      fromOffset: next,
      maxBytes: 1,
      waitMs: 1_000,
    });
    if (record === undefined) continue;
    next = record.offset + 1;
    const { part, parts } = frameRecord.decode(record.value);
    if (part === parts - 1) return next;
  }
}
