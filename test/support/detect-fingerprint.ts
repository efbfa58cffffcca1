/**
 * A fingerprint of what detect says: fixed simulated traffic with faults, silence, restarts and crowded names goes through it, and every
 * closed window and frame is hashed by meaning (not by encoding). A change that only makes detect faster leaves it as it is.
 *   node test/support/detect-fingerprint.ts
 */
import { createHash } from "node:crypto";
import { cellKey } from "../../services/contracts/cell.ts";
import { type CounterName, counterIds, sketchIds } from "../../services/contracts/measures.ts";
import type { CellWindow, WindowRecord } from "../../services/contracts/window.ts";
import { detectStage } from "../../services/detect/detect.ts";
import type { OutputRecord } from "../../services/stage.ts";
import {
  aDetectContext,
  aJudgement,
  aManifest,
  closedOf,
  framesOf,
  inputOf,
} from "./detect-task.ts";
import {
  healthyTraffic,
  normal,
  poisson,
  type Random,
  seeded,
  sketchOf,
  type TrafficShape,
  trafficWindow,
} from "./detect-traffic.ts";
import { aCell, aWindow } from "./records.ts";

interface Run {
  readonly name: string;
  readonly cells: number;
  readonly windows: number;
  readonly windowMs: number;
  readonly maxCells: number;
  /** Windows between restarts from a snapshot; none when undefined. */
  readonly restartEvery: number | undefined;
}

const startMs = 1_800_000_000_000;
const tasks = ["otlp_spans/0", "otlp_spans/1"];

const runs: readonly Run[] = [
  {
    name: "faults",
    cells: 14,
    windows: 1_500,
    windowMs: 5_000,
    maxCells: 100,
    restartEvery: undefined,
  },
  { name: "restarts", cells: 14, windows: 1_500, windowMs: 5_000, maxCells: 100, restartEvery: 37 },
  { name: "crowded", cells: 40, windows: 300, windowMs: 5_000, maxCells: 12, restartEvery: 101 },
  { name: "days", cells: 3, windows: 2_600, windowMs: 60_000, maxCells: 100, restartEvery: 1_000 },
];

/** What is wrong with a cell, by its number, in a window. */
function shapeAt(cell: number, index: number, windows: number): Partial<TrafficShape> | "silent" {
  const phase = index / windows;
  const isFaulty = phase > 0.6 && phase < 0.75;
  switch (cell % 8) {
    case 1:
      return { ratePerS: 0.05 };
    case 2:
      return isFaulty ? { errorRatio: 0.4 } : { ratePerS: 6 };
    case 3:
      return isFaulty ? "silent" : {};
    case 4:
      return isFaulty ? { ttftS: 0.9 * (1 + 10 * (phase - 0.6)) } : {};
    case 5:
      return index % 97 < 60 ? "silent" : { limitRatio: isFaulty ? 0.5 : 0 };
    case 6:
      return { ratePerS: 30, burstShape: 50, errorRatio: phase > 0.7 ? 0.02 : 0.001 };
    case 7:
      return index % 700 < 400 ? {} : "silent";
    default:
      return { ratePerS: 1.2 * (1 + 0.5 * Math.sin(index / 300)) };
  }
}

function windowOf(cell: number, random: Random, shape: Partial<TrafficShape>): CellWindow {
  const key = cellKey(aCell({ model: `model-${cell}` }));
  const made = trafficWindow(key, random, { ...healthyTraffic, ...shape });
  const counts = [...made.counters];
  const requests = counts[counterIds.requests] as number;
  const set = (name: CounterName, ratio: number) => {
    const count = Math.min(requests, poisson(random, requests * ratio));
    counts[counterIds[name]] = count;
  };
  set("retries", 0.02);
  set("truncated", 0.03);
  if (cell % 3 === 0) set("refused", 0.001);
  if (cell % 4 === 1) set("client_cancelled", 0.01);
  if (cell % 5 === 2) set("auth", 0.002);
  if (cell % 6 === 3) set("substituted", 0.005);
  const perToken = Array.from({ length: requests }, () => 15_000 * Math.exp(0.2 * normal(random)));
  const first = made.sketches[sketchIds.timeToFirstToken] ?? { buckets: [], counts: [] };
  return {
    ...made,
    counters: counts,
    sketches: { ...made.sketches, [sketchIds.timePerOutputToken]: sketchOf(perToken) },
    breadth: { 1: Uint8Array.of(requests & 255, 3, 128), 2: Uint8Array.of(requests & 7) },
    gauges: cell % 4 === 0 ? { in_flight: Math.round(1_000 * poisson(random, 20)) } : {},
    dimensions: [
      {
        dimension: "service.version",
        values: [
          {
            value: `v${cell % 2}`,
            requests,
            failures: counts[counterIds.server_error] as number,
            limited: 0,
            latency: { buckets: [38, 40], counts: [requests, first.buckets.length + 1] },
          },
        ],
      },
    ],
    examples: [
      {
        traceId: "a",
        spanId: String(requests),
        outcome: "ok",
        durationUs: 5,
        timeToFirstTokenUs: 1,
      },
    ],
  };
}

function* batches(run: Run): Generator<WindowRecord> {
  const random = seeded(run.cells * 31 + run.windows);
  for (let index = 0; index < run.windows; index++) {
    for (const [taskIndex, task] of tasks.entries()) {
      const cells: CellWindow[] = [];
      for (let cell = 0; cell < run.cells; cell++) {
        if (taskIndex === 1 && cell % 2 === 0) continue;
        const shape = shapeAt(cell, index, run.windows);
        if (shape !== "silent") cells.push(windowOf(cell, random, shape));
        else if (cell % 16 === 5)
          cells.push({ ...windowOf(cell, random, { ratePerS: 0 }), gauges: {} });
      }
      const windowStartMs = startMs + index * run.windowMs;
      const base = {
        task,
        windowStartMs,
        windowMs: run.windowMs,
        appendMs: windowStartMs + 11_000,
      };
      const half = cells.length >> 1;
      if (index % 3 === 0) {
        yield aWindow({ ...base, cells: cells.slice(0, half), part: 0, parts: 2 });
        yield aWindow({ ...base, cells: cells.slice(half), part: 1, parts: 2 });
      } else yield aWindow({ ...base, cells });
    }
  }
}

/** Keys in order, so that only values count. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each !== null && typeof each === "object" && !Array.isArray(each) && !ArrayBuffer.isView(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function fingerprint(run: Run) {
  const hash = createHash("sha256");
  let anomalous = 0;
  let frozen = 0;
  const take = (outputs: readonly OutputRecord[]) => {
    for (const window of closedOf(outputs)) hash.update(canonical(window));
    for (const frame of framesOf(outputs)) {
      hash.update(canonical(frame));
      for (const cell of frame.cells)
        for (const signal of cell.signals) {
          if (signal.state === "anomalous") anomalous++;
          if (signal.isFrozen) frozen++;
        }
    }
  };
  const context = aDetectContext({
    manifests: [aManifest({ tasks })],
    judgement: aJudgement({
      window: { lengthMs: run.windowMs },
      series: { maxCells: run.maxCells, evictAfterWindows: 350 },
    }),
  });
  let detect = detectStage.create(context);
  let stepped = 0;
  for (const record of batches(run)) {
    if (run.restartEvery !== undefined && stepped % run.restartEvery === run.restartEvery - 1)
      detect = detectStage.create(context, detect.snapshot().chunks);
    take(detect.step(inputOf(record, stepped++)).outputs);
  }
  take(detect.finish?.(Number.POSITIVE_INFINITY).outputs ?? []);
  const chunks = detect.snapshot().chunks;
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  return {
    name: run.name,
    hash: hash.digest("hex").slice(0, 24),
    anomalous,
    frozen,
    snapshotBytes: bytes,
  };
}

for (const run of runs) console.log(JSON.stringify(fingerprint(run)));
