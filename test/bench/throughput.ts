/**
 * How much goes through: decoding, counting, the log, receiving and the whole way, each against what one would use instead.
 *   npm run bench:throughput -- [--json FILE] [--seed N] [--quick]
 */
import { showProgress } from "../../services/command/progress.ts";
import { scriptFlags } from "../support/script-flags.ts";
import { benchDecode } from "./decode-bench.ts";
import { benchEndToEnd } from "./end-to-end.ts";
import { benchIngestCollector } from "./ingest-collector.ts";
import { benchLog } from "./log-bench.ts";
import { benchReceive } from "./receive.ts";
import { ownCpuSeconds } from "./support/cpu.ts";
import { benchFlags, benchOptions, publish } from "./support/report.ts";
import { benchWindows } from "./windows-bench.ts";

interface Part {
  readonly name: string;
  readonly rounds: number;
  run(onRound: (done: number) => void): Promise<{
    readonly figures: Readonly<Record<string, number>>;
    readonly rows: readonly Readonly<Record<string, unknown>>[];
    /** Undefined where nothing is stored. */
    readonly isExact?: boolean;
    /** Figures that could not be measured here, with the reason. */
    readonly absent?: Readonly<Record<string, string>>;
  }>;
}

const flags = benchFlags(scriptFlags(import.meta.filename, benchOptions));
const { isQuick, seed } = flags;
const rounds = isQuick ? 1 : 5;
/** CPU time, not the clock's: a machine that is busy with something else lends less of it, not other one. */
const cpuMs = () => ownCpuSeconds() * 1000;

const parts: readonly Part[] = [
  {
    name: "decode",
    rounds: 1,
    async run(onRound) {
      const { figures, spansPerSecond, bytesPerSpan } = benchDecode({
        now: cpuMs,
        requests: isQuick ? 10 : 40,
      });
      onRound(1);
      return { figures, rows: [{ part: "decode", ...spansPerSecond, bytesPerSpan }] };
    },
  },
  {
    name: "windows",
    rounds: 1,
    async run(onRound) {
      const result = benchWindows({ now: cpuMs, ...(isQuick ? { spans: 100_000 } : {}) });
      onRound(1);
      return {
        figures: result.figures,
        rows: result.rows.map((row) => ({ part: "windows", ...row })),
      };
    },
  },
  {
    name: "log",
    rounds: isQuick ? 1 : 9,
    run: (onRound) => benchLog({ rounds: isQuick ? 1 : 9, commits: isQuick ? 4 : 24, onRound }),
  },
  {
    name: "receive",
    rounds,
    run: (onRound) => benchReceive({ rounds, requests: isQuick ? 20 : 200, seed, onRound }),
  },
  {
    name: "ingest beside a Collector",
    rounds,
    async run(onRound) {
      const requests = isQuick ? 20 : 100;
      const result = await benchIngestCollector({ rounds, requests, seed, onRound });
      if (!("absent" in result)) return result;
      return { figures: {}, rows: [], absent: { ingest_ratio_collector: result.absent } };
    },
  },
  {
    name: "end to end",
    rounds,
    run: (onRound) =>
      benchEndToEnd({
        rounds,
        warmUpRequests: isQuick ? 10 : 60,
        requests: isQuick ? 40 : 400,
        seed,
        onRound,
      }),
  },
];

const figures: Record<string, number> = {};
const rows: Readonly<Record<string, unknown>>[] = [];
let isExact = true;
const absent: Record<string, string> = {};
for (const part of parts) {
  const progress = showProgress(part.name, part.rounds);
  const result = await part.run((done) => progress.update(done));
  progress.end();
  Object.assign(figures, result.figures);
  rows.push(...result.rows);
  Object.assign(absent, result.absent);
  isExact &&= result.isExact ?? true;
}
publish(flags, "throughput", {
  figures: { ...figures, stored_equals_sent: isExact ? 1 : 0 },
  rows,
  absent,
});
if (!isExact) process.exitCode = 1;
