/**
 * What history costs and how fast it answers: 10 million spans and 90 days of windows in the embedded engine, every dashboard's
 * panels over them, traces by id, and the pipeline beside hostile questions.
 *   npm run bench:history -- [--json FILE] [--seed N] [--days N] [--spans N] [--keep DIR] [--quick]
 * `--keep DIR`: the history stays in DIR, and a later run takes it from there instead of filling one again.
 */
import { loadavg } from "node:os";
import { showProgress } from "../../services/command/progress.ts";
import { migrate } from "../../services/history/migrate.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { startHistoryServer } from "../support/history-server.ts";
import { scriptFlags } from "../support/script-flags.ts";
import { measureBacktest } from "./history-backtest.ts";
import { fillOnce } from "./history-fill.ts";
import { measureSlowdown } from "./history-hostile.ts";
import {
  type PanelTime,
  type RangeName,
  ranges,
  timePanels,
  timeTraces,
} from "./history-panels.ts";
import { benchFlags, benchOptions, median, publish, ratioFigures, save } from "./support/report.ts";

const values = scriptFlags(import.meta.filename, {
  ...benchOptions,
  days: { type: "string" },
  spans: { type: "string" },
  keep: { type: "string" },
});
const flags = benchFlags(values);
const days = Number(values.days ?? (flags.isQuick ? 1.25 : 90));
const spans = Number(values.spans ?? (flags.isQuick ? 100_000 : 10_000_000));
const requestsPerSecond = flags.isQuick ? 1 : 3;

const diskTables = {
  disk_bytes_per_span: "spans",
  disk_bytes_per_window_row: "windows",
  disk_bytes_per_verdict_row: "verdicts",
} as const;
const diskNames = Object.keys(diskTables);

await using server = await startHistoryServer(
  values.keep === undefined ? {} : { directory: values.keep },
);
const { history } = server;
await migrate(history);

const absent: Record<string, string> = {};
const figures: Record<string, number> = {};
const rows: Record<string, unknown>[] = [];

/**
 * Does a part of the bench with a line about how far it is, and says how long it took. A part that fails takes its own figures along, and no
 * others.
 */
async function part<T>(
  name: string,
  names: readonly string[],
  run: (onProgress: (share: number) => void) => Promise<T>,
): Promise<T | undefined> {
  const startedMs = performance.now();
  const progress = showProgress(name, 1);
  let how = "";
  try {
    return await run((share) => progress.update(share));
  } catch (error) {
    how = "failed after ";
    for (const each of names) absent[each] = `${name} failed: ${String(error)}`;
    process.exitCode = 1;
    return undefined;
  } finally {
    progress.end();
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    process.stderr.write(`${name}: ${how}${seconds} s\n`);
    rows.push({ part: name, seconds, load_average: loadavg()[0] });
    // Also if it is ended from outside before its last part.
    save(flags, "history", { figures, absent, rows });
  }
}

// Nothing can be asked of a history that is not filled.
const filled = await part("filling the history", ["history"], (onProgress) =>
  fillOnce(
    history,
    { spans, days, requestsPerSecond, seed: flags.seed, onProgress },
    values.keep === undefined ? undefined : `${values.keep}.json`,
  ),
);
if (filled !== undefined) {
  rows.push({
    part: "history",
    days: (filled.endMs - filled.startMs) / 86_400_000,
    ...filled.rows,
  });
  await part("waiting for merges", [], mergesOver);
  await part("weighing tables", diskNames, addDiskFigures);
  await part("asking panels", ["panel_p95_ms", "panel_max_ms"], (onProgress) =>
    timePanels({
      server,
      filled,
      rounds: flags.isQuick ? 1 : 3,
      onProgress: (done, of) => onProgress(done / of),
    }).then(addPanelFigures),
  );
  await part("finding traces", ["trace_by_id_ms"], addTraceFigures);
  await part("hostile questions", ["pipeline_slowdown_ratio"], async (onProgress) => {
    const { alone, busyRatios, ratios } = await measureSlowdown(server, {
      rounds: flags.isQuick ? 1 : 5,
      requests: flags.isQuick ? 20 : 60,
      seed: flags.seed,
      onProgress,
    });
    Object.assign(figures, ratioFigures("pipeline_slowdown_ratio", ratios));
    Object.assign(figures, ratioFigures("pipeline_slowdown_by_busy_threads_ratio", busyRatios));
    rows.push({ part: "slowdown", spans_per_second_alone: median(alone) });
  });
}

// On a history of its own: rows of this one are shifted copies, and records of closed windows cannot be shifted.
await part("backtest", ["backtest_weeks_per_min"], async (onProgress) => {
  const backtest = await measureBacktest({
    windows: flags.isQuick ? 20 : 1_000,
    series: flags.isQuick ? 50 : 1_000,
    seed: flags.seed,
    onProgress,
  });
  figures["backtest_weeks_per_min"] = backtest.weeksPerMinute;
  figures["backtest_weeks_per_cpu_min"] = backtest.weeksPerCpuMinute;
  rows.push({ part: "backtest", ...backtest });
});

publish(flags, "history", { figures, absent, rows });

function addPanelFigures(panels: readonly PanelTime[]): void {
  for (const name of Object.keys(ranges) as RangeName[]) {
    const times = panels.filter(({ range }) => range === name).map(({ ms }) => ms);
    if (times.length === 0) continue;
    figures[`panel_p95_${name}_ms`] = nearestRank(times, 0.95);
    figures[`panel_max_${name}_ms`] = Math.max(...times);
  }
  const times = panels.map(({ ms }) => ms);
  figures["panel_p95_ms"] = nearestRank(times, 0.95);
  figures["panel_max_ms"] = Math.max(...times);
  const cpuTimes = panels.map(({ cpuMs }) => cpuMs);
  figures["panel_p95_cpu_ms"] = nearestRank(cpuTimes, 0.95);
  figures["panel_max_cpu_ms"] = Math.max(...cpuTimes);
  figures["panels_without_answer"] = panels.filter(({ error }) => error !== undefined).length;
  const growth = growthOf(panels);
  if (growth === undefined)
    absent["growth_ratio_90d_to_1h"] = "the history is shorter than 90 days";
  else figures["growth_ratio_90d_to_1h"] = growth;
  for (const { range, ms, cpuMs, dashboard, panel, error } of [...panels]
    .sort((a, b) => b.cpuMs - a.cpuMs)
    .slice(0, 12))
    process.stdout.write(
      `  ${range.padStart(4)}  ${String(Math.round(ms)).padStart(6)} ms  ${String(Math.round(cpuMs)).padStart(5)} ms of processor  ${dashboard}: ${panel}${error === undefined ? "" : `  ${error}`}\n`,
    );
  rows.push(...panels.map((row) => ({ part: "panel", ...row })));
}

async function addTraceFigures(onProgress: (share: number) => void): Promise<void> {
  const floorsMs: number[] = [];
  for (let round = 0; round < 20; round++) {
    const startedMs = performance.now();
    await server.ask({ query: "SELECT 1" });
    floorsMs.push(performance.now() - startedMs);
  }
  const traces = await timeTraces(server, flags.isQuick ? 5 : 30, onProgress);
  figures["select_1_ms"] = median(floorsMs);
  figures["trace_by_id_ms"] = median(traces.ms);
  figures["trace_by_id_p95_ms"] = nearestRank(traces.ms, 0.95);
  figures["trace_by_id_cpu_ms"] = traces.cpuMs;
}

async function addDiskFigures(): Promise<void> {
  const disk = await history.query<{ table: string; rows: string; bytes: string }>(
    `SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE active AND database = currentDatabase() GROUP BY table`,
  );
  for (const [name, table] of Object.entries(diskTables)) {
    const found = disk.find((row) => row.table === table);
    if (found === undefined) absent[name] = "the table is empty";
    else figures[name] = Number(found.bytes) / Number(found.rows);
  }
}

/** Median over panels of how many times longer 90 days take than an hour. */
function growthOf(times: readonly PanelTime[]): number | undefined {
  const byRange = (name: RangeName) =>
    new Map(
      times.filter(({ range }) => range === name).map((row) => [row.dashboard + row.panel, row.ms]),
    );
  const short = byRange("1h");
  const ratios = [...byRange("90d")].map(([panel, ms]) => ms / (short.get(panel) ?? Number.NaN));
  return ratios.length === 0 ? undefined : median(ratios);
}

function nearestRank(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Merges that inserts left behind would run beside the questions. */
async function mergesOver(): Promise<void> {
  for (let quiet = 0, polls = 0; quiet < 3 && polls < 2_400; polls++) {
    await systemClock.sleep(250);
    const [row] = await history.query<{ n: string }>("SELECT count() AS n FROM system.merges");
    quiet = Number(row?.n) === 0 ? quiet + 1 : 0;
  }
}
