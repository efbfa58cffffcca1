/** A task that is stopped anywhere and begins again from its snapshot writes what one writes that never stopped. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregateStage } from "../../services/aggregate/aggregate.ts";
import type { CellWindow, WindowRecord } from "../../services/contracts/window.ts";
import { mergeCells } from "../../services/contracts/window-merge.ts";
import type { InputRecord, OutputRecord } from "../../services/stage.ts";
import {
  AggregateRun,
  type Batch,
  contextOf,
  encodeBatches,
  type SpanSketch,
  sceneStartMs,
} from "../support/aggregate-harness.ts";

const scopes = [
  "app",
  "litellm",
  "com.anthropic.sdk.python",
  "opentelemetry.instrumentation.openai_v2",
];

/** Few ids, so that repeats, parents, twins and placeholders abound; times around the arrival, some far off. */
const span = fc.record({
  trace: fc.integer({ min: 1, max: 3 }),
  id: fc.integer({ min: 1, max: 25 }),
  parent: fc.option(fc.integer({ min: 1, max: 25 }), { nil: undefined }),
  ageMs: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -1_500, max: 12_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -310_000, max: 310_000 }) },
  ),
  durationMs: fc.integer({ min: 0, max: 20_000 }),
  what: fc.constantFrom("chat", "chat", "chat", "failed", "agent", "http"),
  response: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  model: fc.constantFrom("gpt-4o", "claude-sonnet-4"),
  scope: fc.constantFrom(...scopes),
  tenant: fc.integer({ min: 1, max: 3 }),
});
type Sample = typeof span extends fc.Arbitrary<infer T> ? T : never;

const record = fc.record({
  /** Time since the record before. */
  afterMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 60_000 }) },
  ),
  kind: fc.constantFrom("spans", "spans", "spans", "heartbeat", "broken"),
  spans: fc.array(span, { maxLength: 6 }),
});
const log = fc.array(record, { minLength: 1, maxLength: 30 });
type Step = typeof record extends fc.Arbitrary<infer T> ? T : never;

function sketchOf(sample: Sample, appendMs: number): SpanSketch {
  const endMs = appendMs - sample.ageMs;
  const chat = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": sample.model.startsWith("gpt") ? "openai" : "anthropic",
    "gen_ai.request.model": sample.model,
    "gen_ai.usage.output_tokens": sample.id,
    "gen_ai.usage.input_tokens": sample.id * 10,
    "enduser.id": `tenant-${sample.tenant}`,
    ...(sample.response !== undefined && { "gen_ai.response.id": `response-${sample.response}` }),
  };
  const attributes = {
    chat,
    failed: { ...chat, "error.type": "RateLimitError" },
    agent: { "gen_ai.operation.name": "invoke_agent" },
    http: { "http.route": "/chat", "http.response.status_code": 200 },
  }[sample.what];
  return {
    trace: sample.trace,
    id: sample.id,
    ...(sample.parent !== undefined && { parent: sample.parent }),
    kind: sample.what === "http" ? "server" : "client",
    startMs: endMs - sample.durationMs,
    endMs,
    status: sample.what === "failed" ? "error" : "unset",
    attributes,
  };
}

function recordsOf(steps: readonly Step[]): InputRecord[] {
  let appendMs = 400_000;
  return steps.map((step, offset) => {
    appendMs += step.afterMs;
    const batches: Batch[] = step.spans.map((sample) => ({
      scope: sample.scope,
      resource: { "service.name": `service-${sample.tenant}` },
      spans: [sketchOf(sample, appendMs)],
    }));
    const whole = encodeBatches(...batches);
    const value =
      step.kind === "heartbeat"
        ? new Uint8Array(0)
        : step.kind === "broken"
          ? Buffer.concat([whole, Buffer.from([0x0a, 0x7f])])
          : whole;
    return {
      topic: "otlp_spans",
      partition: 0,
      offset,
      appendMs: sceneStartMs + appendMs,
      value,
      headers: {},
    };
  });
}

const asBytes = (outputs: readonly OutputRecord[]) =>
  outputs.map(({ partition, value }) => `${partition}:${Buffer.from(value).toString("base64")}`);

describe("an aggregate task", () => {
  it("writes the same after any number of restarts as one that never stopped, bit for bit", () => {
    fc.assert(
      fc.property(log, fc.array(fc.nat({ max: 30 }), { maxLength: 4 }), (steps, stops) => {
        const records = recordsOf(steps);
        const untilMs = (records.at(-1)?.appendMs ?? sceneStartMs) + 30_000;
        const context = contextOf({ windowsPartitions: 2 });
        const undisturbed = aggregateStage.create(context);
        const expected = records.flatMap((one) => [...undisturbed.step(one).outputs]);
        expected.push(...(undisturbed.finish?.(untilMs).outputs ?? []));

        let reducer = aggregateStage.create(context);
        const outputs: OutputRecord[] = [];
        const pending = [...stops].sort((a, b) => a - b);
        let next = 0;
        while (next < records.length) {
          outputs.push(...reducer.step(records[next] as InputRecord).outputs);
          next++;
          if (pending[0] !== undefined && next > pending[0]) {
            pending.shift();
            const { chunks, rewindTo } = reducer.snapshot();
            reducer = aggregateStage.create(context, chunks);
            next = rewindTo ?? next;
          }
        }
        outputs.push(...(reducer.finish?.(untilMs).outputs ?? []));

        expect(asBytes(outputs)).toEqual(asBytes(expected));
      }),
      { numRuns: 200 },
    );
  });
});

describe("windows of several partitions, merged", () => {
  it("equal those of one partition that has all the traces", () => {
    fc.assert(
      fc.property(log, fc.integer({ min: 2, max: 4 }), (steps, partitions) => {
        const calm = steps.map((step) => ({
          ...step,
          kind: "spans" as const,
          // Each trace whole in one partition and none late, clamped or told by two libraries: those depend on the partition.
          spans: step.spans.map((sample) => ({
            ...sample,
            ageMs: Math.abs(sample.ageMs) % 4_000,
            response: undefined,
            what: sample.what === "failed" ? ("chat" as const) : sample.what,
          })),
          afterMs: step.afterMs % 2_000,
        }));
        const whole = run(calm);
        const shares = Array.from({ length: partitions }, (_, partition) =>
          run(
            calm.map((step) => ({
              ...step,
              spans: step.spans.filter(({ trace }) => trace % partitions === partition),
            })),
          ),
        );

        expect(cellsByKey(shares.flat())).toEqual(cellsByKey(whole));
      }),
      { numRuns: 100 },
    );
  });
});

function run(steps: readonly Step[]): WindowRecord[] {
  const task = new AggregateRun();
  let lastMs = 0;
  for (const one of recordsOf(steps)) {
    lastMs = one.appendMs - sceneStartMs;
    task.step(one.value, lastMs);
  }
  return task.finish(lastMs + 30_000).windows();
}

function cellsByKey(windows: readonly WindowRecord[]): Map<string, CellWindow> {
  const merged = new Map<string, CellWindow>();
  for (const window of windows)
    for (const cell of window.cells) {
      const key = `${window.windowStartMs} ${cell.cell}`;
      const before = merged.get(key);
      merged.set(key, before === undefined ? cell : mergeCells(before, cell));
    }
  return new Map([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}
