/** Records of every topic that the archive reads, numbered as their tasks number them. */

import { cellKey } from "../../services/contracts/cell.ts";
import { frameRecord } from "../../services/contracts/frame.ts";
import { incidentRecord } from "../../services/contracts/incident.ts";
import { deliveryRecord } from "../../services/contracts/records.ts";
import { headers, topics } from "../../services/contracts/topics.ts";
import { encodeWindow } from "../../services/contracts/window-write.ts";
import type { AppendRecord } from "../../services/log/log.ts";
import { anIncident } from "./incidents.ts";
import { ExportTraceServiceRequest } from "./otlp-proto.ts";
import { aCell, aCellFrame, aCellWindow, aFrame, aVerdict, aWindow } from "./records.ts";

const startMs = Date.UTC(2026, 10, 24, 12);

/** A request with so many spans, all named after it. */
export function spanRecord(name: string, spans: number, partition = 0): AppendRecord {
  const value = ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "chatbot" } }] },
        scopeSpans: [
          {
            spans: Array.from({ length: spans }, (_, i) => ({
              traceId: Uint8Array.from({ length: 16 }, (_, at) =>
                at < 2 ? (i >> (8 * at)) & 255 : 1,
              ),
              spanId: Uint8Array.from({ length: 8 }, (_, at) =>
                at < 2 ? (i >> (8 * at)) & 255 : 2,
              ),
              name,
              kind: 3,
              startTimeUnixNano: String(BigInt(startMs) * 1_000_000n),
              endTimeUnixNano: String(BigInt(startMs + 1_500) * 1_000_000n),
              attributes: [
                { key: "gen_ai.request.model", value: { stringValue: "gpt-4o" } },
                { key: "tenant.id", value: { stringValue: `t${i % 7}` } },
              ],
            })),
          },
        ],
      },
    ],
  });
  return { topic: topics.traces, partition, value };
}

const numbered = (task: string, sequence: number) => ({
  [headers.task]: task,
  [headers.sequence]: String(sequence),
});
const windowStart = (sequence: number) => startMs + sequence * 5_000;
const cells = ["eu-west-1", "us-east-1"].map((region) => cellKey(aCell({ region })));

/** A closed window of two cells. */
export const closedRecord = (sequence: number, partition = 0): AppendRecord => ({
  topic: topics.closed,
  partition,
  headers: numbered(`detect/${partition}`, sequence),
  value: encodeWindow(
    aWindow({
      task: `detect/${partition}`,
      windowStartMs: windowStart(sequence),
      cells: cells.map((cell) =>
        aCellWindow({ cell, sketches: { 1: { buckets: [5, 900], counts: [3, 4] } } }),
      ),
    }),
  ),
});

/** A frame of two cells, one of them anomalous. */
export const frameOf = (sequence: number, task = "detect/0"): AppendRecord => ({
  topic: topics.frames,
  partition: 0,
  headers: numbered(task, sequence),
  value: frameRecord.encode(
    aFrame({
      task,
      windowStartMs: windowStart(sequence),
      cells: cells.map((cell, index) =>
        aCellFrame({
          cell,
          signals: [
            aVerdict({ seen: null }),
            aVerdict({
              signal: "ttft",
              state: index === 0 ? "anomalous" : "warming",
              reasons: [{ detector: "ewma", surprise: 4 }],
            }),
          ],
        }),
      ),
    }),
  ),
});

export const incidentOf = (sequence: number): AppendRecord => ({
  topic: topics.incidents,
  partition: 0,
  headers: numbered("incident/0", sequence),
  value: incidentRecord.encode(
    anIncident({ revision: sequence, windowStartMs: windowStart(sequence) }),
  ),
});

/** Deliveries are known by their key: `sequence` says nothing. */
export const deliveryOf = (key: string, sequence: number): AppendRecord => ({
  topic: topics.deliveries,
  partition: 0,
  headers: numbered("notify/0", sequence),
  value: deliveryRecord.encode({
    key,
    incident: "7f3a91c2",
    transition: "paged",
    sink: "terminal",
    severity: "page",
    atMs: startMs,
    outcome: "delivered",
    attempts: 1,
    delayMs: 12.5,
    detail: "",
  }),
});
