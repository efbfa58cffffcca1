import { expect, test } from "vitest";
import { bucketOf } from "../../../detectors/sketch.ts";
import type { CellKey } from "../../../services/contracts/cell.ts";
import { judgementSchema } from "../../../services/contracts/config.ts";
import type { CellFrame } from "../../../services/contracts/frame.ts";
import { sketchIds } from "../../../services/contracts/measures.ts";
import type { CellWindow } from "../../../services/contracts/window.ts";
import { judgeCell } from "../../../services/detect/cell-judge.ts";
import { initialCell } from "../../../services/detect/cell-state.ts";
import { counters } from "../../support/records.ts";

const { detect } = judgementSchema.parse({});
const windowMs = 5_000;
const requests = 10;

function sketchOf(values: readonly number[]) {
  const buckets = [...new Set(values.map(bucketOf))].sort((a, b) => a - b);
  return { buckets, counts: buckets.map((b) => values.filter((v) => bucketOf(v) === b).length) };
}

/** First tokens after about a second, tokens of 10 ms each, the last `slow` of them `times` as long. */
function windowOf(slow: number, times: number): CellWindow {
  const speeds = Array.from({ length: requests }, (_, i) => 9_000 + 200 * i);
  for (let i = 0; i < slow; i++) speeds[i] = 10_000 * times;
  const firsts = Array.from({ length: requests }, (_, i) => 900_000 + 20_000 * i);
  return {
    cell: "genai\u001fopenai\u001fgpt-4o\u001feu-west-1\u001fchat" as CellKey,
    counters: counters({ requests, spans: requests, ok: requests }),
    sketches: {
      [sketchIds.timeToFirstToken]: sketchOf(firsts),
      [sketchIds.timePerOutputToken]: sketchOf(speeds),
      [sketchIds.duration]: sketchOf(firsts.map((us, i) => us + 100 * (speeds[i] ?? 0))),
    },
    breadth: {},
    dimensions: [],
    gauges: {},
    examples: [],
  };
}

function played(
  windows: readonly CellWindow[],
): readonly (CellFrame["signals"][number] | undefined)[] {
  const cell = initialCell(windowMs);
  return windows.map((window, at) => {
    const frame = judgeCell(cell, window, { windowStartMs: at * windowMs, windowMs }, detect);
    return frame.signals.find(({ signal }) => signal === "stragglers");
  });
}

const healthy = Array.from({ length: 200 }, () => windowOf(0, 1));

test("requests of a few slow replicas count, one of ten and five times as slow", () => {
  const verdicts = played([...healthy, ...Array.from({ length: 12 }, () => windowOf(1, 5))]);
  expect(verdicts.slice(0, 200).every((verdict) => verdict === undefined)).toBe(true);
  expect(verdicts.at(-1)).toMatchObject({ bad: 1, of: requests, state: "anomalous" });
});

test("what is half as slow again is no straggler, however many are", () => {
  const verdicts = played([...healthy, windowOf(requests, 1.5)]);
  expect(verdicts.at(-1)).toBeUndefined();
});
