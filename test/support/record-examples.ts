/**
 * An example of every record that is written to the log, with how it is read. The compatibility test holds the bytes of
 * each version in `test/fixtures/records/`; `node test/support/write-record-fixtures.ts` adds those of a new kind or version.
 */
import { frameRecord } from "../../services/contracts/frame.ts";
import { incidentRecord } from "../../services/contracts/incident.ts";
import type { JsonRecord } from "../../services/contracts/json-record.ts";
import { breadthIds, sketchIds } from "../../services/contracts/measures.ts";
import {
  checkpointRecord,
  commandRecord,
  controlRecord,
  deadLetterRecord,
  deliveryRecord,
} from "../../services/contracts/records.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import { encodeWindow, windowVersion } from "../../services/contracts/window-write.ts";
import { anIncident } from "./incidents.ts";
import { aCellFrame, aCellWindow, aFrame, aVerdict, aWindow, counters } from "./records.ts";

export interface RecordExample {
  /** File name without version. */
  readonly name: string;
  /** Version that this program writes. */
  readonly version: number;
  readonly extension: "json" | "bin";
  /** Last version that was JSON, of a record that is binary now. */
  readonly jsonUntil?: number;
  readonly example: object;
  encode(value: never): Uint8Array;
  decode(bytes: Uint8Array): object;
}

/** Of the file with the bytes of a version. */
export function extensionOf({ extension, jsonUntil = 0 }: RecordExample, version: number): string {
  return version <= jsonUntil ? "json" : extension;
}

function json<T extends object>(name: string, record: JsonRecord<T>, example: T): RecordExample {
  return {
    name,
    version: record.version,
    extension: "json",
    example,
    encode: record.encode,
    decode: record.decode,
  };
}

const atMs = 1_800_000_000_000;

const latency = { buckets: [40, 41, 44], counts: [3, 900, 1] };

export const recordExamples: readonly RecordExample[] = [
  {
    name: "window",
    version: windowVersion,
    extension: "bin",
    example: aWindow({
      part: 1,
      parts: 3,
      pipeline: {
        lateSpans: 3,
        clampedSpans: 2,
        duplicateSpans: 70_000,
        outerSpans: 1,
        senders: [{ sender: "chat/é-1", spans: 1_000_000, late: 3, clamped: 2 }],
      },
      cells: [
        aCellWindow({
          counters: counters({
            requests: 2 ** 33,
            spans: 904,
            ok: 900,
            server_error: 4,
            inputTokens: 2 ** 40,
          }),
          sketches: { [sketchIds.duration]: latency, [sketchIds.timeToFirstToken]: latency },
          breadth: { [breadthIds.tenants]: Uint8Array.from({ length: 128 }, (_, i) => i) },
          dimensions: [
            {
              dimension: "service.version",
              values: [
                { value: "7", requests: 900, failures: 4, limited: 1, latency },
                {
                  value: "_other",
                  requests: 4,
                  failures: 0,
                  limited: 0,
                  latency: { buckets: [], counts: [] },
                },
              ],
            },
          ],
          gauges: { in_flight: 12_500, drift: -3 },
          examples: [
            {
              traceId: "0af7651916cd43dd8448eb211c80319c",
              spanId: "b7ad6b7169203331",
              outcome: "server_error",
              durationUs: 1_234_567,
              timeToFirstTokenUs: 0,
            },
          ],
        }),
      ],
    }),
    encode: encodeWindow,
    decode: decodeWindow,
  },
  {
    name: "frame",
    version: frameRecord.version,
    extension: "bin",
    jsonUntil: 1,
    example: aFrame({
      cells: [
        aCellFrame({
          signals: [
            aVerdict({
              state: "anomalous",
              surprise: 7.5,
              seen: null,
              reasons: [{ detector: "ewma", surprise: 7.5 }],
            }),
          ],
          dimensions: [
            {
              dimension: "service.version",
              values: [{ value: "7", requests: 9, failures: 4, limited: 0, slow: 2 }],
            },
          ],
          examples: [
            {
              traceId: "0af7651916cd43dd8448eb211c80319c",
              spanId: "b7ad6b7169203331",
              outcome: "timeout",
              durationUs: 5,
              timeToFirstTokenUs: 0,
            },
          ],
        }),
      ],
    }),
    encode: frameRecord.encode,
    decode: frameRecord.decode,
  },
  json("incident", incidentRecord, anIncident()),
  json("delivery", deliveryRecord, {
    key: "7f3a91c2/paged/pager",
    incident: "7f3a91c2",
    transition: "paged",
    sink: "pager",
    severity: "page",
    atMs,
    outcome: "delivered",
    attempts: 2,
    delayMs: 812,
    detail: "200 OK",
  }),
  json("command", commandRecord, {
    kind: "silence",
    id: "s-1",
    matchers: { "cloud.region": "eu-west-1" },
    by: "ada",
    atMs,
    untilMs: atMs + 3_600_000,
    note: "migration",
  }),
  json("dead-letter", deadLetterRecord, {
    stage: "aggregate",
    topic: "otlp_spans",
    partition: 1,
    offset: 42,
    appendMs: atMs,
    code: "record_invalid",
    reason: "message ends inside a field at byte 7",
    value: "CgM=",
  }),
  json("manifest", controlRecord, {
    kind: "manifest",
    number: 1,
    effectiveFromMs: 0,
    tasks: ["otlp_spans/0", "otlp_spans/1"],
    windowsPartitions: 2,
  }),
  json("epoch", controlRecord, {
    kind: "epoch",
    number: 2,
    effectiveFromMs: atMs,
    hash: "0123456789abcdef",
    judgement: { window: { lengthMs: 5_000 } },
  }),
  json("checkpoint", checkpointRecord, {
    task: "detect/0",
    stage: "detect",
    stateVersion: 1,
    epoch: 1,
    generation: 4_711,
    sequence: 12,
    slot: "b",
    atMs,
    offsets: { "foreshock.windows/0": 1_234 },
    rewind: { "foreshock.windows/0": 1_200 },
    consumed: { "foreshock.windows/0/otlp_spans/0": 99 },
    produced: { "foreshock.closed/0": 33 },
    chunks: ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  }),
];

/** Typed arrays as lists, so that examples compare with what JSON holds. */
export function plain(value: object): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one: unknown) => (one instanceof Uint8Array ? [...one] : one)),
  );
}
