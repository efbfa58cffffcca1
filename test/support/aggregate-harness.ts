/** Telemetry written as tests think of it, encoded by protobufjs, and stepped through an aggregate task. */
import { aggregateStage } from "../../services/aggregate/aggregate.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { type RequestRow, requestRows } from "../../services/contracts/request-rows.ts";
import type { CellWindow, WindowRecord } from "../../services/contracts/window.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import type { OutputRecord, Reducer, Rejection, TaskContext } from "../../services/stage.ts";
import {
  type AnyValue,
  ExportTraceServiceRequest,
  type KeyValue,
  type Span,
  type SpanEvent,
  type TraceRequest,
} from "./otlp-proto.ts";

export type Value = string | number | boolean | readonly string[] | { readonly double: number };
export type Attributes = Readonly<Record<string, Value>>;

/** A span in the words of a test; times in ms from `startMs` of the scene. */
export interface SpanSketch {
  readonly trace?: number;
  readonly id?: number;
  readonly parent?: number;
  readonly kind?: "unspecified" | "internal" | "server" | "client" | "producer" | "consumer";
  readonly name?: string;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly status?: "unset" | "ok" | "error";
  readonly message?: string;
  readonly traceState?: string;
  readonly attributes?: Attributes;
  readonly events?: readonly {
    readonly name: string;
    readonly atMs?: number;
    readonly attributes?: Attributes;
  }[];
}

export interface Batch {
  readonly resource?: Attributes;
  readonly scope?: string;
  readonly spans: readonly SpanSketch[];
}

/** A multiple of the window length. */
export const sceneStartMs = 1_800_000_000_000;

const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const statuses = ["unset", "ok", "error"];

export function anyValue(value: Value): AnyValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number")
    return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
  if ("double" in value) return { doubleValue: value.double };
  return { arrayValue: { values: value.map((item) => ({ stringValue: item })) } };
}

export const keyValues = (attributes: Attributes): KeyValue[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

/** 16 bytes that hold the number and more, never all zero. */
export function traceIdOf(number: number): Uint8Array {
  const bytes = new Uint8Array(16).fill(0xa5);
  new DataView(bytes.buffer).setUint32(12, number);
  return bytes;
}

export function spanIdOf(number: number): Uint8Array {
  const bytes = new Uint8Array(8).fill(0x5a);
  new DataView(bytes.buffer).setUint32(4, number);
  return bytes;
}

const nanos = (ms: number): string => String(BigInt(Math.round(ms * 1e3)) * 1000n);

let nextId = 1;

export function spanOf(sketch: SpanSketch): Span {
  const id = sketch.id ?? 1_000_000 + nextId++;
  const events: SpanEvent[] = (sketch.events ?? []).map((event) => ({
    name: event.name,
    timeUnixNano: nanos(sceneStartMs + (event.atMs ?? 0)),
    attributes: keyValues(event.attributes ?? {}),
  }));
  return {
    traceId: traceIdOf(sketch.trace ?? id),
    spanId: spanIdOf(id),
    ...(sketch.parent === undefined ? {} : { parentSpanId: spanIdOf(sketch.parent) }),
    ...(sketch.traceState === undefined ? {} : { traceState: sketch.traceState }),
    name: sketch.name ?? "span",
    kind: kinds.indexOf(sketch.kind ?? "client"),
    startTimeUnixNano: nanos(sceneStartMs + (sketch.startMs ?? 0)),
    endTimeUnixNano: nanos(sceneStartMs + (sketch.endMs ?? 1_000)),
    attributes: keyValues(sketch.attributes ?? {}),
    events,
    status: { code: statuses.indexOf(sketch.status ?? "unset"), message: sketch.message ?? "" },
  };
}

export function requestOf(batches: readonly Batch[]): TraceRequest {
  return {
    resourceSpans: batches.map((batch) => ({
      resource: { attributes: keyValues(batch.resource ?? { "service.name": "chatbot" }) },
      scopeSpans: [{ scope: { name: batch.scope ?? "test" }, spans: batch.spans.map(spanOf) }],
    })),
  };
}

export const encodeBatches = (...batches: readonly Batch[]): Uint8Array =>
  ExportTraceServiceRequest.encode(requestOf(batches));

export interface TaskOptions {
  readonly task?: string;
  readonly windowsPartitions?: number;
  readonly judgement?: unknown;
  readonly saved?: readonly Uint8Array[];
}

export function contextOf(options: TaskOptions = {}): TaskContext {
  const task = options.task ?? "otlp_spans/0";
  const judgement = judgementSchema.parse(options.judgement ?? {});
  return {
    task,
    partition: Number(task.split("/")[1]),
    judgement,
    manifests: [
      {
        kind: "manifest",
        number: 1,
        effectiveFromMs: 0,
        tasks: [task],
        windowsPartitions: options.windowsPartitions ?? 1,
      },
    ],
    epochs: [{ kind: "epoch", number: 1, effectiveFromMs: 0, hash: "", judgement }],
  };
}

/** One task and everything that came out of it. */
export class AggregateRun {
  readonly outputs: OutputRecord[] = [];
  readonly rejections: Rejection[] = [];
  readonly reducer: Reducer;
  offset = 0;

  constructor(options: TaskOptions = {}) {
    this.reducer = aggregateStage.create(contextOf(options), options.saved);
  }

  /** Steps a record that arrives `appendMs` after the scene's start. */
  step(value: Uint8Array, appendMs: number): this {
    const { outputs, rejected } = this.reducer.step({
      topic: "otlp_spans",
      partition: 0,
      offset: this.offset++,
      appendMs: sceneStartMs + appendMs,
      value,
      headers: {},
    });
    this.outputs.push(...outputs);
    if (rejected !== undefined) this.rejections.push(rejected);
    return this;
  }

  heartbeat(appendMs: number): this {
    return this.step(new Uint8Array(0), appendMs);
  }

  finish(untilMs: number): this {
    this.outputs.push(...(this.reducer.finish?.(sceneStartMs + untilMs).outputs ?? []));
    return this;
  }

  windows(): WindowRecord[] {
    return this.outputs.map(({ value }) => decodeWindow(value));
  }

  cells(): CellWindow[] {
    return this.windows().flatMap((window) => window.cells);
  }

  rows(): RequestRow[] {
    return requestRows(this.cells());
  }
}

/** What is counted of spans that all come in one record right after their end. */
export function countBatches(...batches: readonly Batch[]): RequestRow[] {
  const lastEndMs = Math.max(
    ...batches.flatMap(({ spans }) => spans.map((span) => span.endMs ?? 1_000)),
  );
  return new AggregateRun()
    .step(encodeBatches(...batches), lastEndMs)
    .finish(lastEndMs + 60_000)
    .rows();
}
