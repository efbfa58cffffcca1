/** The whole way, ours against the naive one: payloads in memory, durable log, counted windows, rows in ClickHouse. */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EndToEndJob, EndToEndResult } from "./end-to-end-run.ts";
import { makePayloads, writePayloads } from "./support/payloads.ts";
import { median, ratioFigures } from "./support/report.ts";

export interface EndToEndFigures {
  /** Whether our history has every span once, and our windows count every request once. */
  readonly isExact: boolean;
  readonly figures: Readonly<Record<string, number>>;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

const spansEach = 500;
/** In event time: about what one core takes, so that a window costs as much of a span as it does under such a load. */
const spansPerSecond = 25_000;

const runner = fileURLToPath(new URL("./end-to-end-run.ts", import.meta.url));

/** Runs the two in turns, each in its own process with the product's own Node flags, measured after a warm-up and until merges are done. CPU seconds are those of the process and of the history engine. */
export async function benchEndToEnd(options: {
  readonly rounds: number;
  readonly warmUpRequests: number;
  readonly requests: number;
  readonly seed: number;
  readonly onRound: (done: number) => void;
}): Promise<EndToEndFigures> {
  const ratios: number[] = [];
  const own: number[] = [];
  const delays: number[] = [];
  const rows: Record<string, unknown>[] = [];
  let isExact = true;
  for (let round = 0; round < options.rounds; round++) {
    const perSecond: Record<string, number> = {};
    using payloads = writtenPayloads(
      options.warmUpRequests + options.requests,
      options.seed + round,
    );
    for (const contestant of ["own", "naive"] as const) {
      const result = await runOnce({
        contestant,
        warmUpRequests: options.warmUpRequests,
        ...payloads.job,
      });
      perSecond[contestant] = result.spans / result.cpuSeconds;
      if (contestant === "own") {
        isExact &&= result.storedRows === result.sentSpans && result.counted === result.sentSpans;
        own.push(result.spans / result.cpuSeconds);
        delays.push(result.loopDelayP99Ms);
      }
      rows.push({ part: "end_to_end", round, contestant, ...result });
    }
    ratios.push((perSecond["own"] ?? Number.NaN) / (perSecond["naive"] ?? Number.NaN));
    options.onRound(round + 1);
  }
  return {
    figures: {
      ...ratioFigures("end_to_end_ratio_naive", ratios),
      end_to_end_spans_per_cpu_s: Math.round(median(own)),
      loop_delay_p99_ms: median(delays),
    },
    rows,
    isExact,
  };
}

/** In a file that both contestants read, since making them takes longer than sending them. */
function writtenPayloads(count: number, seed: number) {
  const directory = mkdtempSync(join(tmpdir(), "foreshock-payloads-"));
  const job = {
    payloadsFile: join(directory, "requests"),
    spansEach,
    startMs: Math.floor(Date.now() / 60_000) * 60_000,
    spanMs: (count * spansEach * 1000) / spansPerSecond,
  };
  writePayloads(job.payloadsFile, makePayloads({ ...job, count, seed }));
  return { job, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

function runOnce(job: EndToEndJob): Promise<EndToEndResult> {
  return new Promise((resolve, reject) => {
    const child = fork(runner);
    child.on("message", (message: EndToEndResult | { error: string }) => {
      if ("error" in message) reject(new Error(`${job.contestant}: ${message.error}`));
      else resolve(message);
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`${job.contestant} ended with ${code} and no result`)),
    );
    child.send(job);
  });
}
