/** What must hold of log, history and webhook after any number of kills; everything that does not, one by one. */

import { parseCellKey } from "../../services/contracts/cell.ts";
import type { Config } from "../../services/contracts/config.ts";
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import { type Delivery, deliveryRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import { counter } from "../../services/contracts/window.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import type { History } from "../../services/history/history.ts";
import type { Log, LogRecord } from "../../services/log/log.ts";
import {
  differences,
  outcomeOf,
  readTopic,
  replayOutcome,
  sourceRecords,
} from "./hard-log-outcome.ts";
import { countPlainly, spansIn } from "./kill-count.ts";
import { verifyHistory } from "./kill-history.ts";
import { spanKey } from "./kill-traffic.ts";
import { ExportLogsServiceRequest, ExportMetricsServiceRequest } from "./otlp-proto.ts";

export interface Violation {
  readonly kind: "lost" | "doubled" | "mismatch" | "missed delivery";
  /** When what is concerned came in, Unix ms: the kill after it is to blame. */
  readonly atMs: number;
  readonly what: string;
}

export interface Evidence {
  readonly log: Log;
  readonly history: History;
  readonly config: Config;
  /** Ids in acknowledged requests, with the time of sending, Unix ms. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** Keys that the webhook took. */
  readonly received: ReadonlySet<string>;
  /** Windows that end by then must be closed, Unix ms. */
  readonly untilMs: number;
}

export interface Findings {
  readonly violations: readonly Violation[];
  /** How much was looked at, by name. */
  readonly looked: Readonly<Record<string, number>>;
}

export async function verify(evidence: Evidence): Promise<Findings> {
  const { log, config } = evidence;
  const spans = await readTopic(log, topics.traces);
  const written = await outcomeOf(log);
  const sources = await sourceRecords(log);
  const replayed = replayOutcome(sources, {
    judgement: config.judgement,
    partitions: config.log.partitions,
    closesAll: false,
  });
  const lastMs = sources.at(-1)?.appendMs ?? 0;
  const closed = written.records[topics.closed];
  const isEnough = closesUntil(closed, config.log.partitions) >= evidence.untilMs;
  // Windows that only the last heartbeats let close may be open still; all that had traffic are not.
  const open = Math.ceil((lastMs - evidence.untilMs) / config.judgement.window.lengthMs) + 2;
  const different = differences(written.outcome, replayed.outcome, (channel) =>
    isEnough ? (channel.startsWith(topics.incidents) ? 0 : open) : 0,
  );
  const incidents = written.records[topics.incidents].map(({ value }) =>
    incidentRecord.decode(value),
  );
  const deliveries = await readTopic(log, topics.deliveries);
  const counted = countsOf(spans, closed, config);
  const violations = [
    ...(await acknowledgedButMissing(evidence, spans)),
    ...counted.violations,
    ...[...different, ...written.broken].map((what) => mismatch(what)),
    ...deliveryViolations(incidents, deliveries, evidence.received),
    ...(await verifyHistory(evidence.history, { spans, written, deliveries })),
  ];
  return {
    violations,
    looked: {
      acknowledged: evidence.acknowledged.size,
      "source records": sources.length,
      calls: counted.calls,
      "counted calls": counted.counted,
      "late calls": counted.late,
      "repeated calls": counted.duplicates,
      "closed windows": closed.length,
      frames: written.records[topics.frames].length,
      "incident transitions": incidents.length,
      "records written again": written.repeats,
      deliveries: deliveries.length,
    },
  };
}

const mismatch = (what: string, atMs = 0): Violation => ({ kind: "mismatch", atMs, what });

/** End of the last window that every detect task has closed, Unix ms. */
export function closesUntil(closed: readonly LogRecord[], partitions: number): number {
  const ends = new Map<string, number>();
  for (const { value } of closed) {
    const { task, windowStartMs, windowMs } = decodeWindow(value);
    ends.set(task, Math.max(ends.get(task) ?? 0, windowStartMs + windowMs));
  }
  return ends.size < partitions ? 0 : Math.min(...ends.values());
}

async function acknowledgedButMissing(
  { log, acknowledged }: Evidence,
  spans: readonly LogRecord[],
): Promise<Violation[]> {
  const stored = new Set(spans.flatMap(({ value }) => spansIn(value).map(spanKey)));
  for (const { value } of await readTopic(log, topics.metrics))
    for (const group of ExportMetricsServiceRequest.decode(value).resourceMetrics ?? [])
      for (const { metrics } of group.scopeMetrics ?? [])
        for (const { gauge } of metrics ?? [])
          for (const point of gauge?.dataPoints ?? []) stored.add(`metric ${point.asInt}`);
  for (const { value } of await readTopic(log, topics.logs))
    for (const group of ExportLogsServiceRequest.decode(value).resourceLogs ?? [])
      for (const { logRecords } of group.scopeLogs ?? [])
        for (const { eventName } of logRecords ?? []) stored.add(`log ${eventName}`);
  return [...acknowledged]
    .filter(([content]) => !stored.has(content))
    .map(([content, atMs]) => ({
      kind: "lost",
      atMs,
      what: `${content} was acknowledged, but is not in the log`,
    }));
}

interface Counts {
  readonly violations: readonly Violation[];
  readonly calls: number;
  readonly counted: number;
  readonly late: number;
  readonly duplicates: number;
}

/** Calls by window and model: as closed windows have them against a plain count of the log. */
function countsOf(
  spans: readonly LogRecord[],
  closed: readonly LogRecord[],
  config: Config,
): Counts {
  const expected = new Map<string, number>();
  const total = { calls: 0, counted: 0, late: 0, duplicates: 0 };
  for (let partition = 0; partition < config.log.partitions; partition++) {
    const own = spans.filter((record) => record.partition === partition);
    const plain = countPlainly(own, config.judgement.window);
    total.calls += plain.calls;
    total.late += plain.late;
    total.duplicates += plain.duplicates;
    for (const [key, count] of plain.counted) expected.set(key, (expected.get(key) ?? 0) + count);
  }
  const seen = new Map<string, number>();
  for (const { value } of closed) {
    const window = decodeWindow(value);
    for (const cell of window.cells) {
      const { kind, model } = parseCellKey(cell.cell);
      if (kind !== "genai") continue;
      const key = `${window.windowStartMs}/${model}`;
      seen.set(key, (seen.get(key) ?? 0) + counter(cell, "requests"));
    }
  }
  const until = closesUntil(closed, config.log.partitions);
  const violations: Violation[] = [];
  for (const key of new Set([...expected.keys(), ...seen.keys()])) {
    const startMs = Number(key.split("/")[0]);
    if (startMs >= until) continue;
    const left = seen.get(key) ?? 0;
    const right = expected.get(key) ?? 0;
    total.counted += left;
    if (left !== right)
      violations.push({
        kind: left < right ? "lost" : "doubled",
        atMs: startMs,
        what: `window ${key} counts ${left} calls, the log has ${right}`,
      });
  }
  if (total.counted + total.late + total.duplicates !== total.calls && violations.length === 0)
    violations.push(
      mismatch(
        `${total.counted} counted + ${total.late} late + ${total.duplicates} repeated calls are not the ${total.calls} of the log`,
      ),
    );
  return { violations, ...total };
}

const rank = { none: 0, ticket: 1, page: 2 } as const;

interface ToldSoFar {
  readonly severity: Incident["severity"];
  readonly cells: number;
  readonly isOver: boolean;
  /** 1 for the first opening. */
  readonly opening: number;
}

/** Keys of everything that a sink without silences is owed, with the times of the transitions. */
export function owedKeys(incidents: readonly Incident[], sink: string): Map<string, number> {
  const owed = new Map<string, number>();
  const told = new Map<string, ToldSoFar>();
  for (const incident of incidents) {
    const { incident: id, severity, degradedCells: cells, atMs } = incident;
    const owe = (what: string) => owed.set(`${id}/${what}/${sink}`, atMs);
    const isOver = incident.phase === "resolved";
    let before = told.get(id) ?? { severity: "none", cells: 0, isOver: false, opening: 1 };
    if (before.isOver && !isOver)
      before = { severity: "none", cells: 0, isOver: false, opening: before.opening + 1 };
    const { opening } = before;
    const nth = opening === 1 ? "" : `-${opening}`;
    if (isOver) {
      if (before.severity === "none" || before.isOver) continue;
      owe(`resolved${nth}`);
      told.set(id, { ...before, isOver });
    } else if (rank[severity] > rank[before.severity]) {
      owe(`${severity === "page" ? "paged" : "ticketed"}${nth}`);
      told.set(id, { severity, cells, isOver, opening });
    } else if (severity !== "none" && cells > before.cells && cells >= 1.5 * before.cells) {
      owe(`r${incident.revision}`);
      told.set(id, { severity, cells, isOver, opening });
    }
  }
  return owed;
}

function deliveryViolations(
  incidents: readonly Incident[],
  records: readonly LogRecord[],
  received: ReadonlySet<string>,
): Violation[] {
  const violations: Violation[] = [];
  const recorded = new Map<string, Delivery[]>();
  for (const { value } of records) {
    const delivery = deliveryRecord.decode(value);
    recorded.set(delivery.key, [...(recorded.get(delivery.key) ?? []), delivery]);
  }
  const owed = owedKeys(incidents, "webhook");
  for (const [key, atMs] of owed) {
    if (!received.has(key))
      violations.push({ kind: "missed delivery", atMs, what: `${key} never came to the webhook` });
    if (!recorded.has(key))
      violations.push({ kind: "lost", atMs, what: `delivery ${key} is not on record` });
  }
  for (const [key, deliveries] of recorded) {
    const { atMs = 0, outcome } = deliveries[0] ?? {};
    if (deliveries.length > 1)
      violations.push({
        kind: "doubled",
        atMs,
        what: `${key} is on record ${deliveries.length} times`,
      });
    if (outcome !== "delivered")
      violations.push(mismatch(`${key} is on record as ${outcome}`, atMs));
    if (!owed.has(key))
      violations.push(mismatch(`${key} was told, but no incident calls for it`, atMs));
  }
  return violations;
}
