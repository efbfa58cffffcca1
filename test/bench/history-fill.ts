/**
 * A long history out of a short one: half an hour of a small fleet goes through the product's own stages into the engine, and copies of
 * its rows, each half an hour earlier, with ids and values of their own, make up the rest inside the engine.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadFleet, planRun } from "../../services/chatbot/chatbot.ts";
import { scenarioSchema } from "../../services/chatbot/scenario-schema.ts";
import type { History } from "../../services/history/history.ts";
import type { Chosen } from "../support/dashboards/expand.ts";
import { rollUpAll } from "../support/dashboards/roll-up-all.ts";
import { scenesOf } from "../support/dashboards/scenes.ts";
import { fillHistory } from "../support/dashboards/simulated-history.ts";

interface FillOptions {
  readonly spans: number;
  readonly days: number;
  readonly requestsPerSecond: number;
  readonly seed: number;
  /** Called after each insert, with the share that is done. */
  readonly onProgress: (share: number) => void;
}

export interface Filled {
  /** What variables stand at: an incident and a trace that are there. */
  readonly chosen: Chosen;
  readonly startMs: number;
  readonly endMs: number;
  readonly rows: Readonly<Record<string, number>>;
}

const periodMs = 1_800_000;
const baseStartMs = Date.UTC(2026, 2, 2, 12);
const dayMs = 86_400_000;
/** What copying takes of the time, about; the rest is adding up. */
const copyShare = 0.9;
/** Rows of one insert, about. */
const insertRows = 400_000;

const scenario = scenarioSchema.parse({
  scenario: "outage",
  title: "One provider fails",
  about: "",
  kind: "fault",
  quietMinutes: 15,
  tailMinutes: 8,
  holdMinutes: 5,
  faults: [
    {
      name: "outage",
      target: { operation: ["chat", "stream"] },
      effect: { kind: "error", classes: { overloaded: 2, server_error: 1 } },
      ramp: { shape: "step" },
      to: 0.6,
      recoverMinutes: 0.1,
    },
  ],
});

/** Three models in one region: as many cells as a history of 90 days can be made of in minutes. */
function basePlan(requestsPerSecond: number, seed: number) {
  const whole = loadFleet();
  const fleet = loadFleet({
    requestsPerSecond,
    tenants: 60,
    instancesPerRegion: 2,
    regions: whole.regions.slice(0, 1),
    models: whole.models.slice(0, 3),
  });
  return planRun({ scenario, seed, fleet, startMs: baseStartMs, durationMs: periodMs });
}

/** The same once: what is in `note` was filled by an earlier run, which left what it knew there. */
export async function fillOnce(
  history: History,
  options: FillOptions,
  note: string | undefined,
): Promise<Filled> {
  if (note !== undefined && existsSync(note))
    return JSON.parse(readFileSync(note, "utf8")) as Filled;
  const filled = await fillLong(history, options);
  if (note !== undefined) writeFileSync(note, JSON.stringify(filled));
  return filled;
}

/** Tables must be there and empty. */
async function fillLong(history: History, options: FillOptions): Promise<Filled> {
  const plan = basePlan(options.requestsPerSecond, options.seed);
  const world = await fillHistory(history, plan);
  // Minutes are copied as well: adding up 90 days would take longer than all the rest. Hours are made of them as the archive makes them.
  await rollUpAll(history, plan.endMs);
  const copies = Math.ceil((options.days * dayMs) / periodMs) - 1;
  const spanCopies = Math.ceil(options.spans / (await countOf(history, "spans"))) - 1;
  const jobs = [
    ...(await copyJobs(history, "windows", copies)),
    ...(await copyJobs(history, "windows_minute", copies)),
    ...(await copyJobs(history, "verdicts", copies)),
    ...(await copyJobs(history, "verdicts_minute", copies)),
    ...(await copyJobs(history, "spans", spanCopies)),
    ...(await copyJobs(history, "incidents", copies)),
  ];
  for (const [done, job] of jobs.entries()) {
    await history.command(job);
    options.onProgress((copyShare * (done + 1)) / jobs.length);
  }
  // Else the hours count as added up from the time before the copies.
  await history.command("TRUNCATE TABLE rolled_up");
  await rollUpAll(history, plan.endMs, (share) =>
    options.onProgress(copyShare + (1 - copyShare) * share),
  );
  const rows: Record<string, number> = {};
  for (const table of Object.keys(replaced) as Copied[]) {
    await history.command(`DROP TABLE base_${table}`);
    rows[table] = await countOf(history, table);
  }
  return {
    chosen: scenesOf({ plan, world })[0]?.chosen ?? {},
    startMs: plan.endMs - (copies + 1) * periodMs,
    endMs: plan.endMs,
    rows,
  };
}

async function countOf(history: History, table: string): Promise<number> {
  const [row] = await history.query<{ n: string }>(`SELECT count() AS n FROM ${table}`);
  return Number(row?.n);
}

type Copied = "windows" | "windows_minute" | "verdicts" | "verdicts_minute" | "spans" | "incidents";

/** Statements that copy a table's rows `copies` times, oldest first. */
async function copyJobs(history: History, table: Copied, copies: number): Promise<string[]> {
  await history.command(`CREATE TABLE base_${table} ENGINE = Memory AS SELECT * FROM ${table}`);
  const each = Math.max(1, Math.floor(insertRows / Math.max(1, await countOf(history, table))));
  const jobs: string[] = [];
  for (let last = copies; last > 0; last -= each) {
    const first = Math.max(1, last - each + 1);
    jobs.push(copySql(table, first, last));
  }
  return jobs;
}

const earlier = (column: string) =>
  `${column} - toIntervalMillisecond(copy * ${periodMs}) AS ${column}`;
/** Between 0.9 and 1.1, by row. */
const scaled = (column: string) =>
  `arrayMap(x -> x * (0.9 + own % 1000 / 5000), ${column}) AS ${column}`;
/** A few buckets off, by row: else copies would compress as no real rows do. */
const moved = (sketch: string) =>
  `arrayMap(x -> toInt32(x + own % 13), ${sketch}_buckets) AS ${sketch}_buckets`;
const offsets = "source_offset + 1000000000 - copy * 100000 AS source_offset";

const sketches = ["duration", "ttft", "tpot", "output_tokens", "input_tokens"];

const replaced: Readonly<Record<Copied, readonly string[]>> = {
  windows: [offsets, earlier("append_time"), earlier("window_start"), ...sketches.map(moved)],
  windows_minute: [earlier("window_start"), ...sketches.map(moved)],
  verdicts: [
    offsets,
    earlier("append_time"),
    earlier("window_start"),
    ...["seen", "expected", "low", "high", "score"].map(scaled),
  ],
  verdicts_minute: [
    earlier("window_start"),
    ...["seen_sum", "low_sum", "high_sum", "times_sum", "score"].map(scaled),
  ],
  spans: [
    offsets,
    earlier("append_time"),
    earlier("timestamp"),
    "duration + own % 100000000 AS duration",
    "CAST(sipHash128(trace_id, copy), 'FixedString(16)') AS trace_id",
    "CAST(substring(sipHash128(span_id, copy), 1, 8), 'FixedString(8)') AS span_id",
    "if(parent_span_id = toFixedString('', 8), parent_span_id, CAST(substring(sipHash128(parent_span_id, copy), 1, 8), 'FixedString(8)')) AS parent_span_id",
    "if(gen_ai_response_id = '', '', concat('chatcmpl-', base64URLEncode(sipHash128(gen_ai_response_id, copy)))) AS gen_ai_response_id",
    "if(gen_ai_usage_input_tokens < 0, -1, gen_ai_usage_input_tokens + own % 97) AS gen_ai_usage_input_tokens",
    "if(gen_ai_usage_output_tokens < 0, -1, gen_ai_usage_output_tokens + own % 89) AS gen_ai_usage_output_tokens",
    "gen_ai_response_time_to_first_chunk * (0.9 + own % 1000 / 5000) AS gen_ai_response_time_to_first_chunk",
  ],
  incidents: [
    offsets,
    ...["append_time", "at", "window_start", "opened"].map(earlier),
    "concat(incident, '-', toString(copy)) AS incident",
    `if(since = toDateTime64(0, 3), since, since - toIntervalMillisecond(copy * ${periodMs})) AS since`,
    `if(resolved = toDateTime64(0, 3), resolved, resolved - toIntervalMillisecond(copy * ${periodMs})) AS resolved`,
  ],
};

/** Incidents once a day: more would be no fleet that anybody runs. */
const incidentEvery = dayMs / periodMs;

function copySql(table: Copied, first: number, last: number): string {
  const chosen = table === "incidents" ? `WHERE copy % ${incidentEvery} = 0` : "";
  const row = table.endsWith("_minute")
    ? "window_start, model, operation"
    : "source_offset, source_index";
  return `INSERT INTO ${table} SELECT * EXCEPT (copy, own) REPLACE (${(replaced[table]).join(", ")})
    FROM (
      SELECT *, cityHash64(copy, ${row}) AS own
      FROM (SELECT toInt64(${last} - number) AS copy FROM numbers(${last - first + 1})) AS copies
      CROSS JOIN base_${table}
      ${chosen}
    )
    SETTINGS max_insert_threads = 1, max_threads = 1, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 0`;
}
