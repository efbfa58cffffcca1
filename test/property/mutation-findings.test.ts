/** What mutations have found, each as a case of its own. */
import { describe, expect, it } from "vitest";
import { AggregateRun, encodeBatches, type SpanSketch } from "../support/aggregate-harness.ts";
import { noFindings, readTree, varintBytes, writeTree } from "../support/mutation-tree.ts";
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";

const call = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
};
const request = (...spans: SpanSketch[]) =>
  encodeBatches({ spans: spans.map((span) => ({ attributes: call, ...span })) });

/** The bytes with a field of the first span written in another way. */
function rewritten(bytes: Uint8Array, name: string, raw: (content: Buffer) => Buffer): Buffer {
  const tree = readTree(Buffer.from(bytes), ExportTraceServiceRequest.type, noFindings());
  let level = tree;
  for (const step of ["resourceSpans", "scopeSpans", "spans"])
    level = level?.find(({ schema }) => schema?.name === step)?.fields;
  const field = level?.find(({ schema }) => schema?.name === name);
  if (tree === undefined || field === undefined) throw new TypeError(`no ${name}`);
  field.raw = raw(field.content);
  return writeTree(tree);
}

const countOf = (run: AggregateRun) => run.rows().map(({ outcome, count }) => [outcome, count]);

describe("aggregate", () => {
  it("knows a repeat whose trace id has a length in more bytes than it needs", () => {
    const once = request({ trace: 1, id: 1 });
    const again = rewritten(once, "traceId", (content) =>
      Buffer.concat([Buffer.from([0x0a]), varintBytes(16n, 3), content]),
    );
    const run = new AggregateRun().step(once, 1_000).step(again, 1_100).finish(60_000);
    expect(countOf(run)).toEqual([["ok", 1]]);
  });

  it("reads a span kind beyond 32 bits as protobuf does", () => {
    const server = rewritten(request({ trace: 1, id: 1 }), "kind", () =>
      Buffer.concat([Buffer.from([0x30]), varintBytes(2n ** 32n + 2n)]),
    );
    expect(countOf(new AggregateRun().step(server, 1_000).finish(60_000))).toEqual([]);
  });

  it("does not lose a call that ends a window after the call around it", () => {
    const nested = request(
      { trace: 1, id: 1, endMs: 4_990 },
      { trace: 1, id: 2, parent: 1, endMs: 5_010 },
    );
    expect(countOf(new AggregateRun().step(nested, 5_100).finish(60_000))).toEqual([["ok", 1]]);
  });

  it("counts the outer call alone where the inner one comes after its window has closed", () => {
    const run = new AggregateRun()
      .step(request({ trace: 1, id: 1, endMs: 4_900 }), 5_000)
      .heartbeat(16_000)
      .step(request({ trace: 1, id: 2, parent: 1, endMs: 6_100 }), 16_100)
      .finish(60_000);
    expect(countOf(run)).toEqual([["ok", 1]]);
  });
});
