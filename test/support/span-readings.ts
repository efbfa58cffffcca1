/** Spans of a trace request as two readers see them: the selective one, and protobufjs as its oracle. */
import { attributeNames, createFields } from "../../services/aggregate/conventions/attributes.ts";
import { valueKind } from "../../services/aggregate/decode/attributes.ts";
import { createTraceReader, readTraces } from "../../services/aggregate/decode/trace-reader.ts";
import { nanosToMs } from "../../services/aggregate/decode/wire-scan.ts";
import { type AnyValue, ExportTraceServiceRequest } from "./otlp-proto.ts";

const fields = createFields([]);
const decoder = new TextDecoder();

/** A span in the words of both readers: only what the selective one looks at. */
export interface SpanReading {
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

/** As the selective reader of `services/aggregate` sees it. */
export function readSelectively(bytes: Uint8Array): SpanReading[] {
  const reader = createTraceReader(fields.keys);
  const seen: SpanReading[] = [];
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

/** As protobufjs decodes it, bounded to what the selective reader looks at. */
export function readByOracle(bytes: Uint8Array): SpanReading[] {
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
