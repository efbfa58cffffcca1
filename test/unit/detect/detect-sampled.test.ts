/** What a tenth of the spans proves is what that many spans prove, not ten times as much. */
import { expect, it } from "vitest";
import { bucketOf } from "../../../detectors/sketch.ts";
import { judgementSchema } from "../../../services/contracts/config.ts";
import { counterIds, sketchIds } from "../../../services/contracts/measures.ts";
import type { CellWindow } from "../../../services/contracts/window.ts";
import { judgeCell } from "../../../services/detect/cell-judge.ts";
import { silentWindow } from "../../../services/detect/cell-silence.ts";
import { initialCell } from "../../../services/detect/cell-state.ts";
import { poisson, seeded } from "../../support/detect-traffic.ts";

const windowMs = 5_000;
const { detect } = judgementSchema.parse({});

interface Seen {
  readonly ok: number;
  readonly failed: number;
}

/** A window of so many spans, each of which stands for `weight` requests. */
function windowOf({ ok, failed }: Seen, weight: number): CellWindow {
  const silent = silentWindow("genai" as CellWindow["cell"]);
  const counters = [...silent.counters];
  counters[counterIds.requests] = (ok + failed) * weight;
  counters[counterIds.spans] = ok + failed;
  counters[counterIds.ok] = ok * weight;
  counters[counterIds.server_error] = failed * weight;
  const times = {
    buckets: [bucketOf(900_000), bucketOf(1_100_000)],
    counts: [ok * weight, weight],
  };
  return {
    ...silent,
    counters,
    sketches: ok > 0 ? { [sketchIds.duration]: times } : {},
    dimensions: [
      {
        dimension: "service.version",
        values: [
          {
            value: "1",
            requests: (ok + failed) * weight,
            failures: failed * weight,
            limited: 0,
            latency: { buckets: [40], counts: [(ok + failed) * weight] },
          },
        ],
      },
    ],
  };
}

it("judges a window by the spans behind its counts", () => {
  const random = seeded(5);
  const cells = [1, 10].map((weight) => ({ weight, cell: initialCell(windowMs) }));
  let last: unknown[] = [];
  let worst = 0;
  for (let window = 0; window < 300; window++) {
    const failed = window > 290 ? 4 : poisson(random, 0.1);
    const seen = { ok: 6 + poisson(random, 6), failed };
    last = cells.map(({ weight, cell }) => {
      const time = { windowStartMs: window * windowMs, windowMs };
      const frame = judgeCell(cell, windowOf(seen, weight), time, detect);
      const signals = frame.signals.filter(({ signal }) => signal !== "traffic");
      for (const { surprise } of signals) worst = Math.max(worst, surprise);
      const { requests, failures, dimensions } = frame;
      return { requests, failures, dimensions, signals };
    });
    expect(last[1]).toEqual(last[0]);
  }
  expect(worst).toBeGreaterThan(5);
});
