/** The selective reader against protobufjs: on what encoders write, on every unusual order, and on bytes that are broken. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attributeNames } from "../../services/aggregate/conventions/attributes.ts";
import { ForeshockError } from "../../services/contracts/errors.ts";
import { type AnyValue, ExportTraceServiceRequest, type Span } from "../support/otlp-proto.ts";
import { reordered } from "../support/reordered-fields.ts";
import { readByOracle, readSelectively, type SpanReading } from "../support/span-readings.ts";

const names = fc.oneof(
  fc.constantFrom(...attributeNames),
  fc.string({ maxLength: 40 }),
  fc.constantFrom("gen_ai.request.modem", "gen_ai", "id", ""),
);
const value: fc.Arbitrary<AnyValue> = fc.oneof(
  fc.string({ maxLength: 300, unit: "grapheme" }).map((stringValue) => ({ stringValue })),
  fc
    .oneof(
      // Exact as numbers are; beyond that the nearest one is as good as the next.
      fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }),
      fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, -1n),
    )
    .map((n) => ({ intValue: String(n) })),
  fc.integer({ min: -300, max: 70_000 }).map((intValue) => ({ intValue })),
  fc.double().map((doubleValue) => ({ doubleValue })),
  fc.boolean().map((boolValue) => ({ boolValue })),
  fc
    .array(fc.string({ maxLength: 5 }), { maxLength: 3 })
    .map((texts) => ({ arrayValue: { values: texts.map((stringValue) => ({ stringValue })) } })),
  fc.uint8Array({ maxLength: 5 }).map((bytesValue) => ({ bytesValue })),
);
const attributes = fc.uniqueArray(fc.record({ key: names, value }), {
  maxLength: 8,
  selector: ({ key }) => key,
});
const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 64n - 1n),
);
const id = (length: number) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.uint8Array({ minLength: length, maxLength: length }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  );
const span: fc.Arbitrary<Span> = fc.record({
  traceId: id(16),
  spanId: id(8),
  parentSpanId: id(8),
  traceState: fc.string({ maxLength: 200 }),
  name: fc.string({ maxLength: 200 }),
  kind: fc.integer({ min: 0, max: 200 }),
  startTimeUnixNano: uint64.map(String),
  endTimeUnixNano: uint64.map(String),
  attributes,
  events: fc.array(
    fc.record({
      name: fc.constantFrom(
        "exception",
        "ai.stream.firstChunk",
        "other",
        "First Token Stream Event",
      ),
      timeUnixNano: uint64.map(String),
      attributes,
    }),
    { maxLength: 2 },
  ),
  links: fc.constant([{ traceId: new Uint8Array(16), flags: 3 }]),
  status: fc.record({
    message: fc.string({ maxLength: 200 }),
    code: fc.integer({ min: 0, max: 2 }),
  }),
  flags: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});
const request = fc
  .array(
    fc.record({
      resource: attributes,
      scope: fc.string(),
      spans: fc.array(span, { maxLength: 4 }),
    }),
    {
      maxLength: 3,
    },
  )
  .map((parts) => ({
    resourceSpans: parts.map(({ resource, scope, spans }) => ({
      resource: { attributes: resource },
      schemaUrl: "https://opentelemetry.io/schemas/1.41.0",
      scopeSpans: [{ scope: { name: scope, version: "1" }, spans }],
    })),
  }));

describe("the selective reader", () => {
  it("sees what protobufjs sees", () => {
    fc.assert(
      fc.property(request, (message) => {
        const bytes = ExportTraceServiceRequest.encode(message);
        expect(readSelectively(bytes)).toEqual(readByOracle(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it("sees the same whatever the order of fields, and beside fields it does not know", () => {
    fc.assert(
      fc.property(span, attributes, fc.string({ maxLength: 20 }), (one, resource, scope) => {
        const message = {
          resourceSpans: [
            {
              resource: { attributes: resource },
              scopeSpans: [{ scope: { name: scope }, spans: [{ ...one, events: [] }] }],
            },
          ],
        };
        const encoded = ExportTraceServiceRequest.encode(message);
        const inOrder = readSelectively(encoded);
        const turned = reordered(encoded);
        expect(readSelectively(turned)).toEqual(readByOracle(turned));
        const simple = (seen: readonly SpanReading[]) =>
          seen.map(({ ids, endMs, scope: name }) => ({ ids, endMs, name }));
        expect(simple(readSelectively(turned))).toEqual(simple(inOrder));
      }),
      { numRuns: 200 },
    );
  });

  it("refuses or reads mutated bytes, and never fails in another way", () => {
    fc.assert(
      fc.property(
        request,
        fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.nat(),
        (message, edits, cut) => {
          const bytes = Buffer.from(ExportTraceServiceRequest.encode(message));
          if (bytes.length === 0) return;
          for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
          const mutated = cut % 3 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes;
          try {
            readSelectively(mutated);
          } catch (error) {
            expect(error).toBeInstanceOf(ForeshockError);
            expect((error as ForeshockError).code).toBe("record_invalid");
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
