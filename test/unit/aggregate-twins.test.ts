/** Two instrumentations tell of one call side by side, and their spans end in different windows. */
import { describe, expect, it } from "vitest";
import { hashBytes, secondHash } from "../../services/aggregate/decode/texts.ts";
import { AggregateRun, encodeBatches, type SpanSketch } from "../support/aggregate-harness.ts";
import { row } from "../support/counted-chats.ts";

const framework = "litellm";
const client = "opentelemetry.instrumentation.openai_v2";

const chat = (more: Partial<SpanSketch>): SpanSketch => ({
  startMs: 3_000,
  ...more,
  attributes: {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.id": "chatcmpl-1",
    ...more.attributes,
  },
});

/** A window is 5 s long: one span ends in the first, the other in the second. */
function rowsOf(first: readonly [string, SpanSketch], second: readonly [string, SpanSketch]) {
  const [firstScope, firstSpan] = first;
  const [secondScope, secondSpan] = second;
  return new AggregateRun()
    .step(encodeBatches({ scope: firstScope, spans: [firstSpan] }), 5_100)
    .step(encodeBatches({ scope: secondScope, spans: [secondSpan] }), 5_200)
    .finish(60_000)
    .rows();
}

describe("two spans of one call that end on both sides of a window's end", () => {
  it.each([
    ["the framework's first", framework, client],
    ["the client's first", client, framework],
    ["both of one kind", client, "opentelemetry.instrumentation.other"],
  ])("count once: %s", (_, firstScope, secondScope) => {
    const first = chat({ id: 1, endMs: 4_990 });
    const second = chat({ id: 2, endMs: 5_010 });

    expect(rowsOf([firstScope, first], [secondScope, second])).toEqual([row]);
  });

  it("count once as the one nearer to the provider has it, with what the other knows more", () => {
    const alias = { "gen_ai.request.model": "smart", "gen_ai.usage.input_tokens": 120 };
    const outer = chat({ id: 1, endMs: 4_990, attributes: alias });
    const inner = chat({ id: 2, endMs: 5_010, attributes: { "gen_ai.usage.output_tokens": 48 } });

    expect(rowsOf([framework, outer], [client, inner])).toEqual([
      { ...row, input_tokens: 120, output_tokens: 48 },
    ]);
  });

  it("count once when the second comes after the first one's window has closed", () => {
    const run = new AggregateRun()
      .step(encodeBatches({ scope: framework, spans: [chat({ id: 1, endMs: 4_990 })] }), 5_100)
      .heartbeat(5_200)
      .step(encodeBatches({ scope: "app", spans: [{ id: 9, endMs: 16_000 }] }), 16_000)
      .step(encodeBatches({ scope: client, spans: [chat({ id: 2, endMs: 6_500 })] }), 16_100)
      .finish(60_000);

    expect(run.rows()).toEqual([row]);
  });

  it("count twice when they did not run at the same time", () => {
    const first = chat({ id: 1, startMs: 3_000, endMs: 4_000 });
    const second = chat({ id: 2, startMs: 5_500, endMs: 6_000 });

    expect(rowsOf([framework, first], [client, second])).toEqual([{ ...row, count: 2 }]);
  });
});

describe("a caller and a proxy with the same instrumentation", () => {
  const told = (service: string, span: SpanSketch) => ({
    resource: { "service.name": service },
    scope: client,
    spans: [span],
  });

  it("count a call once, as the proxy made it", () => {
    const caller = chat({ id: 1, attributes: { "gen_ai.request.model": "smart" } });
    const proxied = chat({ id: 2, startMs: 3_010, endMs: 3_900 });
    const asked = { ...caller, endMs: 3_950 };

    const batches = [told("app", asked), told("proxy", proxied)];
    const run = new AggregateRun().step(encodeBatches(...batches), 4_000).finish(60_000);

    expect(run.rows()).toEqual([row]);
  });

  it("count each call where one process has the id twice", () => {
    const spans = [chat({ id: 1, endMs: 3_950 }), chat({ id: 2, startMs: 3_010, endMs: 3_900 })];
    const batches = spans.map((span) => told("app", span));
    const run = new AggregateRun().step(encodeBatches(...batches), 4_000).finish(60_000);

    expect(run.rows()).toEqual([{ ...row, count: 2 }]);
  });
});

/** Ids that hash alike in 32 bits: with some 300,000 calls at a time there are about ten such pairs. */
function idsThatHashAlike(): (readonly [string, string])[] {
  const byHash = new Map<number, string>();
  const alike: [string, string][] = [];
  for (let i = 0; i < 300_000; i++) {
    const id = `chatcmpl-${(i * 2_654_435_761).toString(36)}`;
    const bytes = Buffer.from(id);
    const hash = hashBytes(bytes, 0, bytes.length);
    const known = byHash.get(hash);
    if (known === undefined) byHash.set(hash, id);
    else alike.push([known, id]);
  }
  return alike;
}

describe("calls of two processes whose response ids only hash alike", () => {
  const pairs = idsThatHashAlike();

  it("are some", () => {
    expect(pairs.length).toBeGreaterThan(2);
  });

  it.each(pairs)("count twice: %s and %s", (left, right) => {
    const call = (trace: number, id: string) =>
      chat({ trace, id: trace, endMs: 4_000, attributes: { "gen_ai.response.id": id } });
    const batch = (pod: string, span: SpanSketch) =>
      encodeBatches({ resource: { "service.instance.id": pod }, scope: client, spans: [span] });
    const rows = new AggregateRun()
      .step(batch("pod-1", call(1, left)), 4_100)
      .step(batch("pod-2", call(2, right)), 4_200)
      .finish(60_000)
      .rows();

    expect(rows).toEqual([{ ...row, count: 2 }]);
  });

  it("do not hash alike twice", () => {
    const tail = (id: string) => secondHash(Buffer.from(id), 0, Buffer.byteLength(id));
    for (const [left, right] of pairs) expect(tail(left)).not.toBe(tail(right));
  });
});

describe("two spans of one call without a shared id", () => {
  const nameless = (more: Partial<SpanSketch>, status: "ok" | "error"): SpanSketch => {
    const { "gen_ai.response.id": _, ...attributes } = chat(more).attributes ?? {};
    return {
      ...chat(more),
      status,
      attributes: {
        ...attributes,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 7,
        ...(status === "error" && { "error.type": "RateLimitError" }),
      },
    };
  };
  const countOf = (...told: readonly (readonly [string, SpanSketch])[]) =>
    rowsOfAll(told).reduce((sum, { count }) => sum + count, 0);
  function rowsOfAll(told: readonly (readonly [string, SpanSketch])[]) {
    const run = new AggregateRun();
    for (const [scope, span] of told)
      run.step(encodeBatches({ scope, spans: [span] }), 5_100 + (span.id ?? 0));
    return run.finish(60_000).rows();
  }

  describe.each(["ok", "error"] as const)(
    "that ended on both sides of a window's end: %s",
    (status) => {
      it.each([
        [
          "the client's first, within the framework's",
          client,
          3_100,
          4_990,
          framework,
          3_000,
          5_010,
        ],
        [
          "the framework's first, by a clock of milliseconds",
          framework,
          3_000,
          4_998,
          client,
          3_005,
          5_001,
        ],
        [
          "both of one kind",
          client,
          3_000,
          4_990,
          "opentelemetry.instrumentation.other",
          3_001,
          5_002,
        ],
      ])("count once: %s", (_, one, start1, end1, other, start2, end2) => {
        const first = nameless({ id: 1, startMs: start1, endMs: end1 }, status);
        const second = nameless({ id: 2, startMs: start2, endMs: end2 }, status);

        expect(countOf([one, first], [other, second])).toBe(1);
        expect(countOf([other, second], [one, first])).toBe(1);
      });

      it("count twice where one has its partner in its own window", () => {
        const inner = nameless({ id: 1, startMs: 3_100, endMs: 4_950 }, status);
        const outer = nameless({ id: 2, startMs: 3_000, endMs: 4_990 }, status);
        const second = nameless({ id: 3, startMs: 3_050, endMs: 5_010 }, status);

        expect(countOf([client, inner], [framework, outer], [framework, second])).toBe(2);
      });

      it("count twice where they are of one library, or lie far from each other", () => {
        const first = nameless({ id: 1, startMs: 3_000, endMs: 4_990 }, status);
        const alike = nameless({ id: 2, startMs: 2_990, endMs: 5_010 }, status);
        const later = nameless({ id: 3, startMs: 2_990, endMs: 6_500 }, status);

        expect(countOf([client, first], [client, alike])).toBe(2);
        expect(countOf([client, first], [framework, later])).toBe(2);
      });
    },
  );
});
