import type { Sender } from "./fleet-model.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { resourceAttributes } from "./resource-shape.ts";
import { type AttributeValue, doubleAttributes, type Scope, type SpanShape } from "./span-shape.ts";

const spanKinds = { server: 2, client: 3 } as const;
const statusCodes = { unset: 0, ok: 1, error: 2 } as const;
/** W3C sampled, and "the parent's remoteness is known". */
const spanFlags = 0x101;
/** Texts of which each is different: not worth remembering. */
const uniqueAttributes: ReadonlySet<string> = new Set(["gen_ai.response.id"]);
const cachedTextsPerKey = 1024;

/**
 * Writes spans as `opentelemetry.proto.trace.v1` wire format (field numbers of opentelemetry-proto 1.x). Attributes
 * with few values are remembered in encoded form.
 */
export class OtlpSpanEncoder {
  readonly #span = new ProtobufWriter();
  readonly #attribute = new ProtobufWriter();
  readonly #known = new Map<string, Map<AttributeValue, Uint8Array>>();
  readonly #traceState: string;

  constructor(traceState = "") {
    this.#traceState = traceState;
  }

  /** Appends a span as an element of `ScopeSpans.spans`; `skewMs` is how far ahead the sender's clock is. */
  append(to: ProtobufWriter, span: SpanShape, skewMs = 0): void {
    const out = this.#span;
    out.clear();
    out.bytesField(1, span.traceId);
    out.bytesField(2, span.spanId);
    if (this.#traceState !== "") out.textField(3, this.#traceState);
    if (span.parentSpanId !== undefined) out.bytesField(4, span.parentSpanId);
    out.textField(5, span.name);
    out.tag(6, 0);
    out.varint(spanKinds[span.kind]);
    out.tag(7, 1);
    out.fixed64Nanos(span.startMs + skewMs);
    out.tag(8, 1);
    out.fixed64Nanos(span.endMs + skewMs);
    for (const [key, value] of span.attributes) this.#writeAttribute(out, key, value);
    if (span.status !== "unset") {
      const status = this.#attribute;
      status.clear();
      if (span.statusMessage !== "") status.textField(2, span.statusMessage);
      status.tag(3, 0);
      status.varint(statusCodes[span.status]);
      out.nestedField(15, status);
    }
    out.tag(16, 5);
    out.fixed32(spanFlags);
    to.nestedField(2, out);
  }

  #writeAttribute(out: ProtobufWriter, key: string, value: AttributeValue): void {
    const isRepeated = typeof value === "string" || typeof value === "boolean";
    const known = isRepeated ? this.#known.get(key)?.get(value) : undefined;
    if (known !== undefined) {
      out.bytesField(9, known);
      return;
    }
    this.#attribute.clear();
    writeKeyValue(this.#attribute, key, value);
    out.nestedField(9, this.#attribute);
    if (isRepeated && !uniqueAttributes.has(key)) this.#remember(key, value);
  }

  #remember(key: string, value: AttributeValue): void {
    const values = this.#known.get(key) ?? new Map<AttributeValue, Uint8Array>();
    this.#known.set(key, values);
    if (values.size < cachedTextsPerKey) values.set(value, this.#attribute.view().slice());
  }
}

const anyValue = new ProtobufWriter(64);

/** A `KeyValue` message, without tag and length. */
export function writeKeyValue(out: ProtobufWriter, key: string, value: AttributeValue): void {
  out.textField(1, key);
  anyValue.clear();
  writeAnyValue(anyValue, value, doubleAttributes.has(key));
  out.nestedField(2, anyValue);
}

function writeAnyValue(out: ProtobufWriter, value: AttributeValue, isDouble: boolean): void {
  if (typeof value === "string") {
    out.textField(1, value);
  } else if (typeof value === "boolean") {
    out.tag(2, 0);
    out.varint(value ? 1 : 0);
  } else if (typeof value === "number") {
    if (Number.isSafeInteger(value) && value >= 0 && !isDouble) {
      out.tag(3, 0);
      out.varint(value);
    } else {
      out.tag(4, 1);
      out.double(value);
    }
  } else {
    const list = new ProtobufWriter(64);
    for (const element of value) {
      const inner = new ProtobufWriter(32);
      writeAnyValue(inner, element, false);
      list.bytesField(1, inner.view());
    }
    out.bytesField(5, list.view());
  }
}

/** A `Resource` message of a sender. */
export function encodeResource(sender: Sender): Uint8Array {
  const out = new ProtobufWriter();
  const attribute = new ProtobufWriter(128);
  for (const [key, value] of resourceAttributes(sender)) {
    attribute.clear();
    writeKeyValue(attribute, key, value);
    out.bytesField(1, attribute.view());
  }
  return out.take();
}

/** An `InstrumentationScope` message. */
export function encodeScope(scope: Scope): Uint8Array {
  const out = new ProtobufWriter(128);
  out.textField(1, scope.name);
  out.textField(2, scope.version);
  return out.take();
}

/**
 * An `ExportTraceServiceRequest` (or, field numbers being the same, an `ExportMetricsServiceRequest`) of one
 * resource; `parts` hold a scope's encoded elements of field 2.
 */
export function encodeRequest(
  resource: Uint8Array,
  parts: readonly { readonly scope: Uint8Array; readonly elements: Uint8Array }[],
): Uint8Array {
  const group = new ProtobufWriter(4096);
  group.bytesField(1, resource);
  for (const { scope, elements } of parts) {
    const scopeSize = 1 + varintSize(scope.length) + scope.length;
    group.tag(2, 2);
    group.varint(scopeSize + elements.length);
    group.bytesField(1, scope);
    group.raw(elements);
  }
  const out = new ProtobufWriter(group.length + 8);
  out.bytesField(1, group.view());
  return out.take();
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size += 1;
  return size;
}
