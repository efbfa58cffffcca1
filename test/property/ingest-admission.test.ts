/** Requests that are in order, through admission: nothing lost, doubled or changed but what is cut. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attributeClassifier } from "../../services/contracts/content-attributes.ts";
import { partitionFor } from "../../services/contracts/partition.ts";
import { createAdmission } from "../../services/ingest/admission.ts";
import { admissionSettings } from "../support/admission-settings.ts";
import { spanId, spansOf, traceId } from "../support/otlp-builders.ts";
import {
  type AnyValue,
  ExportTraceServiceRequest,
  type KeyValue,
  type Span,
} from "../support/otlp-proto.ts";

const classify = attributeClassifier([]);

const names = fc.constantFrom(
  "gen_ai.request.model",
  "gen_ai.input.messages",
  "llm.input_messages.0.message.content",
  "input.value",
  "tenant.id",
  "x",
  "ключ",
  "gen_ai.usage.input_tokens",
);
const values: fc.Arbitrary<AnyValue> = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.record({ stringValue: fc.string({ unit: "grapheme", maxLength: 200 }) }),
    fc.record({ intValue: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) }),
    fc.record({ doubleValue: fc.double({ noNaN: true }) }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) }),
    fc.constant({}),
    fc.record({
      arrayValue: fc.record({ values: fc.array(tie("value"), { minLength: 1, maxLength: 3 }) }),
    }),
    fc.record({
      kvlistValue: fc.record({
        values: fc.array(fc.record({ key: names, value: tie("value") }), {
          minLength: 1,
          maxLength: 3,
        }),
      }),
    }),
  ),
})).value;
const attributes = fc.array(fc.record({ key: names, value: values }), {
  minLength: 1,
  maxLength: 6,
});
const resources = fc.record({ attributes });
const spans = (maxTrace: number): fc.Arbitrary<Span[]> =>
  fc.array(
    fc.record({
      traceId: fc.integer({ min: 1, max: maxTrace }).map(traceId),
      spanId: fc.integer({ min: 1, max: 1_000_000 }).map(spanId),
      name: fc.string({ unit: "grapheme", maxLength: 300 }),
      kind: fc.integer({ min: 0, max: 5 }),
      endTimeUnixNano: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
      attributes,
      flags: fc.integer({ min: 0, max: 0xffffffff }),
    }),
    { maxLength: 12 },
  );
const traceRequests = fc.array(
  fc.record({
    resource: resources,
    scopeSpans: fc.array(fc.record({ scope: resources, spans: spans(20) }), { maxLength: 3 }),
  }),
  { maxLength: 3 },
);

/** What admission must leave of attributes, said once more over decoded values. */
const cutAttributes = (list: KeyValue[] | undefined): KeyValue[] | undefined => {
  const kept = (list ?? [])
    .filter(({ key }) => classify(key ?? "", false) === "keep")
    .map(({ key, value }) => ({ key, ...(value && { value: cutValue(value) }) }) as KeyValue);
  return kept.length === 0 ? undefined : kept;
};
const cutValue = (value: AnyValue): AnyValue => {
  if (value.arrayValue)
    return { arrayValue: { values: (value.arrayValue.values ?? []).map(cutValue) } };
  if (!value.kvlistValue) return value;
  const kept = cutAttributes(value.kvlistValue.values);
  return { kvlistValue: kept === undefined ? {} : { values: kept } };
};
const withCut = <T extends { attributes?: KeyValue[] }>({ attributes: list, ...rest }: T) => {
  const kept = cutAttributes(list);
  return kept === undefined ? rest : { ...rest, attributes: kept };
};

/** Each item with all that surrounds it, so that a split that mixes resources up shows. */
const spansWithSurroundings = (request: Uint8Array): string[] =>
  (ExportTraceServiceRequest.decode(request).resourceSpans ?? []).flatMap(
    ({ resource, scopeSpans }) =>
      (scopeSpans ?? []).flatMap(({ scope, spans: inner }) =>
        (inner ?? []).map((span) =>
          JSON.stringify([withCut(resource ?? {}), withCut(scope ?? {}), withCut(span)]),
        ),
      ),
  );

describe("admission", () => {
  it("neither loses nor doubles nor changes a span, but for what is cut", () => {
    const admissions = [1, 2, 7].map((partitions) => ({
      partitions,
      admit: createAdmission({ ...admissionSettings, partitions, recordLimitBytes: 6_000 }),
    }));
    fc.assert(
      fc.property(
        traceRequests,
        fc.constantFrom(...admissions),
        (resourceSpans, { partitions, admit }) => {
          const request = ExportTraceServiceRequest.encode({ resourceSpans });
          const expected = spansWithSurroundings(request);
          const { records, items, rejected } = admit("traces", request);
          const got = records.flatMap(({ partition, value }) => {
            expect(value.length).toBeLessThanOrEqual(6_000);
            for (const span of spansOf(value))
              expect(partitionFor(span.traceId as Uint8Array, partitions)).toBe(partition);
            return spansWithSurroundings(value);
          });
          const lost = rejected.reduce((sum, { count }) => sum + count, 0);
          expect(got.length).toBe(items);
          expect(items + lost).toBe(expected.length);
          if (lost === 0) expect(got.sort()).toEqual(expected.sort());
          for (const { value } of records)
            expect(Buffer.from(value).includes("input_messages")).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("keeps the order of spans within a partition", () => {
    const admit = createAdmission({ ...admissionSettings, partitions: 3, recordLimitBytes: 6_000 });
    fc.assert(
      fc.property(spans(5), (list) => {
        const named = list.map((span, index) => ({ ...span, name: String(index) }));
        const { records } = admit(
          "traces",
          ExportTraceServiceRequest.encode({ resourceSpans: [{ scopeSpans: [{ spans: named }] }] }),
        );
        for (let partition = 0; partition < 3; partition++) {
          const order = records
            .filter((record) => record.partition === partition)
            .flatMap(({ value }) => spansOf(value).map(({ name }) => Number(name)));
          expect(order).toEqual(order.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("gives the same records for its own output", () => {
    const admit = createAdmission({ ...admissionSettings, partitions: 4, recordLimitBytes: 6_000 });
    fc.assert(
      fc.property(traceRequests, (resourceSpans) => {
        const { records } = admit("traces", ExportTraceServiceRequest.encode({ resourceSpans }));
        for (const { partition, value } of records) {
          const again = admit("traces", value);
          expect(again.cuts).toEqual({ content: 0, tooLong: 0, tooMany: 0 });
          expect(again.records.map((record) => record.partition)).toEqual([partition]);
          expect(Buffer.compare(again.records[0]?.value as Uint8Array, value)).toBe(0);
        }
      }),
      { numRuns: 100 },
    );
  });
});
