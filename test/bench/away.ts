/**
 * What happens when ClickHouse, the webhook or the broker is away for minutes under load: what was lost or doubled, and how fast what has
 * piled up is worked off, as minutes away over minutes of catching up.
 *   npm run bench:away -- [--json FILE] [--seed N] [--quick] [--part history|sink|broker]
 * ClickHouse hangs and the webhook is closed for ten minutes of a clock that goes forty times as fast as the wall's; Kafka is killed for ten
 * minutes of the wall's, since its time is its own.
 */
import { showProgress } from "../../services/command/progress.ts";
import { type AwayOptions, runAway } from "../support/away-run.ts";
import { needsKafka, startKafkaBroker } from "../support/kafka-broker.ts";
import { scriptFlags } from "../support/script-flags.ts";
import { benchFlags, benchOptions, publish } from "./support/report.ts";

const values = scriptFlags(import.meta.filename, { ...benchOptions, part: { type: "string" } });
const flags = benchFlags(values);
const isWanted = (kind: string) => values.part === undefined || values.part === kind;
const minuteMs = 60_000;
const figures: Record<string, number> = {};
const absent: Record<string, string> = {};
const rows: Record<string, unknown>[] = [];

async function measure(part: AwayOptions["part"], awayMs: number, callsPerSecond: number) {
  const progress = showProgress(part.kind, 1);
  const result = await runAway({ seed: flags.seed, awayMs, callsPerSecond, part });
  progress.end();
  const { violations, looked, piledUp, catchUpSeconds } = result;
  const count = (...kinds: string[]) =>
    violations.filter(({ kind }) => kinds.includes(kind)).length;
  figures[`${part.kind}_catch_up_ratio`] = awayMs / 1_000 / catchUpSeconds;
  figures[`${part.kind}_lost`] = count("lost", "missed delivery");
  figures[`${part.kind}_doubled`] = count("doubled");
  figures[`${part.kind}_mismatches`] = count("mismatch");
  rows.push({ part: part.kind, awayMs, piledUp, catchUpSeconds, ...looked });
  for (const { kind, what } of violations.slice(0, 10)) process.stderr.write(`${kind}: ${what}\n`);
  if (violations.length > 0) process.exitCode = 1;
}

const isQuick = flags.isQuick;
for (const kind of ["history", "sink"] as const)
  if (isWanted(kind)) await measure({ kind }, (isQuick ? 2 : 10) * minuteMs, isQuick ? 10 : 60);
const noKafka = isWanted("broker") ? needsKafka() : "another part was asked for";
if (noKafka !== undefined) absent["broker_catch_up_ratio"] = noKafka;
else {
  await using broker = await startKafkaBroker();
  await measure({ kind: "broker", broker }, isQuick ? 10_000 : 10 * minuteMs, 60);
}
publish(flags, "away", { figures, rows, absent });
