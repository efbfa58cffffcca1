/**
 * Decoding spans and taking twelve fields out of each: the selective reader against protobufjs 7.5, whose reflection compiles the
 * same decoders as its static generator writes (it emits both from one template).
 */
import { createFields, fieldOf } from "../../services/aggregate/conventions/attributes.ts";
import { numberIn, type Reading, textIn } from "../../services/aggregate/conventions/reading.ts";
import { createTexts, textOf } from "../../services/aggregate/decode/texts.ts";
import { createTraceReader, readTraces } from "../../services/aggregate/decode/trace-reader.ts";
import { nanosToMs } from "../../services/aggregate/decode/wire-scan.ts";
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";
import { alternate, type RatioFigures, ratioFigures } from "./alternate.ts";
import { chatPayloads } from "./chat-payload.ts";

export interface DecodeBenchOptions {
  readonly spansPerRequest?: number;
  readonly requests?: number;
  readonly rounds?: number;
  /** Milliseconds from somewhere, such as `performance.now`. */
  readonly now: () => number;
}

/** What each decoder adds up, to show that both read the same. */
interface Sums {
  spans: number;
  durationMs: number;
  inputTokens: number;
  outputTokens: number;
  errors: number;
  /** Characters of provider, model, operation, region and service. */
  characters: number;
  firstChunks: number;
  idBytes: number;
}

const emptySums = (): Sums => ({
  spans: 0,
  durationMs: 0,
  inputTokens: 0,
  outputTokens: 0,
  errors: 0,
  characters: 0,
  firstChunks: 0,
  idBytes: 0,
});

export interface DecodeBenchResult {
  readonly figures: RatioFigures<"decode_ratio_protobufjs">;
  readonly spansPerSecond: { readonly selective: number; readonly protobufjs: number };
  readonly bytesPerSpan: number;
}

/** Throws when the two decoders disagree about the payload. */
export function benchDecode(options: DecodeBenchOptions): DecodeBenchResult {
  const spansPerRequest = options.spansPerRequest ?? 500;
  const payloads = chatPayloads(options.requests ?? 40, spansPerRequest);
  const selective = selectiveDecoder();
  const expected = protobufSums(payloads);
  const seen = selective(payloads);
  if (JSON.stringify(expected) !== JSON.stringify(seen))
    throw new Error(`decoders disagree: ${JSON.stringify(expected)} and ${JSON.stringify(seen)}`);
  const times = alternate({
    rounds: Math.max(5, options.rounds ?? 7),
    now: options.now,
    own: () => selective(payloads),
    rival: () => protobufSums(payloads),
  });
  const spans = payloads.length * spansPerRequest;
  const bytes = payloads.reduce((sum, payload) => sum + payload.length, 0);
  return {
    figures: ratioFigures("decode_ratio_protobufjs", times),
    spansPerSecond: {
      selective: Math.round((spans / times.ownMedianMs) * 1000),
      protobufjs: Math.round((spans / times.rivalMedianMs) * 1000),
    },
    bytesPerSpan: Math.round(bytes / spans),
  };
}

export function selectiveDecoder(): (payloads: readonly Uint8Array[]) => Sums {
  const { keys } = createFields([]);
  const reader = createTraceReader(keys);
  const reading: Reading = { ...reader, bytes: new Uint8Array(0), texts: createTexts(), scope: 0 };
  const provider = fieldOf("gen_ai.provider.name");
  const model = fieldOf("gen_ai.request.model");
  const operation = fieldOf("gen_ai.operation.name");
  const region = fieldOf("cloud.region");
  const service = fieldOf("service.name");
  const input = fieldOf("gen_ai.usage.input_tokens");
  const output = fieldOf("gen_ai.usage.output_tokens");
  const firstChunk = fieldOf("gen_ai.response.time_to_first_chunk");
  const { span, attributes, resource } = reader;
  return (payloads) => {
    const sums = emptySums();
    let shared = 0;
    const lengths: number[] = [];
    const lengthOf = (id: number) => {
      lengths[id] ??= textOf(reading.texts, id).length;
      return lengths[id];
    };
    const visitor = {
      onResource() {
        shared =
          lengthOf(textIn(reading, resource, region)) +
          lengthOf(textIn(reading, resource, service));
      },
      onScope() {},
      onSpan() {
        sums.spans++;
        sums.durationMs +=
          nanosToMs(span.endHigh, span.endLow) - nanosToMs(span.startHigh, span.startLow);
        sums.inputTokens += numberIn(reading, input);
        sums.outputTokens += numberIn(reading, output);
        if (span.statusCode === 2) sums.errors++;
        sums.characters +=
          shared +
          lengthOf(textIn(reading, attributes, provider)) +
          lengthOf(textIn(reading, attributes, model)) +
          lengthOf(textIn(reading, attributes, operation));
        sums.firstChunks += numberIn(reading, firstChunk);
        if ((span.trace0 | span.trace1) !== 0) sums.idBytes += 16;
        if ((span.span0 | span.span1) !== 0) sums.idBytes += 8;
      },
    };
    for (const payload of payloads) {
      reading.bytes = payload;
      readTraces(reader, payload, visitor);
    }
    return sums;
  };
}

interface Decoded {
  resourceSpans: {
    resource: { attributes: DecodedAttribute[] };
    scopeSpans: { spans: DecodedSpan[] }[];
  }[];
}
interface DecodedAttribute {
  key: string;
  value: { stringValue?: string; intValue?: { low: number; high: number }; doubleValue?: number };
}
interface DecodedSpan {
  traceId: Uint8Array;
  spanId: Uint8Array;
  startTimeUnixNano: { low: number; high: number };
  endTimeUnixNano: { low: number; high: number };
  attributes: DecodedAttribute[];
  status: { code: number } | null;
}

/** As one would write it: decode to objects, then look through the attributes once. */
function protobufSums(payloads: readonly Uint8Array[]): Sums {
  const sums = emptySums();
  for (const payload of payloads) {
    const request = ExportTraceServiceRequest.type.decode(payload) as unknown as Decoded;
    for (const { resource, scopeSpans } of request.resourceSpans) {
      let shared = 0;
      for (const { key, value } of resource.attributes)
        if (key === "cloud.region" || key === "service.name")
          shared += value.stringValue?.length ?? 0;
      for (const { spans } of scopeSpans) for (const span of spans) addSpan(sums, span, shared);
    }
  }
  return sums;
}

function addSpan(sums: Sums, span: DecodedSpan, shared: number): void {
  const { startTimeUnixNano: start, endTimeUnixNano: end } = span;
  sums.spans++;
  sums.durationMs +=
    nanosToMs(end.high >>> 0, end.low >>> 0) - nanosToMs(start.high >>> 0, start.low >>> 0);
  if (span.status?.code === 2) sums.errors++;
  let characters = shared;
  for (const { key, value } of span.attributes) {
    switch (key) {
      case "gen_ai.provider.name":
      case "gen_ai.request.model":
      case "gen_ai.operation.name":
        characters += value.stringValue?.length ?? 0;
        break;
      case "gen_ai.usage.input_tokens":
        sums.inputTokens += value.intValue?.low ?? 0;
        break;
      case "gen_ai.usage.output_tokens":
        sums.outputTokens += value.intValue?.low ?? 0;
        break;
      case "gen_ai.response.time_to_first_chunk":
        sums.firstChunks += value.doubleValue ?? 0;
        break;
    }
  }
  sums.characters += characters;
  sums.idBytes += span.traceId.length + span.spanId.length;
}
