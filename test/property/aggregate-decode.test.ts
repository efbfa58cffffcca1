/** The selective reader against protobufjs: on what encoders write, on every unusual order, and on bytes that are broken. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attributeNames, createFields } from "../../services/aggregate/conventions/attributes.ts";
import { valueKind } from "../../services/aggregate/decode/attributes.ts";
import { createTraceReader, readTraces } from "../../services/aggregate/decode/trace-reader.ts";
import { nanosToMs } from "../../services/aggregate/decode/wire-scan.ts";
import { ForeshockError } from "../../services/contracts/errors.ts";
import { type AnyValue, ExportTraceServiceRequest, type Span } from "../support/otlp-proto.ts";

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

const fields = createFields([]);
const decoder = new TextDecoder();

/** A span in the words of both readers: only what the selective one looks at. */
interface Seen {
  readonly scope: string;
  readonly resource: Record<string, unknown>;
  readonly ids: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly status: number;
  readonly message: string;
  readonly traceState: string;
  readonly attributes: Record<string, unknown>;
}

function readSelectively(bytes: Uint8Array): Seen[] {
  const reader = createTraceReader(fields.keys);
  const seen: Seen[] = [];
  let resource = {};
  let scope = "";
  const text = (start: number, end: number) => decoder.decode(bytes.subarray(start, end));
  const valuesOf = (slots: typeof reader.attributes) =>
    Object.fromEntries(
      attributeNames.flatMap((name, field): [string, unknown][] => {
        const kind = slots.kinds[field];
        if (kind === valueKind.none) return [];
        if (kind === valueKind.text)
          return [[name, text(slots.starts[field] as number, slots.ends[field] as number)]];
        if (kind === valueKind.list || kind === valueKind.other) return [[name, "…"]];
        return [[name, slots.numbers[field]]];
      }),
    );
  const hex = (...words: number[]) => words.map((word) => word.toString(16)).join("-");
  readTraces(reader, bytes, {
    onResource: () => {
      resource = valuesOf(reader.resource);
    },
    onScope: (start, end) => {
      scope = text(start, end);
    },
    onSpan: () => {
      const { span: found } = reader;
      seen.push({
        scope,
        resource,
        ids: hex(
          found.trace0,
          found.trace1,
          found.trace2,
          found.trace3,
          found.span0,
          found.span1,
          found.parent0,
          found.parent1,
        ),
        kind: found.kind,
        startMs: nanosToMs(found.startHigh, found.startLow),
        endMs: nanosToMs(found.endHigh, found.endLow),
        status: found.statusCode,
        message: text(found.messageStart, found.messageEnd),
        traceState: text(found.traceStateStart, found.traceStateEnd),
        attributes: valuesOf(reader.attributes),
      });
    },
  });
  return seen;
}

function plain(anyValue: AnyValue | undefined): unknown {
  if (anyValue?.stringValue !== undefined) return anyValue.stringValue;
  if (anyValue?.intValue !== undefined) return Number(anyValue.intValue);
  if (anyValue?.doubleValue !== undefined) return anyValue.doubleValue;
  if (anyValue?.boolValue !== undefined) return anyValue.boolValue ? 1 : 0;
  return "…";
}

function readByOracle(bytes: Uint8Array): Seen[] {
  const decoded = ExportTraceServiceRequest.decode(bytes);
  const known = new Set<string>(attributeNames);
  const valuesOf = (list: readonly { key?: string; value?: AnyValue }[] = []) => {
    const found = new Map<string, unknown>();
    for (const { key = "", value: one } of list) if (known.has(key)) found.set(key, plain(one));
    return Object.fromEntries(
      attributeNames.flatMap((name) => (found.has(name) ? [[name, found.get(name)]] : [])),
    );
  };
  const words = (id: Uint8Array | undefined, length: number) => {
    const view = id?.length === length ? new DataView(id.buffer, id.byteOffset, length) : undefined;
    return Array.from({ length: length / 4 }, (_, i) =>
      (view?.getUint32(i * 4, true) ?? 0).toString(16),
    );
  };
  return (decoded.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((one) => ({
        scope: scope?.name ?? "",
        resource: valuesOf(resource?.attributes),
        ids: [
          ...words(one.traceId, 16),
          ...words(one.spanId, 8),
          ...words(one.parentSpanId, 8),
        ].join("-"),
        kind: one.kind ?? 0,
        startMs: Number(BigInt(one.startTimeUnixNano ?? 0) / 1_000_000n),
        endMs: Number(BigInt(one.endTimeUnixNano ?? 0) / 1_000_000n),
        status: one.status?.code ?? 0,
        message: one.status?.message ?? "",
        traceState: one.traceState ?? "",
        attributes: valuesOf([
          ...(one.attributes ?? []),
          ...(one.events ?? []).flatMap(({ name, attributes: own = [] }) =>
            name === "exception" || name === "ai.stream.firstChunk" ? own : [],
          ),
        ]),
      })),
    ),
  );
}

/** Length-delimited and other fields of a message in another order, with a field of the future between them. */
function shuffled(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  let at = 0;
  const varint = () => {
    let result = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError(`varint past byte ${at}`);
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    if (tag % 8 === 2) {
      const size = varint();
      at += size;
    } else if (tag % 8 === 0) varint();
    else at += tag % 8 === 1 ? 8 : 4;
    pieces.push(bytes.subarray(start, at));
  }
  return Buffer.concat([...pieces.reverse(), Buffer.from([0xfa, 0x3e, 0x02, 0x08, 0x01])]);
}

const field = (tag: number, content: Uint8Array) => {
  const length: number[] = [];
  let rest = content.length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128);
  return Buffer.concat([Buffer.from([tag, ...length, rest]), content]);
};

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
        const reordered = reorder(encoded);
        expect(readSelectively(reordered)).toEqual(readByOracle(reordered));
        const simple = (seen: readonly Seen[]) =>
          seen.map(({ ids, endMs, scope: name }) => ({ ids, endMs, name }));
        expect(simple(readSelectively(reordered))).toEqual(simple(inOrder));
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

/** Every level turned around: the scope behind its spans, the resource behind its scopes, the span's fields backwards. */
function reorder(bytes: Uint8Array): Uint8Array {
  const inside = (content: Uint8Array, level: number): Uint8Array => {
    const turned = shuffled(content);
    return level === 0 ? turned : rebuilt(turned, level);
  };
  const rebuilt = (content: Uint8Array, level: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < content.length) {
      const tag = content[at] as number;
      const nested = level === 3 ? 0x0a : 0x12;
      let size = 0;
      let next = at + (tag >= 0x80 ? 2 : 1);
      for (let scale = 1; ; scale *= 128) {
        const byte = content[next++];
        if (byte === undefined) throw new RangeError(`length past byte ${next}`);
        size += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
      }
      const body = content.subarray(next, next + size);
      parts.push(
        tag === nested ? field(tag, inside(body, level - 1)) : content.subarray(at, next + size),
      );
      at = next + size;
    }
    return Buffer.concat(parts);
  };
  return rebuilt(bytes, 3);
}
