/** Spans as the archive gets them, and the rows that they become. */
import { spanRowsOf } from "./archive-rows.ts";
import {
  ExportTraceServiceRequest,
  type KeyValue,
  type Span,
  type TraceRequest,
} from "./otlp-proto.ts";

export const text = (key: string, stringValue: string): KeyValue => ({
  key,
  value: { stringValue },
});
export const bytes = (...values: number[]) => Uint8Array.from(values);

export const aSpan = (overrides: Partial<Span> = {}): Span => ({
  traceId: Uint8Array.from({ length: 16 }, (_, i) => i + 1),
  spanId: Uint8Array.from({ length: 8 }, (_, i) => 0xa0 + i),
  name: "chat gpt-4o",
  kind: 3,
  startTimeUnixNano: "1764000000123456789",
  endTimeUnixNano: "1764000001123456790",
  ...overrides,
});

export const aRequest = (
  spans: readonly Span[],
  resource: readonly KeyValue[] = [],
): TraceRequest => ({
  resourceSpans: [
    {
      resource: { attributes: [...resource] },
      scopeSpans: [{ scope: { name: "scope", version: "1" }, spans: [...spans] }],
    },
  ],
});

export const encode = (...spans: Span[]) => ExportTraceServiceRequest.encode(aRequest(spans));
export const rowOf = async (span: Span) => (await spanRowsOf(aRequest([span])))[0];
