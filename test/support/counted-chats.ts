/** A chat as telemetry has it, and what is counted of it. */
import { expect } from "vitest";
import type { CellWindow } from "../../services/contracts/window.ts";
import { AggregateRun, encodeBatches, type SpanSketch } from "./aggregate-harness.ts";

export const chatAttributes = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
};
export const chat = (more: Partial<SpanSketch> = {}): SpanSketch => ({
  ...more,
  attributes: { ...chatAttributes, ...more.attributes },
});
export const row = {
  provider: "openai",
  model: "gpt-4o",
  operation: "chat",
  outcome: "ok",
  count: 1,
  input_tokens: 0,
  output_tokens: 0,
  ttft_p50_s: null,
};

export function cellOf(...spans: readonly SpanSketch[]): CellWindow {
  const run = new AggregateRun().step(encodeBatches({ spans }), 2_000).finish(60_000);
  expect(run.cells().length).toBe(1);
  return run.cells()[0] as CellWindow;
}
