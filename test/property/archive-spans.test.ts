import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spanAttributeColumns } from "../../services/history/tables.ts";
import { aLogRecord, rowsOf, spanEncoder } from "../support/archive-rows.ts";
import type { NativeValue } from "../support/native-reader.ts";
import {
  type AnyValue,
  ExportTraceServiceRequest,
  type KeyValue,
  type Span,
  type TraceRequest,
} from "../support/otlp-proto.ts";

const typedNames = Object.values(spanAttributeColumns).flatMap((columns) => Object.keys(columns));
const plainNames = ["tenant.id", "gen_ai.system", "n", "ключ", "a.b.c"];

const word = fc.string({ unit: "binary", maxLength: 12 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const time = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const idOf = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });

const { value: anyValue } = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constant({}),
    word.map((stringValue) => ({ stringValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    int64.map((intValue) => ({ intValue })),
    fc.double().map((doubleValue) => ({ doubleValue })),
    fc.uint8Array({ maxLength: 6 }).map((bytesValue) => ({ bytesValue })),
    fc.array(tie("value"), { maxLength: 3 }).map((values) => ({ arrayValue: { values } })),
    fc
      .uniqueArray(fc.tuple(fc.constantFrom(...plainNames), tie("value")), {
        selector: ([key]) => key,
        maxLength: 3,
      })
      .map((pairs) => ({ kvlistValue: { values: pairs.map(([key, value]) => ({ key, value })) } })),
  ),
}));

const attributes: fc.Arbitrary<KeyValue[]> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...typedNames, ...plainNames), anyValue), {
    selector: ([key]) => key,
    maxLength: 12,
  })
  .map((pairs) => pairs.map(([key, value]) => ({ key, value })));

const span: fc.Arbitrary<Span> = fc.record({
  traceId: idOf(16),
  spanId: idOf(8),
  parentSpanId: fc.oneof(fc.constant(new Uint8Array(0)), idOf(8)),
  traceState: word,
  name: fc.oneof(fc.constantFrom("chat", "embeddings"), word),
  kind: fc.integer({ min: 0, max: 5 }),
  startTimeUnixNano: time,
  endTimeUnixNano: time,
  attributes,
  events: fc.array(fc.record({ timeUnixNano: time, name: fc.constantFrom("e", "ü"), attributes }), {
    maxLength: 2,
  }),
  links: fc.array(fc.record({ traceId: idOf(16), spanId: idOf(8), traceState: word, attributes }), {
    maxLength: 2,
  }),
  status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: word }),
});

const request: fc.Arbitrary<TraceRequest> = fc
  .array(
    fc.record({
      resource: fc.record({ attributes }),
      scopeSpans: fc.array(
        fc.record({
          scope: fc.record({ name: word, version: word }),
          spans: fc.array(span, { maxLength: 4 }),
        }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 3 },
  )
  .map((resourceSpans) => ({ resourceSpans }));

/** Texts as JSON and the Collector's exporters have them, from what protobufjs decodes. */
function jsonOf(value: AnyValue): string {
  if (value.stringValue !== undefined) return JSON.stringify(value.stringValue);
  if (value.boolValue !== undefined) return String(value.boolValue);
  if (value.intValue !== undefined) return String(value.intValue);
  if (value.doubleValue !== undefined)
    return Number.isFinite(value.doubleValue)
      ? String(value.doubleValue)
      : JSON.stringify(textOf(value));
  if (value.bytesValue !== undefined) return JSON.stringify(textOf(value));
  if (value.arrayValue !== undefined)
    return `[${(value.arrayValue.values ?? []).map(jsonOf).join(",")}]`;
  if (value.kvlistValue !== undefined)
    return `{${(value.kvlistValue.values ?? []).map(({ key = "", value: inner = {} }) => `${JSON.stringify(key)}:${jsonOf(inner)}`).join(",")}}`;
  return "null";
}

function textOf(value: AnyValue = {}): string {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.bytesValue !== undefined) return Buffer.from(value.bytesValue).toString("base64");
  if (value.doubleValue !== undefined)
    return String(value.doubleValue).replace(/^(-?)Infinity$/, (_, sign) => `${sign || "+"}Inf`);
  return Object.keys(value).length === 0 ? "" : jsonOf(value);
}

const mapOf = (pairs: readonly KeyValue[] = []) =>
  Object.fromEntries(pairs.map(({ key = "", value }) => [key, textOf(value)]));

/** All attributes of a row again, from the columns and from the map, as texts; each column says how it shows absence. */
function attributesOfRow(row: Record<string, NativeValue>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, column] of Object.entries(spanAttributeColumns.text))
    if (row[column] !== "") found[name] = row[column] as string;
  for (const [name, column] of Object.entries(spanAttributeColumns.integer))
    if (row[column] !== -1n) found[name] = String(row[column]);
  for (const [name, column] of Object.entries(spanAttributeColumns.float))
    if (!Number.isNaN(row[column])) found[name] = textOf({ doubleValue: row[column] as number });
  for (const [name, column] of Object.entries(spanAttributeColumns.texts))
    if ((row[column] as NativeValue[]).length > 0) found[name] = JSON.stringify(row[column]);
  const others = row["attributes"] as Record<string, string>;
  for (const name of Object.keys(others)) expect(found).not.toHaveProperty([name]);
  return { ...found, ...others };
}

const latestNs = 2n ** 63n - 1n;
const timeOf = (text: string | number | undefined) => {
  const ns = BigInt(text ?? 0);
  return ns > latestNs ? latestNs : ns;
};
const hex = (id: Uint8Array | undefined, size: number) =>
  Buffer.from(id ?? [])
    .toString("hex")
    .padEnd(size * 2, "0");

function expectedRows(bytes: Uint8Array) {
  return (ExportTraceServiceRequest.decode(bytes).resourceSpans ?? []).flatMap((group) =>
    (group.scopeSpans ?? []).flatMap(({ scope, spans = [] }) =>
      spans.map((one) => ({
        resource: mapOf(group.resource?.attributes),
        scope: [scope?.name ?? "", scope?.version ?? ""],
        ids: [hex(one.traceId, 16), hex(one.spanId, 8), hex(one.parentSpanId, 8)],
        texts: [one.traceState ?? "", one.name ?? ""],
        numbers: [one.kind ?? 0, one.status?.code ?? 0],
        start: timeOf(one.startTimeUnixNano),
        duration: [
          BigInt(one.endTimeUnixNano ?? 0) - BigInt(one.startTimeUnixNano ?? 0),
          0n,
        ].reduce((a, b) => (a > b ? a : b)),
        message: one.status?.message ?? "",
        attributes: mapOf(one.attributes),
        events: (one.events ?? []).map((event) => [
          timeOf(event.timeUnixNano),
          event.name ?? "",
          mapOf(event.attributes),
        ]),
        links: (one.links ?? []).map((link) => [
          hex(link.traceId, 0),
          hex(link.spanId, 0),
          link.traceState ?? "",
          mapOf(link.attributes),
        ]),
      })),
    ),
  );
}

type Row = Record<string, NativeValue>;
const zip = (row: Row, ...columns: string[]) =>
  (row[columns[0] as string] as NativeValue[]).map((_, i) =>
    columns.map((name) => (row[name] as NativeValue[])[i]),
  );

const seenRow = (row: Row) => ({
  resource: JSON.parse(row["resource"] as string),
  scope: [row["scope_name"], row["scope_version"]],
  ids: [row["trace_id"], row["span_id"], row["parent_span_id"]],
  texts: [row["trace_state"], row["span_name"]],
  numbers: [row["span_kind"], row["status_code"]],
  start: row["timestamp"],
  duration: row["duration"],
  message: row["status_message"],
  attributes: attributesOfRow(row),
  events: zip(row, "events.timestamp", "events.name", "events.attributes"),
  links: zip(row, "links.trace_id", "links.span_id", "links.trace_state", "links.attributes"),
});

describe("span rows", () => {
  const encoder = spanEncoder({
    content: { keepContent: true, contentAttributes: [] },
    maxRows: 5,
  });

  it("say what protobufjs decodes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 3 }), async (requests) => {
        const records = requests.map((one, offset) =>
          aLogRecord(ExportTraceServiceRequest.encode(one), { offset }),
        );
        const { rows, rejections } = await rowsOf(encoder, records);
        expect(rejections).toEqual([]);
        expect(rows.map(seenRow)).toEqual(records.flatMap(({ value }) => expectedRows(value)));
      }),
      { numRuns: 150 },
    );
  });

  it("of good records are the same whatever bad ones stand between", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(request, fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (mutated) => {
          const good = mutated.map(([one]) => ExportTraceServiceRequest.encode(one));
          const bad = good.map((value, i) => {
            const copy = Uint8Array.from(value);
            const [, at = 0, byte = 0] = mutated[i] ?? [];
            if (copy.length > 0) copy[at % copy.length] = byte;
            return copy;
          });
          const records = good.flatMap((value, i) => [
            aLogRecord(value, { offset: 2 * i }),
            aLogRecord(bad[i] ?? value, { offset: 2 * i + 1 }),
          ]);
          const { rows } = await rowsOf(encoder, records);
          const even = rows.filter((row) => (row["source_offset"] as bigint) % 2n === 0n);
          expect(even.map(seenRow)).toEqual(good.flatMap((value) => expectedRows(value)));
        },
      ),
      { numRuns: 150 },
    );
  });
});
