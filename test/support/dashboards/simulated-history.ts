/**
 * A simulated fleet's telemetry in a real history, by the product's own stages: spans → aggregate → detect → incident → the
 * archive's rows. Truth is kept beside it, from the fleet's events and never from what was stored.
 */
import { aggregateStage } from "../../../services/aggregate/aggregate.ts";
import { createSpanJudge } from "../../../services/aggregate/span-judge.ts";
import { encodeRecords } from "../../../services/archive/encode-records.ts";
import { frameRecordRows } from "../../../services/archive/frame-record-rows.ts";
import {
  deliveryRecordRows,
  incidentRecordRows,
} from "../../../services/archive/incident-record-rows.ts";
import type { RecordRows } from "../../../services/archive/record-rows.ts";
import { spanRecordRows } from "../../../services/archive/span-record-rows.ts";
import { windowRecordRows } from "../../../services/archive/window-record-rows.ts";
import { type RunPlan, simulate, toRecords } from "../../../services/chatbot/chatbot.ts";
import type { FleetEvent } from "../../../services/chatbot/fleet-event.ts";
import { judgementSchema } from "../../../services/contracts/config.ts";
import { frameRecord } from "../../../services/contracts/frame.ts";
import { type Incident, incidentRecord } from "../../../services/contracts/incident.ts";
import { type Delivery, deliveryRecord } from "../../../services/contracts/records.ts";
import { headers, sourceTopics, topics } from "../../../services/contracts/topics.ts";
import { detectStage } from "../../../services/detect/detect.ts";
import type { History } from "../../../services/history/history.ts";
import { incidentStage } from "../../../services/incident/incident.ts";
import type { LogRecord } from "../../../services/log/log.ts";
import type { Reducer } from "../../../services/stage.ts";
import { type DecodedSpan, decodeSpans } from "../fleet-decoded.ts";
import { contextFor } from "../run-scenario.ts";
import { type Call, type CellVerdict, callsOf, verdictsOf, type World } from "./world.ts";

const sourceTasks = ["otlp_spans/0", "otlp_metrics/0"];
const partitions = { traces: 1, metrics: 1, logs: 1 };
const flushRecords = 500;

/** Plays the plan to its end into `history`, which has its tables; what truly happened comes back. */
export async function fillHistory(history: History, plan: RunPlan): Promise<World> {
  const judgement = judgementSchema.parse({});
  const detect = detectStage.create(contextFor("detect/0", judgement, sourceTasks));
  const incident = incidentStage.create(contextFor("incident/0", judgement, sourceTasks));
  const aggregate = new Map(
    sourceTasks.map((task) => [
      task,
      aggregateStage.create(contextFor(task, judgement, sourceTasks)),
    ]),
  );
  const store = new HistoryWriter(history);
  const incidents: Incident[] = [];
  const deliveries: Delivery[] = [];
  const calls: Call[] = [];
  const verdicts: CellVerdict[] = [];
  const finder = findTrace((plan.startMs + plan.endMs) / 2);

  function watch(event: FleetEvent): void {
    for (const call of callsOf(plan.fleet, event)) {
      calls.push(call);
      finder.watch(call);
    }
  }

  function decide(value: Uint8Array, appendMs: number): void {
    for (const made of step(detect, topics.windows, value, appendMs)) {
      store.add(made.topic, made.value, appendMs, "detect/0");
      if (made.topic !== topics.frames) continue;
      verdicts.push(...verdictsOf(frameRecord.decode(made.value)));
      for (const record of step(incident, topics.frames, made.value, appendMs)) {
        store.add(record.topic, record.value, appendMs, "incident/0");
        const change = incidentRecord.decode(record.value);
        incidents.push(change);
        const delivery = deliveryOf(change);
        if (delivery === undefined) continue;
        deliveries.push(delivery);
        store.add(topics.deliveries, deliveryRecord.encode(delivery), appendMs, "notify/0");
      }
    }
  }

  for (const record of toRecords(watched(plan, watch), { plan, partitions, metrics: false })) {
    const topic = sourceTopics[record.signal];
    const task = aggregate.get(`${topic}/0`);
    if (task === undefined) continue;
    const marks = record.isHeartbeat ? { [headers.heartbeat]: "1" } : {};
    if (topic === topics.traces && !record.isHeartbeat) {
      store.add(topic, record.payload, record.appendMs, "");
      finder.take(record.payload, record.appendMs);
    }
    for (const batch of step(task, topic, record.payload, record.appendMs, marks))
      decide(batch.value, record.appendMs);
    await store.flushFull();
  }
  await store.flush();
  return { calls, verdicts, incidents, deliveries, ...finder.found() };
}

/** Export requests are kept so long, for spans of a trace that ended before it was chosen. */
const keptMs = 180_000;

/** Spans of the first model call that fails after a time, as they were sent. */
function findTrace(afterMs: number) {
  let trace = "";
  let bytes = Buffer.alloc(0);
  let kept: { readonly payload: Uint8Array; readonly appendMs: number }[] = [];
  const traceSpans: DecodedSpan[] = [];

  function search(payload: Uint8Array): void {
    const whole = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    if (!whole.includes(bytes)) return;
    traceSpans.push(...decodeSpans(payload).filter(({ traceId }) => traceId === trace));
  }

  return {
    watch(call: Call): void {
      if (trace !== "" || call.kind !== "genai" || call.outcome === "ok" || call.endMs < afterMs)
        return;
      trace = call.trace;
      bytes = Buffer.from(trace, "hex");
      for (const { payload } of kept) search(payload);
      kept = [];
    },
    take(payload: Uint8Array, appendMs: number): void {
      if (trace !== "") {
        search(payload);
        return;
      }
      kept.push({ payload, appendMs });
      while ((kept[0]?.appendMs ?? appendMs) < appendMs - keptMs) kept.shift();
    },
    found: () => ({ trace, traceSpans }),
  };
}

/** What notify would record of a transition that is told to people: one sink that answers at once. */
function deliveryOf(incident: Incident): Delivery | undefined {
  if (incident.severity === "none" || incident.transition === "opened") return undefined;
  return {
    key: `${incident.incident}/${incident.revision}/webhook`,
    incident: incident.incident,
    transition: incident.transition,
    sink: "webhook",
    severity: incident.severity,
    atMs: incident.atMs,
    outcome: "delivered",
    attempts: 1,
    delayMs: 40,
    detail: "",
  };
}

function* watched(plan: RunPlan, watch: (event: FleetEvent) => void): Generator<FleetEvent> {
  for (const event of simulate(plan)) {
    watch(event);
    yield event;
  }
}

let offset = 0;

function step(
  reducer: Reducer,
  topic: string,
  value: Uint8Array,
  appendMs: number,
  marks: Readonly<Record<string, string>> = {},
) {
  const result = reducer.step({
    topic,
    partition: 0,
    offset: offset++,
    appendMs,
    value,
    headers: marks,
  });
  if (result.rejected !== undefined) throw new Error(result.rejected.reason);
  return result.outputs;
}

/** Records into rows as the archive makes them, a few hundred records an insert. */
class HistoryWriter {
  readonly #history: History;
  readonly #pending = new Map<string, LogRecord[]>();
  readonly #next = new Map<string, number>();
  readonly #encoders: Readonly<Record<string, RecordRows>> = {
    [topics.traces]: spanRecordRows({
      maxRows: 50_000,
      content: { keepContent: false, contentAttributes: [] },
      judge: createSpanJudge(),
    }),
    [topics.closed]: windowRecordRows({ maxRows: 50_000 }),
    [topics.frames]: frameRecordRows({ maxRows: 50_000 }),
    [topics.incidents]: incidentRecordRows({ maxRows: 50_000 }),
    [topics.deliveries]: deliveryRecordRows({ maxRows: 50_000 }),
  };

  constructor(history: History) {
    this.#history = history;
  }

  add(topic: string, value: Uint8Array, appendMs: number, task: string): void {
    const at = this.#next.get(topic) ?? 0;
    this.#next.set(topic, at + 1);
    const records = this.#pending.get(topic) ?? [];
    this.#pending.set(topic, records);
    records.push({
      topic,
      partition: 0,
      offset: at,
      appendMs,
      key: undefined,
      value,
      headers: task === "" ? {} : { [headers.task]: task, [headers.sequence]: String(at + 1) },
    });
  }

  async flushFull(): Promise<void> {
    for (const [topic, records] of this.#pending)
      if (records.length >= flushRecords) await this.#flushTopic(topic, records);
  }

  async flush(): Promise<void> {
    for (const [topic, records] of this.#pending) await this.#flushTopic(topic, records);
  }

  async #flushTopic(topic: string, records: readonly LogRecord[]): Promise<void> {
    const encoder = this.#encoders[topic];
    const first = records[0];
    this.#pending.delete(topic);
    if (encoder === undefined || first === undefined) return;
    const { blocks, rejections } = await encodeRecords(encoder, records, () => undefined);
    if (rejections[0] !== undefined) throw new Error(rejections[0].reason);
    const token = `${topic}/0/${first.offset}-${first.offset + records.length}`;
    for (const { table, bytes, tokenSuffix } of blocks)
      await this.#history.insert({ table, block: bytes, token: `${token}/${tokenSuffix}` });
  }
}
