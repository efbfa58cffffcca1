/**
 * How far it goes: many series, many partitions, many names, and a start after a crash with all of them.
 *   npm run bench:scale -- [--json FILE] [--seed N] [--quick]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showProgress } from "../../services/command/progress.ts";
import { scriptFlags } from "../support/script-flags.ts";
import type { JunkResult } from "./scale-junk.ts";
import {
  costOf,
  type PartitionsCost,
  type PartitionsResult,
  writeLoad,
} from "./scale-partitions.ts";
import type { ScaleJob } from "./scale-run.ts";
import type { TicksJob, TicksResult } from "./scale-ticks.ts";
import { benchFlags, benchOptions, median, publish, ratioFigures } from "./support/report.ts";

const flags = benchFlags(scriptFlags(import.meta.filename, benchOptions));
const { isQuick, seed } = flags;
const series = isQuick ? 3_400 : 100_000;
/** Filling goes through the whole application and its history, ten times the cost of detect alone. */
const restartSeries = isQuick ? 1_700 : 17_000;
const rounds = isQuick ? 1 : 5;
const figures: Record<string, number> = {};
const absent: Record<string, string> = {
  growth_ratio_90d_to_1h:
    "measured by bench:history, which fills 90 days of tables: dashboards ask nothing else",
};
const rows: Readonly<Record<string, unknown>>[] = [];
const progress = showProgress("scale", 5 + 4 * rounds);
let done = 0;

/** Runs a job to its answer; `isKilled`: the process dies by SIGKILL with what it has open. */
async function measure<Result>(job: ScaleJob, isKilled = false) {
  const child = fork(join(import.meta.dirname, "scale-run.ts"), {
    execArgv: [...process.execArgv, "--expose-gc", "--max-old-space-size=8192"],
  });
  const startedMs = performance.now();
  try {
    child.send(job);
    const [answer] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => [{ error: `${job.kind} ended with code ${code}` }]),
    ]);
    if (answer.error !== undefined) throw new Error(answer.error);
    return { result: answer as Result, seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    if (child.exitCode === null) {
      child.kill(isKilled ? "SIGKILL" : "SIGTERM");
      await once(child, "exit");
    }
    progress.update(++done, job.kind);
  }
}

/** Where data of a job lies while it runs. */
async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "foreshock-scale-"));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One part of the bench; what stops it stands where its figures would, and the others go on. */
async function part(names: readonly string[], measurePart: () => Promise<void>): Promise<void> {
  try {
    await measurePart();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    for (const name of names)
      if (!(name in figures)) absent[name] = reason.split("\n")[0] ?? reason;
  }
}

async function ticks(job: Omit<TicksJob, "kind" | "seed">): Promise<TicksResult> {
  const { result } = await measure<TicksResult>({ ...job, kind: "ticks", seed });
  rows.push({ part: "ticks", ...result });
  return result;
}

await part(["tick_core_ratio_100k_series", "bytes_per_quiet_series"], async () => {
  const quiet = await ticks({ series, every: 20, ticks: isQuick ? 60 : 120 });
  figures["tick_core_ratio_100k_series"] = (quiet.cpuSecondsPerTick * 100_000) / quiet.series;
  figures["bytes_per_quiet_series"] = quiet.bytesPerQuietSeries;
});
await part(["bytes_per_busy_series", "busy_series_tick_ns"], async () => {
  const busy = await ticks({ series: Math.ceil(series / 10), every: 1, ticks: 60 });
  figures["bytes_per_busy_series"] = busy.bytesPerSeries;
  figures["busy_series_tick_ns"] = busy.nsPerSeriesTick;
});

await part(["junk_named_after_s"], async () => {
  const junk = await measure<JunkResult>({ kind: "junk", names: isQuick ? 100_000 : 1_000_000 });
  rows.push({ part: "junk", ...junk.result });
  figures["junk_named_after_s"] = junk.result.namedAfterS;
});

await part(["restart_ready_s"], () =>
  withDirectory(async (directory) => {
    const job = { directory, series: restartSeries, seed };
    await measure({ ...job, kind: "fill" }, true);
    const { result, seconds } = await measure<object>({ ...job, kind: "ready" }, true);
    figures["restart_ready_s"] = seconds;
    rows.push({ part: "restart", series: restartSeries, seconds, ...result });
  }),
);

await part(["cpu_per_span_ratio_16_to_1"], () =>
  withDirectory(async (directory) => {
    const payloadsFile = join(directory, "requests");
    const [warmUpRequests, short, long] = isQuick ? [10, 20, 60] : [100, 200, 900];
    const load = { payloadsFile, ...writeLoad(payloadsFile, warmUpRequests + long, seed) };
    const cpuSecondsOf = async (partitions: number, requests: number) => {
      const { result } = await withDirectory((own) => {
        const job = { ...load, partitions, warmUpRequests, requests, directory: own };
        return measure<PartitionsResult>({ ...job, kind: "partitions" });
      });
      rows.push({ part: "partitions", ...result });
      return result;
    };
    const costs: { readonly one: PartitionsCost; readonly sixteen: PartitionsCost }[] = [];
    for (let round = 0; round < rounds; round++) {
      const shortOne = await cpuSecondsOf(1, short);
      const shortSixteen = await cpuSecondsOf(16, short);
      const longOne = await cpuSecondsOf(1, long);
      const longSixteen = await cpuSecondsOf(16, long);
      costs.push({
        one: costOf(shortOne, longOne),
        sixteen: costOf(shortSixteen, longSixteen),
      });
    }
    Object.assign(
      figures,
      ratioFigures(
        "cpu_per_span_ratio_16_to_1",
        costs.map(({ one, sixteen }) => sixteen.perSpanUs / one.perSpanUs),
      ),
      ratioFigures(
        "cpu_ratio_16_to_1_with_start_and_end",
        costs.map(({ one, sixteen }) => sixteen.allSeconds / one.allSeconds),
      ),
    );
    for (const [name, key] of [
      ["1_partition", "one"],
      ["16_partitions", "sixteen"],
    ] as const) {
      figures[`cpu_us_per_span_${name}`] = median(costs.map((cost) => cost[key].perSpanUs));
      figures[`cpu_s_start_and_end_${name}`] = median(costs.map((cost) => cost[key].fixedSeconds));
    }
  }),
);
progress.end();

publish(flags, "scale", { figures, rows, absent });
