import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attributeClassifier } from "../../services/contracts/content-attributes.ts";
import { ForeshockError } from "../../services/contracts/errors.ts";
import { partitionFor } from "../../services/contracts/partition.ts";
import type { Signal } from "../../services/contracts/topics.ts";
import { WireReader, wireType } from "../../services/contracts/wire.ts";
import { type Admitted, createAdmission } from "../../services/ingest/admission.ts";
import {
  logRecordsOf,
  metricsOf,
  spanId,
  spansOf,
  text,
  traceId,
} from "../support/otlp-builders.ts";
import {
  type AnyValue,
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
  type KeyValue,
  type Span,
} from "../support/otlp-proto.ts";

const classify = attributeClassifier([]);
const settings = {
  maxAttributeBytes: 4_096,
  maxAttributes: 1_000,
  keepContent: false,
  contentAttributes: [],
};

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
      admit: createAdmission({ ...settings, partitions, recordLimitBytes: 6_000 }),
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
    const admit = createAdmission({ ...settings, partitions: 3, recordLimitBytes: 6_000 });
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
    const admit = createAdmission({ ...settings, partitions: 4, recordLimitBytes: 6_000 });
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

/** A request of each signal with some of everything. */
const samples: readonly (readonly [Signal, Uint8Array, (request: Uint8Array) => number])[] = [
  [
    "traces",
    ExportTraceServiceRequest.encode({
      resourceSpans: [1, 2].map((number) => ({
        resource: {
          attributes: [
            text("service.name", "é"),
            { key: "k", value: { kvlistValue: { values: [text("a", "b")] } } },
          ],
        },
        scopeSpans: [
          {
            scope: { name: "s" },
            spans: [1, 2, 3].map((each) => ({
              traceId: traceId(each * number),
              spanId: spanId(each),
              name: "chat",
              endTimeUnixNano: each === 1 ? "0" : "18446744073709551615",
              attributes: [
                text("input.value", "p"),
                text("x", "y"),
                { key: "n", value: { doubleValue: Number.NaN } },
              ],
              events: [{ name: "gen_ai.choice", attributes: [text("content", "p")] }],
              status: { code: 2, message: "Error code: 500 - x" },
            })),
          },
        ],
      })),
    }),
    (request) => spansOf(request).length,
  ],
  [
    "metrics",
    ExportMetricsServiceRequest.encode({
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                {
                  name: "g",
                  gauge: {
                    dataPoints: [
                      { asInt: 1 },
                      { asDouble: 2, attributes: [text("input.value", "p")] },
                    ],
                  },
                },
                {
                  name: "h",
                  histogram: {
                    dataPoints: [{ count: 2, bucketCounts: [1, 1], explicitBounds: [0.5] }],
                  },
                },
                {
                  name: "e",
                  exponentialHistogram: {
                    dataPoints: [{ scale: 3, positive: { offset: 1, bucketCounts: [1, 300] } }],
                  },
                },
                {
                  name: "s",
                  summary: { dataPoints: [{ quantileValues: [{ quantile: 0.5, value: 1 }] }] },
                },
              ],
            },
          ],
        },
      ],
    }),
    (request) =>
      metricsOf(request)
        .flatMap(({ gauge, sum, histogram, exponentialHistogram, summary }) =>
          [gauge, sum, histogram, exponentialHistogram, summary].map(
            (data) => data?.dataPoints?.length ?? 0,
          ),
        )
        .reduce((sum, each) => sum + each, 0),
  ],
  [
    "logs",
    ExportLogsServiceRequest.encode({
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [
                { eventName: "gen_ai.choice", body: { stringValue: "p" } },
                {
                  severityNumber: 17,
                  body: { kvlistValue: { values: [text("a", "b")] } },
                  attributes: [text("x", "y")],
                },
              ],
            },
          ],
        },
      ],
    }),
    (request) => logRecordsOf(request).length,
  ],
];

/**
 * Items of a request by its structure alone, so that it can be said of requests that the oracle does not read:
 * what admission drops unread may hold anything.
 */
const countByStructure = (signal: Signal, request: Uint8Array): number => {
  const below = (bytes: Uint8Array, numbers: readonly number[]): Uint8Array[] => {
    const found: Uint8Array[] = [];
    const reader = new WireReader(bytes);
    while (reader.hasMore()) {
      const tag = reader.varint();
      if (tag % 8 === wireType.bytes && numbers.includes(Math.floor(tag / 8)))
        found.push(reader.view());
      else reader.skip(tag % 8);
    }
    return found;
  };
  const path = [[1], [2], [2], ...(signal === "metrics" ? [[5, 7, 9, 10, 11], [1]] : [])];
  let level = [request];
  for (const numbers of path) level = level.flatMap((bytes) => below(bytes, numbers));
  return level.length;
};

type Mutation = (bytes: Buffer, at: number, value: number) => Buffer;
const mutations: Readonly<Record<string, Mutation>> = {
  "one bit": (bytes, at, value) => {
    bytes[at] = (bytes[at] as number) ^ (1 << (value % 8));
    return bytes;
  },
  "one byte": (bytes, at, value) => {
    bytes[at] = value;
    return bytes;
  },
  cut: (bytes, at) => bytes.subarray(0, at),
  removed: (bytes, at, value) =>
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (value % 4))]),
  inserted: (bytes, at, value) =>
    Buffer.concat([
      bytes.subarray(0, at),
      Buffer.alloc(1 + (value % 4), value),
      bytes.subarray(at),
    ]),
  repeated: (bytes, at, value) =>
    Buffer.concat([
      bytes.subarray(0, at),
      bytes.subarray(Math.max(0, at - value)),
      bytes.subarray(at),
    ]),
  "long length": (bytes, at) =>
    Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f]),
      bytes.subarray(at),
    ]),
};

describe("mutated requests", () => {
  it.each(Object.entries(mutations))(
    "%s: are admitted with every item counted, or refused with a reason",
    (_, mutate) => {
      const admit = createAdmission({ ...settings, partitions: 3, recordLimitBytes: 100_000 });
      fc.assert(
        fc.property(
          fc.constantFrom(...samples),
          fc.nat(),
          fc.integer({ min: 0, max: 255 }),
          ([signal, sample, countItems], seedAt, value) => {
            const mutated = mutate(Buffer.from(sample), seedAt % sample.length, value);
            let admitted: Admitted;
            try {
              admitted = admit(signal, mutated);
            } catch (error) {
              expect(error).toBeInstanceOf(ForeshockError);
              expect((error as ForeshockError).code).toBe("payload_invalid");
              expect((error as ForeshockError).message).toMatch(/ at byte \d+ /);
              return;
            }
            const lost = admitted.rejected.reduce((sum, { count }) => sum + count, 0);
            const out = admitted.records.reduce(
              (sum, { value: record }) => sum + countItems(record),
              0,
            );
            expect(out).toBe(admitted.items);
            expect(admitted.items + lost).toBe(countByStructure(signal, mutated));
          },
        ),
        { numRuns: 1_500 },
      );
    },
  );
});
