/**
 * What an export request must pass before it is acknowledged, as a function of its bytes alone: its structure is
 * checked, content and oversized attributes are cut, and it is split by partition and by size. Items that cannot be
 * kept are rejected one by one; a request that does not decode is refused whole.
 */
import { ForeshockError } from "../contracts/errors.ts";
import { partitionFor } from "../contracts/partition.ts";
import { recordLimitBytes } from "../contracts/records.ts";
import type { Signal } from "../contracts/topics.ts";
import { wireType } from "../contracts/wire.ts";
import { createPlan, planEdited } from "./copy-plan.ts";
import { expectWire, readLength, readTag, setBytes } from "./cursor.ts";
import { beginMessage, clearEdits, endMessage } from "./edits.ts";
import { createNotes, type Notes, noteSize, pushNote } from "./notes.ts";
import { describePosition } from "./otlp-path.ts";
import { type OtlpMessage, otlpMessages } from "./otlp-schema.ts";
import {
  createLevel,
  createRecordBuilder,
  type Level,
  type RecordBuilder,
} from "./record-builder.ts";
import { type CutCounts, createWalkState, type WalkerLimits } from "./walk-state.ts";
import { walkField, walkMessage } from "./walker.ts";

export interface AdmissionSettings extends WalkerLimits {
  readonly partitions: number;
  /** Largest record, bytes. Default: that of the log. */
  readonly recordLimitBytes?: number;
}

interface AdmittedRecord {
  readonly partition: number;
  /** An export request of the same signal. It may be the request's own bytes. */
  readonly value: Uint8Array;
}

type RejectionReason = "invalid_id" | "too_large";

interface RejectedItems {
  readonly reason: RejectionReason;
  readonly count: number;
  /** The first one's place and what is wrong with it. */
  readonly example: string;
}

export interface Admitted {
  readonly records: readonly AdmittedRecord[];
  /** Spans, data points or log records in `records`. */
  readonly items: number;
  readonly rejected: readonly RejectedItems[];
  readonly cuts: Readonly<CutCounts>;
}

/** Throws `payload_invalid` naming place and reason when the bytes are no export request of the signal. */
export type Admit = (signal: Signal, request: Uint8Array) => Admitted;

export const requestMessages: Readonly<Record<Signal, OtlpMessage>> = {
  traces: otlpMessages.ExportTraceServiceRequest,
  metrics: otlpMessages.ExportMetricsServiceRequest,
  logs: otlpMessages.ExportLogsServiceRequest,
};

/** What lies below each level: by field number, the next level or the item. */
const childFields: ReadonlyMap<OtlpMessage, ReadonlyMap<number, OtlpMessage>> = new Map(
  [
    [otlpMessages.ExportTraceServiceRequest, 1],
    [otlpMessages.ResourceSpans, 2],
    [otlpMessages.ScopeSpans, 2],
    [otlpMessages.ExportMetricsServiceRequest, 1],
    [otlpMessages.ResourceMetrics, 2],
    [otlpMessages.ScopeMetrics, 2],
    [otlpMessages.Metric, 5, 7, 9, 10, 11],
    [otlpMessages.Gauge, 1],
    [otlpMessages.Sum, 1],
    [otlpMessages.Histogram, 1],
    [otlpMessages.ExponentialHistogram, 1],
    [otlpMessages.Summary, 1],
    [otlpMessages.ExportLogsServiceRequest, 1],
    [otlpMessages.ResourceLogs, 2],
    [otlpMessages.ScopeLogs, 2],
  ].map((row) => {
    const [message, ...numbers] = row as [OtlpMessage, ...number[]];
    return [message, new Map(numbers.map((each) => [each, childOf(message, each)]))];
  }),
);

function childOf(message: OtlpMessage, number: number): OtlpMessage {
  const child = message.byNumber.get(number)?.message;
  if (child === undefined) throw new Error(`${message.name} has no message in field ${number}`);
  return child;
}

/** Request, resource, scope, metric, its data. */
const maxLevels = 5;
const metricDepth = 3;
/** One request at a time; the tables it fills are used again for the next one. */
export function createAdmission(settings: AdmissionSettings): Admit {
  const state = createWalkState(settings);
  const { cursor, edits, ids, cuts } = state;
  const limitBytes = settings.recordLimitBytes ?? recordLimitBytes;
  const levels = Array.from({ length: maxLevels }, createLevel);
  const notes = levels.map(createNotes);
  const traceId = new Uint8Array(16);
  let nextLevelId = 1;

  let bytes: Buffer = Buffer.alloc(0);
  let signal: Signal = "traces";
  let builders = new Map<number, RecordBuilder>();
  let rejected = new Map<RejectionReason, { count: number; example: string }>();
  let items = 0;
  let isTouched = false;
  let partition = 0;

  function admitLevel(depth: number, message: OtlpMessage, start: number, end: number): void {
    const below = childFields.get(message);
    const noted = notes[depth] as Notes;
    if (below === undefined) return;
    readLevel({ depth, message, below, noted }, start, end);
    for (let i = 0; i < noted.length; i += noteSize) {
      const number = noted.numbers[i + 4] as number;
      const child = below.get(number) as OtlpMessage;
      if (childFields.has(child)) {
        (levels[depth + 1] as Level).tag = number * 8 + wireType.bytes;
        admitLevel(
          depth + 1,
          child,
          noted.numbers[i + 2] as number,
          noted.numbers[i + 3] as number,
        );
      } else admitItem(depth, child, i);
    }
    if (noted.length > 0 || depth < metricDepth) return;
    // A metric without points, or of a kind that is not known here, is kept as it is.
    clearEdits(edits);
    builder().add({ levels, depth }, edits, start, start);
  }

  /** Notes the children of a level; its other fields become the header that each record repeats. */
  function readLevel(
    { depth, message, below, noted }: LevelReading,
    start: number,
    end: number,
  ): void {
    const level = levels[depth] as Level;
    level.id = nextLevelId++;
    level.header = createPlan();
    noted.length = 0;
    let resourceStart = start;
    let resourceEnd = start;
    cursor.at = start;
    while (cursor.at < end) {
      const tagAt = cursor.at;
      const tag = readTag(cursor, end);
      const lengthAt = cursor.at;
      if (below.has(tag >>> 3)) {
        expectWire(cursor, tag, wireType.bytes, tagAt);
        const childEnd = readLength(cursor, end);
        pushNote(noted, tagAt, lengthAt, cursor.at, childEnd, tag >>> 3);
        cursor.at = childEnd;
        continue;
      }
      clearEdits(edits);
      walkField(state, message.index, tag, tagAt, end);
      if (edits.count > 0) isTouched = true;
      planEdited(level.header, edits, tagAt, cursor.at);
      if (tag >>> 3 === 1) {
        resourceStart = lengthAt;
        resourceEnd = cursor.at;
      }
    }
    if (depth === 1 && signal !== "traces")
      partition = partitionOfResource(resourceStart, resourceEnd);
  }

  /** The item is noted at `note` among the children of its level. */
  function admitItem(depth: number, message: OtlpMessage, note: number): void {
    const { numbers } = notes[depth] as Notes;
    const tagAt = numbers[note] as number;
    const lengthAt = numbers[note + 1] as number;
    const start = numbers[note + 2] as number;
    const end = numbers[note + 3] as number;
    clearEdits(edits);
    const begun = beginMessage(edits, lengthAt, start);
    walkMessage(state, message.index, start, end);
    endMessage(edits, begun, end, 0);
    if (edits.count > 0) isTouched = true;
    if (message === otlpMessages.Span) {
      const problem = idProblem();
      if (problem !== undefined) {
        reject("invalid_id", start, problem);
        return;
      }
      partition = partitionOfTrace();
    }
    if (builder().add({ levels, depth }, edits, tagAt, end)) items++;
    else
      reject(
        "too_large",
        start,
        `${end - tagAt} bytes and what surrounds them do not fit a record of ${limitBytes} bytes`,
      );
  }

  function idProblem(): string | undefined {
    return (
      oneIdProblem("trace", ids.traceStart, ids.traceBytes, 16) ??
      oneIdProblem("span", ids.spanStart, ids.spanBytes, 8)
    );
  }

  function oneIdProblem(
    name: string,
    start: number,
    size: number,
    expected: number,
  ): string | undefined {
    if (size !== expected) return `${name} id of ${size} bytes, must be ${expected}`;
    for (let i = 0; i < size; i++) if (bytes[start + i] !== 0) return undefined;
    return `${name} id is all zero`;
  }

  function partitionOfTrace(): number {
    if (settings.partitions === 1) return 0;
    for (let i = 0; i < traceId.length; i++) traceId[i] = bytes[ids.traceStart + i] as number;
    return partitionFor(traceId, settings.partitions);
  }

  function partitionOfResource(start: number, end: number): number {
    if (settings.partitions === 1) return 0;
    return partitionFor(bytes.subarray(start, end), settings.partitions);
  }

  function builder(): RecordBuilder {
    const known = builders.get(partition);
    if (known !== undefined) return known;
    const made = createRecordBuilder(limitBytes);
    builders.set(partition, made);
    return made;
  }

  function reject(reason: RejectionReason, at: number, what: string): void {
    isTouched = true;
    const known = rejected.get(reason);
    if (known !== undefined) known.count++;
    else {
      const place = describePosition(bytes, requestMessages[signal], at);
      rejected.set(reason, { count: 1, example: `${place}: ${what}` });
    }
  }

  function walkAll(): void {
    try {
      admitLevel(0, requestMessages[signal], 0, bytes.length);
    } catch (error) {
      if (!(error instanceof ForeshockError)) throw error;
      const place = describePosition(bytes, requestMessages[signal], cursor.failedAt);
      throw new ForeshockError("payload_invalid", `${place} ${error.message}`);
    }
  }

  function records(): AdmittedRecord[] {
    const [only] = builders.keys();
    // Nothing cut, nothing to split: the bytes as they came.
    if (!isTouched && only !== undefined && builders.size === 1 && bytes.length <= limitBytes)
      return [{ partition: only, value: bytes }];
    return [...builders].flatMap(([index, built]) =>
      built.finish(bytes).map((value) => ({ partition: index, value })),
    );
  }

  return (requestSignal, request) => {
    bytes = Buffer.from(request.buffer, request.byteOffset, request.length);
    signal = requestSignal;
    builders = new Map();
    rejected = new Map();
    items = 0;
    isTouched = false;
    cuts.content = 0;
    cuts.tooLong = 0;
    cuts.tooMany = 0;
    setBytes(cursor, bytes);
    state.rules = state.usualRules;
    walkAll();
    return {
      records: records(),
      items,
      rejected: [...rejected].map(([reason, each]) => ({ reason, ...each })),
      cuts: { ...cuts },
    };
  };
}

interface LevelReading {
  readonly depth: number;
  readonly message: OtlpMessage;
  readonly below: ReadonlyMap<number, OtlpMessage>;
  readonly noted: Notes;
}
