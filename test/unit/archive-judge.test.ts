import { describe, expect, it } from "vitest";
import { createSpanJudge } from "../../services/aggregate/span-judge.ts";
import { loadScenario, planRun, simulate, toRecords } from "../../services/chatbot/chatbot.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { requestRows } from "../../services/contracts/request-rows.ts";
import type { CellWindow } from "../../services/contracts/window.ts";
import { WireReader } from "../../services/contracts/wire.ts";
import { Replay } from "../../services/runtime/replay.ts";
import { clientCases } from "../support/aggregate-cases/client-cases.ts";
import { contribCases } from "../support/aggregate-cases/contrib-cases.ts";
import { frameworkCases } from "../support/aggregate-cases/framework-cases.ts";
import { furtherCases } from "../support/aggregate-cases/further-cases.ts";
import { liteLlmCases } from "../support/aggregate-cases/litellm-cases.ts";
import { newerFrameworkCases } from "../support/aggregate-cases/newer-framework-cases.ts";
import { openInferenceCases } from "../support/aggregate-cases/openinference-cases.ts";
import { sideBySideCases } from "../support/aggregate-cases/side-by-side-cases.ts";
import { type Batch, requestOf } from "../support/aggregate-harness.ts";
import { spanRowsOf } from "../support/archive-rows.ts";

/** Counts what each span is judged to be, by provider, model, operation and outcome. */
function judgeAll(payloads: readonly Uint8Array[]): Map<string, number> {
  const judge = createSpanJudge();
  const counts = new Map<string, number>();
  const fields = function* (reader: WireReader, wanted: number): Generator<WireReader> {
    while (reader.hasMore()) {
      const tag = reader.varint();
      if (tag === wanted) yield reader.message();
      else reader.skip(tag % 8);
    }
  };
  for (const bytes of payloads) {
    for (const resourceSpans of fields(new WireReader(bytes), 0x0a)) {
      const { position } = resourceSpans;
      for (const resource of fields(resourceSpans, 0x0a))
        judge.beginResource(bytes, resource.position, resource.end);
      resourceSpans.position = position;
      for (const scopeSpans of fields(resourceSpans, 0x12)) {
        const start = scopeSpans.position;
        for (const scope of fields(scopeSpans, 0x0a))
          for (const name of fields(scope, 0x0a)) judge.beginScope(bytes, name.position, name.end);
        scopeSpans.position = start;
        for (const span of fields(scopeSpans, 0x12)) {
          const judged = judge.judgeSpan(bytes, span.position, span.end);
          if (judged === undefined) continue;
          const { provider, model, operation, outcome } = judged;
          const key = [provider, model, operation, outcome].join("|");
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      }
    }
  }
  return counts;
}

describe("judging single spans", () => {
  it("says of each span what windows count it as, where every call has one span", () => {
    const plan = planRun({ scenario: loadScenario("S05"), seed: 3, durationMs: 3 * 60_000 });
    const records = [
      ...toRecords(simulate(plan), {
        plan,
        partitions: { traces: 1, metrics: 1, logs: 1 },
        metrics: false,
      }),
    ];
    const cells: CellWindow[] = [];
    const replay = new Replay(
      { judgement: judgementSchema.parse({}), tasks: ["otlp_spans/0"], windowsPartitions: 1 },
      { onBatch: ({ cells: some }) => cells.push(...some) },
    );
    const traces = records.filter(({ signal }) => signal === "traces");
    for (const record of traces) replay.feed(record);
    replay.finish();
    const counted = new Map(
      requestRows(cells).map(({ provider, model, operation, outcome, count }) => [
        [provider, model, operation, outcome].join("|"),
        count,
      ]),
    );
    const judged = judgeAll(traces.map(({ payload }) => payload));
    const models = (rows: ReadonlyMap<string, number>) =>
      new Map([...rows].filter(([key]) => key.split("|")[1] !== "").sort());
    expect(models(judged)).toEqual(models(counted));
    expect(models(judged).size).toBeGreaterThan(10);
  });

  const batches: readonly Batch[] = [
    ...contribCases,
    ...clientCases,
    ...openInferenceCases,
    ...liteLlmCases,
    ...frameworkCases,
    ...furtherCases,
    ...newerFrameworkCases,
    ...sideBySideCases,
  ].flatMap(({ cases }) => cases.flatMap((each) => each.batches as readonly Batch[]));

  it("says the same of attributes handed over as of the span read anew", async () => {
    // An event of an unknown name says nothing, but has the span read anew.
    const said = async (isAnew: boolean) => {
      const request = requestOf(
        batches.map((batch) => ({
          ...batch,
          spans: batch.spans.map((span) =>
            isAnew && span.events === undefined
              ? { ...span, events: [{ name: "unknown", atMs: 1, attributes: {} }] }
              : span,
          ),
        })),
      );
      const rows = await spanRowsOf(request, { judge: createSpanJudge() });
      return rows.map(({ provider, model, region, operation, outcome }) =>
        [provider, model, region, operation, outcome].join("|"),
      );
    };
    const handedOver = await said(false);
    expect(handedOver).toEqual(await said(true));
    expect(new Set(handedOver).size).toBeGreaterThan(20);
  });
});
