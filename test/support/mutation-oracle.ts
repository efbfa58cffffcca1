/**
 * What must be counted of a request, said a second time and simply: once over what protobufjs decodes, once over the
 * tree of fields, which also reads requests with damage where nobody looks.
 */
import type { WireField } from "./mutation-tree.ts";
import { type AnyValue, ExportTraceServiceRequest, type KeyValue } from "./otlp-proto.ts";

/** What counting needs to know of a span. Ids in hex, empty where they have the wrong length or are all zero. */
export interface SeenSpan {
  readonly trace: string;
  readonly id: string;
  readonly parent: string;
  /** Whether both ids are as the specification wants them. */
  readonly isValid: boolean;
  readonly kind: number;
  readonly endMs: number;
  readonly operation: string;
  readonly isFailed: boolean;
}

const idOf = (bytes: Uint8Array | undefined, size: number): string => {
  const hex = Buffer.from(bytes ?? []).toString("hex");
  return hex.length === 2 * size && /[^0]/.test(hex) ? hex : "";
};
const msOf = (nanos: bigint): number => Number(nanos / 1_000_000n);

interface SpanParts {
  readonly traceId: Uint8Array | undefined;
  readonly spanId: Uint8Array | undefined;
  readonly parentSpanId: Uint8Array | undefined;
  readonly kind: number;
  readonly endNanos: bigint;
  readonly status: number;
  readonly attributes: readonly (readonly [key: string, text: string])[];
}

function seen(parts: SpanParts): SeenSpan {
  const last = (key: string) => parts.attributes.findLast(([name]) => name === key)?.[1] ?? "";
  const trace = idOf(parts.traceId, 16);
  const id = idOf(parts.spanId, 8);
  const isValid = trace !== "" && id !== "";
  return {
    trace: isValid ? trace : "",
    id: isValid ? id : "",
    parent: idOf(parts.parentSpanId, 8),
    isValid,
    kind: parts.kind,
    endMs: msOf(parts.endNanos),
    // Longer ones are cut at ingest; none of them names a call.
    operation: last("gen_ai.operation.name").slice(0, 64),
    isFailed: parts.status === 2 || last("error.type") !== "",
  };
}

/** As protobufjs decodes it. */
export function spansDecoded(request: Uint8Array): SeenSpan[] {
  const { resourceSpans = [] } = ExportTraceServiceRequest.decode(request);
  return resourceSpans
    .flatMap(({ scopeSpans = [] }) => scopeSpans)
    .flatMap(({ spans = [] }) => spans)
    .map((span) =>
      seen({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        kind: span.kind ?? 0,
        endNanos: BigInt(span.endTimeUnixNano ?? 0),
        status: span.status?.code ?? 0,
        attributes: (span.attributes ?? []).map(({ key, value }: KeyValue) => [
          key ?? "",
          textOf(value ?? {}),
        ]),
      }),
    );
}

/** A value as a name for something: texts, the first of a list, some word for numbers; empty for everything else. */
function textOf(value: AnyValue): string {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.arrayValue !== undefined) return value.arrayValue.values?.[0]?.stringValue ?? "";
  const scalar = value.intValue ?? value.doubleValue ?? value.boolValue;
  return scalar === undefined ? "" : "a number";
}

/** By the tree; undefined where a resource, a scope or a span cannot be read at all. */
export function spansInTree(tree: readonly WireField[] | undefined): SeenSpan[] | undefined {
  const spans = itemsIn(tree, [["resourceSpans"], ["scopeSpans"], ["spans"]]);
  if (spans === undefined || spans.some(({ fields }) => fields === undefined)) return undefined;
  return spans.map(({ fields = [] }) => {
    const content = (name: string) => lastOf(fields, name)?.content;
    const status = fields.filter(({ schema }) => schema?.name === "status");
    const end = content("endTimeUnixNano");
    return seen({
      traceId: content("traceId"),
      spanId: content("spanId"),
      parentSpanId: content("parentSpanId"),
      kind: int32Of(lastOf(fields, "kind")),
      endNanos: end === undefined ? 0n : end.readBigUInt64LE(),
      status: int32Of(
        lastOf(
          status.flatMap((one) => one.fields ?? []),
          "code",
        ),
      ),
      attributes: fields
        .filter(({ schema }) => schema?.name === "attributes")
        .map(({ fields: pair = [] }) => [
          lastOf(pair, "key")?.content.toString() ?? "",
          textInTree(lastOf(pair, "value")),
        ]),
    });
  });
}

const int32Of = (field: WireField | undefined) => Number(BigInt.asIntN(32, field?.varint ?? 0n));
const lastOf = (fields: readonly WireField[], name: string) =>
  fields.findLast(({ schema }) => schema?.name === name);

function textInTree(value: WireField | undefined): string {
  const last = value?.fields?.findLast(({ schema }) => schema !== undefined);
  switch (last?.schema?.name) {
    case "stringValue":
      return last.content.toString();
    case "arrayValue":
      return textOfFirst(last.fields?.[0]);
    case "intValue":
    case "boolValue":
    case "doubleValue":
      return "a number";
    default:
      return "";
  }
}

function textOfFirst(value: WireField | undefined): string {
  const last = value?.fields?.findLast(({ schema }) => schema !== undefined);
  return last?.schema?.name === "stringValue" ? last.content.toString() : "";
}

/** The fields at the end of a path of names; undefined where one on the way cannot be read. */
export function itemsIn(
  tree: readonly WireField[] | undefined,
  path: readonly (readonly string[])[],
): WireField[] | undefined {
  const [names, ...rest] = path;
  if (tree === undefined) return undefined;
  const found = tree.filter(({ schema }) => names?.includes(schema?.name ?? ""));
  if (rest.length === 0) return found;
  const below = found.map(({ fields }) => itemsIn(fields, rest));
  return below.includes(undefined) ? undefined : below.flatMap((items) => items ?? []);
}

export interface Arrived {
  readonly appendMs: number;
  readonly spans: readonly SeenSpan[];
}

export interface Counted {
  /** Requests by operation and ending, such as `chat ok`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly late: number;
  readonly repeats: number;
  readonly clamped: number;
}

const windowMs = 5_000;
const latenessMs = 10_000;
const allowedSkewMs = 2_000;
const calls = ["chat", "embeddings"];

/**
 * Counts what arrives within one window's length after `startMs`, a multiple of it: spans in time and for the first time,
 * of calls within calls the innermost.
 */
export function countArrived(startMs: number, arrived: readonly Arrived[]): Counted {
  const firstOpen = Math.floor((startMs - latenessMs) / windowMs);
  const taken: SeenSpan[] = [];
  const known = new Map<string, SeenSpan>();
  let late = 0;
  let repeats = 0;
  let clamped = 0;
  for (const { appendMs, spans } of arrived)
    for (const span of spans) {
      const isClamped = span.endMs > appendMs + allowedSkewMs;
      const endMs = isClamped ? appendMs : span.endMs;
      if (Math.floor(endMs / windowMs) < firstOpen) late++;
      else if (span.isValid && known.has(span.trace + span.id)) repeats++;
      else {
        taken.push(span);
        if (isClamped) clamped++;
        if (span.isValid) known.set(span.trace + span.id, span);
      }
    }
  const outer = new Set<SeenSpan>();
  const candidates = taken.filter(
    ({ kind, operation }) => calls.includes(operation) && ![2, 4, 5].includes(kind),
  );
  for (const span of candidates) {
    let above = parentOf(span);
    while (above !== undefined && above !== span && !outer.has(above)) {
      outer.add(above);
      above = parentOf(above);
    }
  }
  const requests: Record<string, number> = {};
  for (const span of candidates) {
    if (outer.has(span)) continue;
    const key = `${span.operation} ${span.isFailed ? "failed" : "ok"}`;
    requests[key] = (requests[key] ?? 0) + 1;
  }
  return { requests, late, repeats, clamped };

  function parentOf(span: SeenSpan): SeenSpan | undefined {
    return span.isValid && span.parent !== "" ? known.get(span.trace + span.parent) : undefined;
  }
}
