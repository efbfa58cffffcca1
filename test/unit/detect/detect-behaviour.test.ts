import { describe, expect, it } from "vitest";
import { cellKey } from "../../../services/contracts/cell.ts";
import type { CellFrame, SignalName } from "../../../services/contracts/frame.ts";
import type { CellWindow } from "../../../services/contracts/window.ts";
import { detectStage } from "../../../services/detect/detect.ts";
import type { Reducer } from "../../../services/stage.ts";
import { aDetect, aDetectContext, framesOf, inputOf, signalOf } from "../../support/detect-task.ts";
import {
  healthyTraffic,
  seeded,
  sketchOf,
  type TrafficShape,
  trafficWindow,
} from "../../support/detect-traffic.ts";
import { aCell, aWindow } from "../../support/records.ts";

const key = cellKey(aCell());
const startMs = 1_800_000_000_000;
const hour = 720;
const minute = 12;

const trained = new Map<number, readonly Uint8Array[]>();

/** A task that has seen one healthy cell for `lead` windows; learned once, since it is asked for often. */
function train(lead: number): Reducer {
  const known = trained.get(lead);
  if (known !== undefined) return detectStage.create(aDetectContext(), known);
  const random = seeded(99);
  const detect = aDetect();
  for (let index = 0; index < lead; index++)
    detect.step(
      inputOf(
        aWindow({
          windowStartMs: startMs + index * 5_000,
          cells: [trafficWindow(key, random, healthyTraffic)],
        }),
      ),
    );
  trained.set(lead, detect.snapshot().chunks);
  return detect;
}

/** Plays a cell after an hour of health (or `lead` windows): what `shapeAt` says of each window; the cell's frames. */
function play(
  windows: number,
  shapeAt: (index: number) => Partial<TrafficShape> | "silent",
  options: { seed?: number; change?: (window: CellWindow) => CellWindow; lead?: number } = {},
): CellFrame[] {
  const { seed = 1, change = (window) => window, lead = hour } = options;
  const random = seeded(seed);
  const detect = train(lead);
  const frames: CellFrame[] = [];
  for (let index = 0; index < windows; index++) {
    const shape = shapeAt(index);
    const cells =
      shape === "silent"
        ? []
        : [change(trafficWindow(key, random, { ...healthyTraffic, ...shape }))];
    const windowStartMs = startMs + (index + lead) * 5_000;
    const [frame] = framesOf(detect.step(inputOf(aWindow({ windowStartMs, cells }))).outputs);
    if (frame?.cells[0] !== undefined) frames.push(frame.cells[0]);
  }
  return frames;
}

const isAnomalous = (name: SignalName) => (frame: CellFrame) =>
  signalOf(frame, name)?.state === "anomalous";

describe("a cell that fails", () => {
  it("is anomalous in the first window with at least 5 requests", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const frames = play(6, () => ({ errorRatio: 1 }), { seed });
      const first = frames.find(({ requests }) => requests >= 5);
      expect(signalOf(first, "failures")).toMatchObject({
        state: "anomalous",
        direction: "up",
        seen: 1,
      });
    }
  });

  it("is anomalous within 3 minutes when one request in ten fails", () => {
    for (let seed = 1; seed <= 20; seed++)
      expect(
        play(3 * minute, () => ({ errorRatio: 0.1 }), { seed }).some(isAnomalous("failures")),
      ).toBe(true);
  });

  it("is normal again within 2 minutes of its end", () => {
    const outage = 10 * minute;
    const frames = play(outage + 2 * minute, (index) => ({
      errorRatio: index < outage ? 0.6 : 0.003,
    }));
    const during = frames.slice(3, outage).filter(({ requests }) => requests > 0);
    expect(during.every(isAnomalous("failures"))).toBe(true);
    expect(signalOf(frames.at(-1), "failures")?.state).toBe("normal");
  });

  it("does not get used to it: after hours of failing, it is as anomalous, and the expected ratio the same", () => {
    const frames = play(3 * hour, () => ({ errorRatio: 0.3 }));
    const early = signalOf(frames[minute * 3], "failures");
    const late = signalOf(frames.at(-1), "failures");
    expect(late).toMatchObject({ state: "anomalous", isFrozen: true, expected: early?.expected });
  });

  it("is caught again after two hours of health", () => {
    const outage = 30 * minute;
    const frames = play(outage + hour * 2 + minute, (index) => ({
      errorRatio: index < outage || index >= outage + hour * 2 ? 0.3 : 0.003,
    }));
    expect(frames.slice(outage + hour, outage + hour * 2).some(isAnomalous("failures"))).toBe(
      false,
    );
    expect(frames.slice(-minute).some(isAnomalous("failures"))).toBe(true);
  });
});

describe("first tokens that come later", () => {
  it("are anomalous before they have doubled over 10 minutes", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const frames = play(
        10 * minute,
        (index) => ({ ttftS: healthyTraffic.ttftS * 2 ** (index / (10 * minute)) }),
        { seed },
      );
      const at = frames.findIndex(isAnomalous("ttft"));
      // At 1.5 times the usual at the latest.
      expect(at).toBeGreaterThan(0);
      expect(at).toBeLessThan(6 * minute);
    }
  });

  it("are anomalous while they creep up by 30 % over an hour", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const frames = play(
        hour,
        (index) => ({ ttftS: healthyTraffic.ttftS * (1 + (0.3 * index) / hour) }),
        { seed, lead: 2 * hour },
      );
      expect(frames.slice(0, 50 * minute).some(isAnomalous("ttft"))).toBe(true);
    }
  });

  it("count as slow against the cell's own usual 95th percentile", () => {
    const frames = play(30, () => ({ ttftS: healthyTraffic.ttftS * 8 }));
    const ttft = signalOf(frames.at(-1), "ttft");
    expect(ttft).toMatchObject({ state: "anomalous", bad: ttft?.of, direction: "up" });
    expect(ttft?.seen).toBeGreaterThan(ttft?.high ?? Number.POSITIVE_INFINITY);
  });

  it("are no news when they come earlier", () => {
    const frames = play(hour / 2, () => ({ ttftS: healthyTraffic.ttftS / 3 }));
    expect(frames.some(isAnomalous("ttft"))).toBe(false);
  });
});

describe("answers", () => {
  it("that come out at half their length are anomalous within 5 minutes", () => {
    const halve = (window: CellWindow): CellWindow => ({
      ...window,
      sketches: { ...window.sketches, 4: sketchOf(new Array<number>(6).fill(12)) },
    });
    const frames = play(5 * minute, () => ({}), { change: halve });
    expect(frames.some(isAnomalous("output_tokens"))).toBe(true);
    const last = signalOf(frames.at(-1), "output_tokens");
    expect(last).toMatchObject({ direction: "down", seen: 12 });
  });
});

describe("silence", () => {
  it("is anomalous traffic, downwards, within a minute where traffic is dense, and blindness elsewhere", () => {
    const frames = play(6 * minute, () => "silent");
    const at = frames.findIndex(isAnomalous("traffic"));
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(3 * minute);
    expect(signalOf(frames[at], "traffic")).toMatchObject({ direction: "down", seen: 0 });
    expect(frames.some(isAnomalous("failures"))).toBe(false);
    expect(frames.at(-1)?.quietWindows).toBe(6 * minute);
  });
});

describe("frames of a cell", () => {
  const dimensions: CellWindow["dimensions"] = [
    {
      dimension: "service.version",
      values: [
        {
          value: "2.0",
          requests: 9,
          failures: 4,
          limited: 1,
          latency: { buckets: [38, 50], counts: [5, 4] },
        },
      ],
    },
  ];
  const examples: CellWindow["examples"] = [
    { traceId: "a", spanId: "b", outcome: "ok", durationUs: 1, timeToFirstTokenUs: 1 },
  ];
  const change = (window: CellWindow): CellWindow => ({ ...window, dimensions, examples });

  it("say that they are warming until the cell is old enough", () => {
    const frames = play(70, () => ({ errorRatio: 0.5 }), { lead: 0 });
    const states = frames.flatMap((frame) => signalOf(frame, "failures")?.state ?? []);
    expect(new Set(states.slice(0, 50))).toEqual(new Set(["warming"]));
  });

  it("carry dimensions and examples only while something is unusual, slow counted against the baseline", () => {
    const healthy = play(1, () => ({}), { change }).at(-1);
    expect(healthy).toMatchObject({ dimensions: [], examples: [] });
    const failing = play(3, () => ({ errorRatio: 1 }), { change }).at(-1);
    expect(failing?.examples).toEqual(examples);
    // 2^19 µs is half a second: not slow; 2^25 µs is half a minute.
    expect(failing?.dimensions[0]?.values).toMatchObject([
      { value: "2.0", requests: 9, failures: 4, limited: 1, slow: 4 },
    ]);
  });

  it("tell the cell's weight, and traffic and prompts against what is usual", () => {
    const frames = play(hour / 2, () => ({ ratePerS: 3 * healthyTraffic.ratePerS }));
    expect(frames[0]?.usualRequests).toBeGreaterThan(5);
    expect(frames[0]?.usualRequests).toBeLessThan(7);
    const { trafficRatio = null, inputTokensRatio = null } = frames[5 * minute]?.context ?? {};
    expect(trafficRatio).toBeGreaterThan(2);
    expect(inputTokensRatio).toBeGreaterThan(0.7);
    expect(inputTokensRatio).toBeLessThan(1.4);
  });

  it("leave out ratios that never were anything but zero", () => {
    const frame = play(1, () => ({ errorRatio: 0, limitRatio: 0 }), { lead: 100 }).at(-1);
    expect(frame?.signals.map(({ signal }) => signal)).toEqual([
      "failures",
      "ttft",
      "duration",
      "traffic",
    ]);
  });
});
