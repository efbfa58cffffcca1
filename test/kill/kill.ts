/**
 * The whole application killed at every named point, many times over, while telemetry comes in:
 *   npm run test:kill -- [--json FILE] [--seed N] [--quick] [--kafka] [--minutes N]
 * With --kafka the log is on a real Kafka that is started for it, and each stage is a process of its own, detect eight: all are killed at the
 * same time, each at points of its own, and the broker as well. No life begins after so many minutes (90; 15 with --quick).
 * Ends with 1 when anything was lost, doubled, decided otherwise or not told, or a point was not hit often enough.
 */
import { crashPoints } from "../../services/runtime/crash-points.ts";
import { benchFlags, benchOptions, publish } from "../bench/support/report.ts";
import { startKafkaBroker } from "../support/kafka-broker.ts";
import { runKills } from "../support/kill-run.ts";
import type { Violation } from "../support/kill-verify.ts";
import { scriptFlags } from "../support/script-flags.ts";

const values = scriptFlags(import.meta.filename, {
  ...benchOptions,
  kafka: { type: "boolean", default: false },
  minutes: { type: "string" },
});
const flags = benchFlags(values);
await using broker = values.kafka ? await startKafkaBroker() : undefined;
const timesEach = flags.isQuick ? 1 : 10;
const isTerminal = process.stderr.isTTY === true;

const result = await runKills({
  seed: flags.seed,
  timesEach,
  keepsEvidence: true,
  ...(broker === undefined ? {} : { broker }),
  limitMs: Number(values.minutes ?? (flags.isQuick ? 15 : 90)) * 60_000,
  onLife: ({ point, passes, isHit, seconds, done, total, note }) => {
    const line = `${String(done).padStart(4)} of ${total}  ${isHit ? "died at" : "did not die at"} ${point ?? "any point"}:${passes} after ${seconds.toFixed(1)} s ${note}`;
    process.stderr.write(isTerminal && isHit ? `\r\x1b[2K${line}` : `${line}\n`);
  },
});
if (isTerminal) process.stderr.write("\r\x1b[2K");

/** The kill that came next after what a violation is about. */
function blamed({ atMs }: Violation): string {
  return result.kills.find((kill) => kill.atMs >= atMs)?.point ?? "";
}
const count = (kinds: readonly Violation["kind"][], point?: string) =>
  result.violations.filter(
    (violation) =>
      kinds.includes(violation.kind) && (point === undefined || blamed(violation) === point),
  ).length;

const rows = crashPoints.map((point) => ({
  point,
  kills: result.hits.get(point) ?? 0,
  lost: count(["lost", "missed delivery"], point),
  doubled: count(["doubled"], point),
  mismatches: count(["mismatch"], point),
}));
const width = Math.max(...crashPoints.map((point) => point.length));
process.stdout.write(
  `\n${"point".padEnd(width)}  kills   lost  doubled  mismatches\n${rows
    .map(
      (row) =>
        `${row.point.padEnd(width)}${String(row.kills).padStart(7)}${String(row.lost).padStart(7)}${String(row.doubled).padStart(9)}${String(row.mismatches).padStart(12)}\n`,
    )
    .join("")}`,
);
process.stdout.write(
  `looked at: ${Object.entries(result.looked)
    .map(([what, number]) => `${number} ${what}`)
    .join(", ")}; ${result.requests} requests were acknowledged.\n`,
);
for (const { kind, what } of result.violations.slice(0, 40))
  process.stdout.write(`${kind}: ${what}\n`);
if (result.violations.length > 40)
  process.stdout.write(`and ${result.violations.length - 40} more\n`);
if (result.folder !== undefined)
  process.stdout.write(`Log and history are kept in ${result.folder}\n`);

const points = rows.filter(({ kills }) => kills >= timesEach).length;
publish(flags, "kill", {
  figures: {
    kills: result.kills.length,
    ...(broker === undefined ? {} : { broker_kills: result.brokerKills }),
    points,
    lost: count(["lost"]),
    doubled: count(["doubled"]),
    verdict_mismatches: count(["mismatch"]),
    missed_deliveries: count(["missed delivery"]),
  },
  rows,
});
process.exitCode = result.violations.length > 0 || points < crashPoints.length ? 1 : 0;
