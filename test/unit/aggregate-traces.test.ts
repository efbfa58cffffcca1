/** Which traces count as free of failed requests: what tells a sampler that keeps errors alone. */
import { expect, it } from "vitest";
import { AggregateRun, encodeBatches, type SpanSketch } from "../support/aggregate-harness.ts";

const attributes = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
};

function tracesOf(...spans: readonly SpanSketch[]) {
  const windows = new AggregateRun().step(encodeBatches({ spans }), 2_000).finish(60_000).windows();
  const sum = (of: "traces" | "cleanTraces") =>
    windows.reduce((total, { pipeline }) => total + (pipeline[of] ?? 0), 0);
  return [sum("traces"), sum("cleanTraces")];
}

const call = (more: SpanSketch): SpanSketch => ({ endMs: 1_000, ...more, attributes });
const failed = { status: "error", message: "Error code: 500" } as const;

it("is a trace whose calls all ended well, or whose failed call is another trace's", () => {
  expect(tracesOf(call({ trace: 1, id: 1 }), call({ trace: 2, id: 2, ...failed }))).toEqual([2, 1]);
});

it("is a trace in which something inside failed that is no request", () => {
  const cache: SpanSketch = { trace: 1, id: 2, parent: 1, endMs: 500, status: "error" };
  expect(tracesOf(call({ trace: 1, id: 1 }), cache)).toEqual([1, 1]);
});

it("is not a trace whose root failed, whatever it is", () => {
  expect(tracesOf({ trace: 1, id: 1, endMs: 1_000, status: "error" })).toEqual([1, 0]);
});
