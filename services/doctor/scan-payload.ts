/** What windows do not keep of an export request: scopes, sampling, names of metrics, and whether an attribute occurs at all. */
import type { Signal } from "../contracts/topics.ts";
import { WireReader } from "../contracts/wire.ts";

export interface PayloadFacts {
  /** Spans by the name of their scope, which names the library. */
  readonly spansByScope: Map<string, number>;
  spans: number;
  /** Spans whose trace state says with which probability they were kept. */
  sampledSpans: number;
  logRecords: number;
  readonly metricNames: Set<string>;
  /** Of the attributes that were asked for. */
  readonly attributes: Set<string>;
}

export const emptyPayloadFacts = (): PayloadFacts => ({
  spansByScope: new Map(),
  spans: 0,
  sampledSpans: 0,
  logRecords: 0,
  metricNames: new Set(),
  attributes: new Set(),
});

/** Adds a request's facts. Throws `record_invalid` for what is no export request. */
export function scanPayload(
  facts: PayloadFacts,
  { signal, payload }: { readonly signal: Signal; readonly payload: Uint8Array },
  wantedAttributes: readonly string[],
): void {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  for (const name of wantedAttributes)
    if (!facts.attributes.has(name) && bytes.includes(name)) facts.attributes.add(name);
  // Request, resource and scope have the same numbers in all three signals.
  eachMessage(new WireReader(payload), 1, (resource) =>
    eachMessage(resource, 2, (scope) => scanScope(facts, signal, scope)),
  );
}

function scanScope(facts: PayloadFacts, signal: Signal, scope: WireReader): void {
  let name = "";
  let items = 0;
  eachField(scope, (number, type) => {
    if (number === 1 && type === 2) {
      const instrumentation = scope.message();
      eachField(instrumentation, (inner, innerType) => {
        if (inner === 1 && innerType === 2) name = instrumentation.string();
        else instrumentation.skip(innerType);
      });
    } else if (number === 2 && type === 2) {
      items++;
      scanItem(facts, signal, scope.message());
    } else scope.skip(type);
  });
  if (signal === "traces") {
    facts.spans += items;
    facts.spansByScope.set(name, (facts.spansByScope.get(name) ?? 0) + items);
  } else if (signal === "logs") facts.logRecords += items;
}

const traceStateField = 3;
const metricNameField = 1;

function scanItem(facts: PayloadFacts, signal: Signal, item: WireReader): void {
  const wanted = signal === "traces" ? traceStateField : metricNameField;
  if (signal === "logs") return;
  eachField(item, (number, type) => {
    if (number !== wanted || type !== 2) return item.skip(type);
    const text = item.string();
    if (signal === "metrics") facts.metricNames.add(text);
    else if (/(^|,)ot=[^,]*th:/.test(text)) facts.sampledSpans++;
  });
}

function eachMessage(reader: WireReader, field: number, take: (nested: WireReader) => void): void {
  eachField(reader, (number, type) => {
    if (number === field && type === 2) take(reader.message());
    else reader.skip(type);
  });
}

/** `take` reads the field's value or skips it. */
function eachField(reader: WireReader, take: (number: number, type: number) => void): void {
  while (reader.hasMore()) {
    const tag = reader.varint();
    take(Math.floor(tag / 8), tag % 8);
  }
}
