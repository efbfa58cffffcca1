import { describe, expect, it } from "vitest";
import type { WindowRecord } from "../../services/contracts/window.ts";
import {
  AggregateRun,
  encodeBatches,
  requestOf,
  type SpanSketch,
  sceneStartMs,
} from "../support/aggregate-harness.ts";
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";

const chat = (endMs: number, more: Partial<SpanSketch> = {}): SpanSketch => ({
  startMs: endMs - 100,
  endMs,
  attributes: {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
  },
  ...more,
});

const record = (...spans: SpanSketch[]) => encodeBatches({ spans });

const starts = (windows: readonly WindowRecord[]) =>
  windows.map((window) => window.windowStartMs - sceneStartMs);

const requestsByStart = (windows: readonly WindowRecord[]) =>
  Object.fromEntries(
    windows.flatMap((window) =>
      window.cells.map((cell) => [window.windowStartMs - sceneStartMs, cell.counters[1]]),
    ),
  );

describe("windows and their watermark", () => {
  it("begin with the window that holds the first watermark, and come in order without gaps", () => {
    const run = new AggregateRun().step(record(chat(2_000)), 2_100).heartbeat(32_000);

    expect(starts(run.windows())).toEqual([-10_000, -5_000, 0, 5_000, 10_000, 15_000]);
  });

  it("close when the latest end has passed theirs by the lateness", () => {
    const run = new AggregateRun({ judgement: { window: { idleTimeoutMs: 60_000 } } })
      .step(record(chat(4_999)), 5_000)
      .step(record(chat(14_999)), 15_000);
    expect(requestsByStart(run.windows())).toEqual({});

    run.step(record(chat(15_001)), 15_002);
    expect(requestsByStart(run.windows())).toEqual({ 0: 1 });
  });

  it("take a span until the watermark has passed their end, and none after", () => {
    const run = new AggregateRun()
      .step(record(chat(4_000)), 5_000)
      .step(record(chat(14_900), chat(4_500)), 15_000)
      .step(record(chat(15_500)), 15_600)
      .step(record(chat(4_600)), 15_700)
      .finish(20_000);

    expect(requestsByStart(run.windows())).toEqual({ 0: 2, 10000: 1, 15000: 1 });
    expect(run.windows().map((window) => window.pipeline.lateSpans)).toEqual([0, 0, 1, 0, 0]);
  });

  it("hold all spans of a record against the watermark before it", () => {
    const run = new AggregateRun()
      .step(record(chat(4_000)), 5_000)
      .step(record(chat(60_000), chat(4_500)), 60_100);

    expect(requestsByStart(run.windows())).toEqual({ 0: 2 });
  });

  it("count a late span by its sender, in the oldest open window and in no cell", () => {
    const run = new AggregateRun()
      .step(record(chat(30_000)), 30_000)
      .step(
        encodeBatches({
          resource: { "service.name": "slow", "service.instance.id": "i-1" },
          spans: [chat(1_000)],
        }),
        30_100,
      )
      .finish(35_000);

    const late = run.windows().filter((window) => window.pipeline.lateSpans > 0);
    expect(starts(late)).toEqual([20_000]);
    expect(late[0]?.pipeline.senders).toEqual([
      { sender: "slow/i-1", spans: 0, late: 1, clamped: 0 },
    ]);
  });

  it("clamp an end 300 s ahead of its arrival to the arrival, and make nothing else late by it", () => {
    const run = new AggregateRun()
      .step(record(chat(1_000)), 1_000)
      .step(
        encodeBatches({
          resource: { "service.name": "ahead" },
          spans: [chat(302_000, { startMs: 301_000 })],
        }),
        2_000,
      )
      .step(record(chat(2_500)), 3_000)
      .finish(5_000);

    const [window] = run.windows().filter(({ windowStartMs }) => windowStartMs === sceneStartMs);
    expect(window?.cells[0]?.counters[1]).toBe(3);
    expect(window?.pipeline).toMatchObject({
      lateSpans: 0,
      clampedSpans: 1,
      senders: [
        { sender: "ahead", spans: 1, late: 0, clamped: 1 },
        { sender: "chatbot", spans: 2, late: 0, clamped: 0 },
      ],
    });
  });

  it("leave an end within the allowed skew where it is", () => {
    const run = new AggregateRun().step(record(chat(5_500)), 4_000).finish(10_000);

    expect(requestsByStart(run.windows())).toEqual({ 5000: 1 });
  });

  it("count everything of a sender 300 s behind as late", () => {
    const run = new AggregateRun()
      .step(record(chat(400_000)), 400_000)
      .step(record(chat(100_500), chat(100_600)), 400_500)
      .finish(410_000);

    expect(run.windows().reduce((sum, window) => sum + window.pipeline.lateSpans, 0)).toBe(2);
    expect(requestsByStart(run.windows())).toEqual({ 400000: 1 });
  });

  it("go on by heartbeats when a source dies, as far as the idle timeout allows", () => {
    const run = new AggregateRun().step(record(chat(1_000)), 1_000);
    for (let second = 2; second <= 16; second++) run.heartbeat(second * 1_000);

    expect(starts(run.windows())).toEqual([-10_000, -5_000, 0]);
    expect(run.windows().at(-1)?.appendMs).toBe(sceneStartMs + 15_000);
  });

  it("take what a source sends that comes back five minutes later, unless time had passed in the log", () => {
    const withHeartbeats = new AggregateRun().step(record(chat(1_000)), 1_000);
    for (let second = 2; second <= 300; second++) withHeartbeats.heartbeat(second * 1_000);
    withHeartbeats.step(record(chat(2_000), chat(300_000)), 301_000).finish(305_000);

    expect(requestsByStart(withHeartbeats.windows())).toEqual({ 0: 1, 300000: 1 });
    expect(
      withHeartbeats.windows().reduce((sum, window) => sum + window.pipeline.lateSpans, 0),
    ).toBe(1);
  });

  it("survive ends at 0 and 2^64 − 1", () => {
    const run = new AggregateRun()
      .step(record(chat(1_000)), 1_000)
      .step(endingAt("0"), 1_500)
      .step(endingAt("18446744073709551615"), 2_000)
      .finish(5_000);

    const [window] = run.windows().filter(({ windowStartMs }) => windowStartMs === sceneStartMs);
    expect(window?.cells[0]?.counters[1]).toBe(2);
    expect(
      run.windows().map(({ pipeline }) => [pipeline.lateSpans, pipeline.clampedSpans]),
    ).toEqual([
      [1, 0],
      [0, 0],
      [0, 1],
    ]);
  });

  it("leave the empty windows of a gap of days out", () => {
    const run = new AggregateRun().step(record(chat(1_000)), 1_000).heartbeat(30 * 86_400_000);

    expect(run.windows().length).toBe(17_280 + 1);
    expect(requestsByStart(run.windows())).toEqual({ 0: 1 });
  });

  it("go to every partition, empty or not, with each cell in one of them", () => {
    const run = new AggregateRun({ windowsPartitions: 3 })
      .step(record(chat(1_000)), 1_000)
      .finish(5_000);

    const last = run.outputs.slice(-3);
    expect(last.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    expect(
      run
        .windows()
        .slice(-3)
        .flatMap(({ cells }) => cells).length,
    ).toBe(1);
  });

  it("let time pass over a record that does not decode, and nothing else", () => {
    const broken = record(chat(1_000), chat(1_200));
    const run = new AggregateRun()
      .step(broken.subarray(0, broken.length - 3), 1_000)
      .heartbeat(20_000);

    expect(run.rejections).toEqual([
      { code: "record_invalid", reason: expect.stringContaining("message ends inside a field") },
    ]);
    expect(starts(run.windows())).toEqual([-10_000, -5_000, 0, 5_000]);
    expect(run.cells()).toEqual([]);
    expect(run.windows().flatMap(({ pipeline }) => pipeline.senders)).toEqual([]);
  });
});

/** A chat whose end is given in nanoseconds. */
function endingAt(endTimeUnixNano: string): Uint8Array {
  const request = requestOf([{ spans: [chat(1_000)] }]);
  const [span] = request.resourceSpans?.[0]?.scopeSpans?.[0]?.spans ?? [];
  Object.assign(span ?? {}, { endTimeUnixNano });
  return ExportTraceServiceRequest.encode(request);
}
