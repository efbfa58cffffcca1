/**
 * Seconds from the receipt of the first failing span to the delivery of the page, by the wall clock: the whole embedded product in this
 * process, a real OpenTelemetry SDK in front, a webhook behind. Then seconds without verdicts after a detect process is killed, on Kafka.
 *   npm run bench:latency -- [--json FILE] [--seed N] [--trials N] [--quick]
 */
import { showProgress } from "../../services/command/progress.ts";
import { needsKafka } from "../support/kafka-broker.ts";
import { scriptFlags } from "../support/script-flags.ts";
import { type FailoverTrial, measureFailover } from "./failover-trial.ts";
import { type Trial, timeToPage } from "./latency-trial.ts";
import { benchFlags, benchOptions, publish } from "./support/report.ts";

const values = scriptFlags(import.meta.filename, {
  ...benchOptions,
  trials: { type: "string", default: "10" },
});
const flags = benchFlags(values);
const trials = flags.isQuick ? 1 : Number(values.trials);
const failoverTrials = 8;

/** Share of the cell's calls that fail from one moment to the next. */
const faults = [
  { name: "total", share: 1, names: ["receipt_to_delivery_p50_s", "receipt_to_delivery_p95_s"] },
  { name: "10pct", share: 0.1, names: [undefined, "receipt_to_delivery_10pct_p95_s"] },
] as const;

const figures: Record<string, number> = {};
const absent: Record<string, string> = {};
const rows: (Trial & { readonly fault: string; readonly seed: number })[] = [];
for (const { name, share, names } of faults) {
  const progress = showProgress(`${name} failure of a cell`, trials);
  const seconds: number[] = [];
  for (let index = 0; index < trials; index++) {
    const seed = flags.seed + index;
    const trial = await timeToPage({ share, seed });
    rows.push({ fault: name, seed, ...trial });
    if (trial.seconds !== null) seconds.push(trial.seconds);
    progress.update(index + 1);
  }
  progress.end();
  const missed = trials - seconds.length;
  for (const [at, figure] of [
    [0.5, names[0]],
    [0.95, names[1]],
  ] as const) {
    if (figure === undefined) continue;
    if (missed > 0) absent[figure] = `${missed} of ${trials} trials gave no page in time`;
    else figures[figure] = nearestRank(seconds, at);
  }
}
const failovers: FailoverTrial[] = [];
const noKafka = needsKafka();
if (noKafka !== undefined) absent["failover_p95_s"] = noKafka;
else {
  const count = flags.isQuick ? 1 : failoverTrials;
  const progress = showProgress("failover on Kafka", count);
  failovers.push(...(await measureFailover(count, flags.seed, progress.update)));
  progress.end();
  const seconds = failovers.map((trial) => trial.seconds);
  figures["failover_p95_s"] = nearestRank(seconds, 0.95);
}
for (const { fault, seed, seconds, title } of rows)
  process.stdout.write(`  ${fault.padEnd(6)} seed ${seed}  ${seconds ?? "no page"} s  ${title}\n`);
publish(flags, "latency", {
  figures,
  absent,
  rows: [
    ...rows.map((row) => ({ ...row })),
    ...failovers.map((trial) => ({ fault: "failover", ...trial })),
  ],
});

function nearestRank(seconds: readonly number[], share: number): number {
  const sorted = [...seconds].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
