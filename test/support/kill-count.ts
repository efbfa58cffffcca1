/**
 * Counts model calls by window as the rules say, in the plainest way: protobufjs, one object a span, sets and maps. It shares
 * nothing with the code that it checks.
 */
import { headers } from "../../services/contracts/topics.ts";
import type { LogRecord } from "../../services/log/log.ts";
import { spanKey } from "./kill-traffic.ts";
import { ExportTraceServiceRequest, type Span } from "./otlp-proto.ts";

export interface PlainCount {
  /** Model calls by `window start/model`. */
  readonly counted: ReadonlyMap<string, number>;
  readonly calls: number;
  readonly late: number;
  readonly duplicates: number;
}

interface Times {
  readonly lengthMs: number;
  readonly latenessMs: number;
  readonly idleTimeoutMs: number;
}

export const spansIn = (value: Uint8Array): Span[] =>
  (ExportTraceServiceRequest.decode(value).resourceSpans ?? []).flatMap((each) =>
    (each.scopeSpans ?? []).flatMap(({ spans }) => spans ?? []),
  );

const attribute = (span: Span, name: string) =>
  span.attributes?.find(({ key }) => key === name)?.value?.stringValue ?? "";

/** Of one source partition's records, in order; no clock is ahead of the log's by more than is allowed. */
export function countPlainly(records: readonly LogRecord[], times: Times): PlainCount {
  const { lengthMs, latenessMs, idleTimeoutMs } = times;
  const counted = new Map<string, number>();
  const seen = new Set<string>();
  let [calls, late, duplicates] = [0, 0, 0];
  let appendMs = 0;
  let watermarkMs: number | undefined;
  for (const record of records) {
    appendMs = Math.max(appendMs, record.appendMs);
    const isHeartbeat = record.headers[headers.heartbeat] !== undefined;
    const spans = isHeartbeat ? [] : spansIn(record.value);
    const ends = spans.map((span) => Number(BigInt(span.endTimeUnixNano ?? 0) / 1_000_000n));
    const after = Math.max(
      watermarkMs ?? Number.NEGATIVE_INFINITY,
      appendMs - idleTimeoutMs,
      ...ends.map((end) => Math.min(end, appendMs) - latenessMs),
    );
    // The first record has nothing before it to be late against.
    const before = watermarkMs ?? after;
    spans.forEach((span, index) => {
      if (attribute(span, "gen_ai.operation.name") !== "chat") return;
      calls++;
      const start = Math.floor((ends[index] ?? 0) / lengthMs) * lengthMs;
      if (start + lengthMs <= before) {
        late++;
        return;
      }
      const id = spanKey(span);
      if (seen.has(id)) {
        duplicates++;
        return;
      }
      seen.add(id);
      const key = `${start}/${attribute(span, "gen_ai.request.model")}`;
      counted.set(key, (counted.get(key) ?? 0) + 1);
    });
    watermarkMs = after;
  }
  return { counted, calls, late, duplicates };
}
