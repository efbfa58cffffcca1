/** How long panels take: each is asked through the HTTP interface as an outsider, as Grafana would, over several ranges. */
import { type PanelQuery, panelQueries } from "../../dashboards/panel-queries.ts";
import { expandQuery, type Range } from "../support/dashboards/expand.ts";
import type { HistoryServer } from "../support/history-server.ts";
import type { Filled } from "./history-fill.ts";
import { cpuSecondsOf } from "./support/cpu.ts";
import { median } from "./support/report.ts";

const hourMs = 3_600_000;
export const ranges = { "1h": 1, "24h": 24, "7d": 168, "90d": 2_160 } as const;
export type RangeName = keyof typeof ranges;

export interface PanelTime {
  readonly dashboard: string;
  readonly panel: string;
  readonly range: RangeName;
  /** Median of the times it was asked. */
  readonly ms: number;
  /** Processor time of the engine, mean, to 10 ms: what a machine with nothing else to do would divide by its cores. */
  readonly cpuMs: number;
  /** What the engine said where it gave no answer. */
  readonly error?: string;
}

/** A panel's width in points, as Grafana divides a range by it. */
const points = 1_000;
const steps = [5, 10, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800];

const stepOf = (lengthMs: number) =>
  steps.find((step) => step * 1000 * points >= lengthMs) ?? 21_600;

interface PanelRun {
  readonly server: HistoryServer;
  readonly filled: Filled;
  readonly rounds: number;
  readonly onProgress: (done: number, of: number) => void;
}

export async function timePanels(run: PanelRun): Promise<readonly PanelTime[]> {
  const { filled, server, onProgress } = run;
  const names = (Object.keys(ranges) as RangeName[]).filter(
    (name) => filled.endMs - ranges[name] * hourMs >= filled.startMs,
  );
  const times: PanelTime[] = [];
  for (const range of names)
    for (const query of panelQueries) {
      const lengthMs = ranges[range] * hourMs;
      const asked: Range = {
        fromMs: filled.endMs - lengthMs,
        toMs: filled.endMs,
        intervalSeconds: stepOf(lengthMs),
      };
      const sql = expandQuery(query.sql, asked, filled.chosen);
      times.push({ ...named(query), range, ...(await timeOf(server, sql, run.rounds)) });
      onProgress(times.length, names.length * panelQueries.length);
    }
  return times;
}

const named = ({ dashboard, panel }: PanelQuery) => ({ dashboard, panel });

async function timeOf(
  server: HistoryServer,
  sql: string,
  rounds: number,
): Promise<Pick<PanelTime, "ms" | "cpuMs" | "error">> {
  const times: number[] = [];
  const { pid } = server.server;
  const cpuBefore = cpuSecondsOf(pid);
  const taken = () => ({
    ms: median(times),
    cpuMs: (1000 * (cpuSecondsOf(pid) - cpuBefore)) / times.length,
  });
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    const { status, text } = await server.ask({
      body: sql,
      parameters: { default_format: "JSONCompact" },
    });
    times.push(performance.now() - startedMs);
    if (status !== 200) return { ...taken(), error: text.slice(0, 300) };
  }
  return taken();
}

interface TraceTimes {
  readonly ms: readonly number[];
  /** Processor time of the engine, mean. */
  readonly cpuMs: number;
}

/** Times of whole traces by id, as Grafana's data source asks for them; ids are spread over all that is kept. */
export async function timeTraces(
  server: HistoryServer,
  count: number,
  onProgress: (share: number) => void,
): Promise<TraceTimes> {
  const found = await server.history.query<{ id: string }>(
    `SELECT lower(hex(any(trace_id))) AS id FROM spans GROUP BY append_time ORDER BY cityHash64(append_time) LIMIT ${count}`,
  );
  const times: number[] = [];
  const { pid } = server.server;
  const cpuBefore = cpuSecondsOf(pid);
  for (const { id } of found) {
    const startedMs = performance.now();
    const { status, text } = await server.ask({
      body: `SELECT * FROM otel_traces WHERE TraceId = '${id}' ORDER BY Timestamp`,
      parameters: { default_format: "JSONEachRow" },
    });
    times.push(performance.now() - startedMs);
    if (status !== 200 || text === "") throw new Error(`trace ${id}: ${status} ${text}`);
    onProgress(times.length / count);
  }
  return { ms: times, cpuMs: (1000 * (cpuSecondsOf(pid) - cpuBefore)) / times.length };
}
