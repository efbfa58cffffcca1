import { describe, expect, it } from "vitest";
import { cellKey } from "../../../services/contracts/cell.ts";
import { topics } from "../../../services/contracts/topics.ts";
import { counter } from "../../../services/contracts/window.ts";
import { aDetect, aManifest, closedOf, framesOf, inputOf } from "../../support/detect-task.ts";
import { aCell, aCellWindow, aWindow, counters } from "../../support/records.ts";

const start = 1_800_000_000_000;
const at = (index: number) => ({
  windowStartMs: start + index * 5_000,
  appendMs: start + index * 5_000 + 15_000,
});
const twoTasks = [aManifest({ tasks: ["otlp_spans/0", "otlp_spans/1"] })];
const cell = (model: string, requests: number) =>
  aCellWindow({
    cell: cellKey(aCell({ model })),
    counters: counters({ requests, spans: requests, ok: requests }),
  });
const startsOf = (outputs: Parameters<typeof closedOf>[0]) =>
  closedOf(outputs).map(({ windowStartMs }) => (windowStartMs - start) / 5_000);

describe("closing windows", () => {
  it("waits until every task of the manifest has passed the window", () => {
    const detect = aDetect({ manifests: twoTasks });
    const first = detect.step(inputOf(aWindow({ ...at(0), task: "otlp_spans/0" })));
    expect(first.outputs).toEqual([]);
    const second = detect.step(inputOf(aWindow({ ...at(0), task: "otlp_spans/1" })));
    expect(startsOf(second.outputs)).toEqual([0]);
  });

  it("merges in manifest order, and says when the last share arrived", () => {
    const detect = aDetect({ manifests: twoTasks, task: "detect/3", partition: 3 });
    const late = { ...at(0), appendMs: start + 20_000 };
    detect.step(inputOf(aWindow({ ...late, task: "otlp_spans/1", cells: [cell("a", 2)] })));
    const { outputs } = detect.step(
      inputOf(aWindow({ ...at(0), task: "otlp_spans/0", cells: [cell("b", 3), cell("a", 5)] })),
    );
    const [closed] = closedOf(outputs);
    expect(closed).toMatchObject({ task: "detect/3", appendMs: start + 20_000, part: 0, parts: 1 });
    expect(closed?.cells.map((each) => counter(each, "requests"))).toEqual([7, 3]);
    expect(outputs.map(({ topic, partition }) => [topic, partition])).toEqual([
      [topics.closed, 3],
      [topics.frames, 0],
    ]);
  });

  it("closes windows from before a task's first without it, once that is known", () => {
    const detect = aDetect({ manifests: twoTasks });
    for (const index of [0, 1, 2])
      detect.step(inputOf(aWindow({ ...at(index), task: "otlp_spans/0" })));
    const { outputs } = detect.step(inputOf(aWindow({ ...at(2), task: "otlp_spans/1" })));
    expect(startsOf(outputs)).toEqual([0, 1, 2]);
  });

  it("takes a window in parts, and has it only with the last", () => {
    const detect = aDetect();
    const part = (index: number, model: string) =>
      inputOf(aWindow({ ...at(0), part: index, parts: 2, cells: [cell(model, 1)] }));
    expect(detect.step(part(0, "a")).outputs).toEqual([]);
    const { outputs } = detect.step(part(1, "b"));
    expect(closedOf(outputs)[0]?.cells).toHaveLength(2);
    expect(framesOf(outputs)[0]?.cells).toHaveLength(2);
  });

  it("goes by the manifest that is in effect for the window", () => {
    const detect = aDetect({
      manifests: [
        aManifest(),
        aManifest({
          number: 2,
          effectiveFromMs: at(1).windowStartMs,
          tasks: ["otlp_spans/0", "otlp_spans/1"],
        }),
      ],
    });
    const of = (index: number, task: string) => inputOf(aWindow({ ...at(index), task }));
    expect(startsOf(detect.step(of(0, "otlp_spans/0")).outputs)).toEqual([0]);
    expect(startsOf(detect.step(of(1, "otlp_spans/0")).outputs)).toEqual([]);
    expect(startsOf(detect.step(of(1, "otlp_spans/1")).outputs)).toEqual([1]);
  });

  it("adds up what happened to records, and counts a sender of two partitions once", () => {
    const detect = aDetect({ manifests: twoTasks });
    const pipeline = {
      lateSpans: 1,
      clampedSpans: 2,
      duplicateSpans: 3,
      outerSpans: 4,
      senders: [{ sender: "gateway/1", spans: 10, late: 1, clamped: 2 }],
    };
    detect.step(inputOf(aWindow({ ...at(0), task: "otlp_spans/0", pipeline })));
    const { outputs } = detect.step(inputOf(aWindow({ ...at(0), task: "otlp_spans/1", pipeline })));
    expect(closedOf(outputs)[0]?.pipeline).toEqual({
      lateSpans: 2,
      clampedSpans: 4,
      duplicateSpans: 6,
      outerSpans: 8,
      senders: [{ sender: "gateway/1", spans: 20, late: 2, clamped: 4 }],
    });
    expect(framesOf(outputs)[0]?.pipeline).toEqual({
      spans: 20,
      lateSpans: 2,
      clampedSpans: 4,
      duplicateSpans: 6,
      senders: 1,
    });
  });

  it("closes what is left when the input ends", () => {
    const detect = aDetect({ manifests: twoTasks });
    for (const index of [0, 1, 2])
      detect.step(inputOf(aWindow({ ...at(index), task: "otlp_spans/0" })));
    const outputs = detect.finish?.(at(2).windowStartMs).outputs ?? [];
    expect(startsOf(outputs)).toEqual([0, 1]);
  });

  it("halts on a window of an epoch that it does not know", () => {
    const detect = aDetect();
    expect(() => detect.step(inputOf(aWindow({ epoch: 2 })))).toThrow(
      expect.objectContaining({ code: "epoch_unknown" }),
    );
  });

  it.each([
    ["a window that its task has passed", aWindow(at(0))],
    ["a task that the manifest does not name", aWindow({ ...at(1), task: "otlp_logs/7" })],
    ["a part out of order", aWindow({ ...at(1), part: 1, parts: 2 })],
  ])("refuses %s, and goes on", (_, window) => {
    const detect = aDetect();
    detect.step(inputOf(aWindow(at(0))));
    expect(detect.step(inputOf(window)).rejected?.code).toBe("record_invalid");
    expect(startsOf(detect.step(inputOf(aWindow(at(1)))).outputs)).toEqual([1]);
  });

  it("refuses bytes that are no window", () => {
    const record = { ...inputOf(aWindow()), value: new Uint8Array([0xff, 0xff]) };
    expect(aDetect().step(record).rejected?.code).toBe("record_invalid");
  });
});
