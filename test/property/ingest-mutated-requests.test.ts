/** Requests whose bytes were damaged, through admission: every item counted, or a reason. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ForeshockError } from "../../services/contracts/errors.ts";
import type { Signal } from "../../services/contracts/topics.ts";
import { WireReader, wireType } from "../../services/contracts/wire.ts";
import { type Admitted, createAdmission } from "../../services/ingest/admission.ts";
import { admissionSettings } from "../support/admission-settings.ts";
import {
  logRecordsOf,
  metricsOf,
  spanId,
  spansOf,
  text,
  traceId,
} from "../support/otlp-builders.ts";
import {
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
} from "../support/otlp-proto.ts";

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
      const admit = createAdmission({
        ...admissionSettings,
        partitions: 3,
        recordLimitBytes: 100_000,
      });
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
