/** What detect costs for many series, a window a second: all of it, from reading a batch to the bytes of its outputs and checkpoints. */
import { createHash } from "node:crypto";
import { detectStage } from "../../services/detect/detect.ts";
import type { InputRecord, Reducer } from "../../services/stage.ts";
import { aDetectContext, aJudgement, inputOf } from "../support/detect-task.ts";
import { scaleTraffic, scaleWindowMs, seriesPerCell } from "./scale-series.ts";
import { ownCpuSeconds } from "./support/cpu.ts";

export interface TicksJob {
  readonly kind: "ticks";
  readonly series: number;
  /** One cell in so many has requests in a window; the others have none. */
  readonly every: number;
  /** A multiple of 60. */
  readonly ticks: number;
  readonly seed: number;
}

export interface TicksResult {
  readonly cells: number;
  readonly series: number;
  readonly busyShare: number;
  /** CPU seconds of a window, a checkpoint every 60 of them included. */
  readonly cpuSecondsPerTick: number;
  readonly nsPerSeriesTick: number;
  readonly checkpointCpuSeconds: number;
  readonly checkpointBytes: number;
  readonly outputBytesPerTick: number;
  /** Heap and buffers after garbage collection, of the cells' states alone. */
  readonly bytesPerSeries: number;
  /** The same after more than a minute of silence. */
  readonly bytesPerQuietSeries: number;
  /** CPU seconds from the checkpoint's bytes to a task that can step. */
  readonly restoreCpuSeconds: number;
}

/** Enough windows with requests for thresholds and charts to be there, and half of what the sums over blocks need. */
const warmUpWindows = 64;
/** Ticks without any request, so that cells are as quiet as they will be. */
const quietTicks = 80;
/** Checkpoints are taken once a minute. */
const ticksPerCheckpoint = 60;

export function runTicks(job: TicksJob): TicksResult {
  const cells = Math.ceil(job.series / seriesPerCell);
  const traffic = scaleTraffic(cells, job.seed);
  const context = aDetectContext({
    judgement: aJudgement({
      window: { lengthMs: scaleWindowMs },
      series: { maxCells: 1_000_000, evictAfterWindows: 1_000_000 },
    }),
  });
  const before = heldBytes();
  let detect: Reducer = detectStage.create(context);
  let index = 0;
  for (; index < warmUpWindows; index++)
    detect.step(inputOf(traffic.windowAt(index, { every: 1, withBad: index === 1 })));
  const held = heldBytes() - before;
  for (const end = index + quietTicks; index < end; index++)
    detect.step(inputOf({ ...traffic.windowAt(index, { every: 1 }), cells: [] }));
  const heldInSilence = heldBytes() - before;
  // So that every cell has been woken again, and all code is compiled.
  for (const end = index + 2 * job.every; index < end; index++)
    detect.step(inputOf(traffic.windowAt(index, { every: job.every })));
  detect.snapshot();
  const inputs: InputRecord[] = [];
  for (const end = index + job.ticks; index < end; index++)
    inputs.push(inputOf(traffic.windowAt(index, { every: job.every })));

  let outputBytes = 0;
  let checkpointCpuSeconds = 0;
  let chunks: readonly Uint8Array[] = [];
  const stepping = ownCpuSeconds();
  for (const [tick, input] of inputs.entries()) {
    for (const { value } of detect.step(input).outputs) outputBytes += value.length;
    if (tick % ticksPerCheckpoint !== ticksPerCheckpoint - 1) continue;
    const saving = ownCpuSeconds();
    chunks = detect.snapshot().chunks;
    for (const chunk of chunks) createHash("sha256").update(chunk).digest("hex");
    checkpointCpuSeconds = ownCpuSeconds() - saving;
  }
  const cpuSecondsPerTick = (ownCpuSeconds() - stepping) / job.ticks;
  const checkpointBytes = chunks.reduce((sum, { length }) => sum + length, 0);

  const restoring = ownCpuSeconds();
  detect = detectStage.create(context, chunks);
  detect.step(inputOf(traffic.windowAt(index, { every: job.every })));
  const restoreCpuSeconds = ownCpuSeconds() - restoring;

  const series = cells * seriesPerCell;
  return {
    cells,
    series,
    busyShare: 1 / job.every,
    cpuSecondsPerTick,
    nsPerSeriesTick: (cpuSecondsPerTick * 1e9) / series,
    checkpointCpuSeconds,
    checkpointBytes,
    outputBytesPerTick: Math.round(outputBytes / job.ticks),
    bytesPerSeries: held / series,
    bytesPerQuietSeries: heldInSilence / series,
    restoreCpuSeconds,
  };
}

/** Bytes that are held after a full collection; the process must run with `--expose-gc`. */
function heldBytes(): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error("start this process with --expose-gc");
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
