/** The end of a run of kills: the application lives once more, undisturbed, and is then looked at. */
import type { Config } from "../../services/contracts/config.ts";
import { incidentRecord } from "../../services/contracts/incident.ts";
import { deliveryRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { LogRecord } from "../../services/log/log.ts";
import { stages } from "../../services/pipeline.ts";
import { type App, startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { distinct, readTopic } from "./hard-log-outcome.ts";
import { readWaitOf } from "./kill-config.ts";
import type { Fleet } from "./kill-feed.ts";
import { urlOf } from "./kill-life.ts";
import { closesUntil, type Findings, owedKeys, verify } from "./kill-verify.ts";
import type { Receiver } from "./receiver.ts";

const settleLimitMs = 180_000;

interface Rest {
  readonly config: Config;
  readonly fleet: Fleet;
  readonly webhook: Pick<Receiver, "received">;
}

/** The last life, in this process: takes what still waits, closes every window that had traffic, tells and archives everything. */
export async function settle({ config, fleet, webhook }: Rest): Promise<Findings> {
  const { clock, sender, traffic } = fleet;
  const problems: string[] = [];
  const report = (level: string, message: string) => {
    if (level === "error") problems.push(message);
  };
  const untilMs = traffic.latestEndMs;
  const received = () => new Set(webhook.received.map(({ body }) => (body as { key: string }).key));
  {
    await using app = await startApp({ config, report, clock, readWaitMs: readWaitOf(config) });
    sender.address = urlOf(app.addresses["OTLP HTTP"] ?? "");
    await until("requests are taken", () => sender.waiting === 0, problems);
    // Time goes on without telemetry: heartbeats alone close what is open.
    const passing = setInterval(() => clock.set(clock.nowMs() + 1_000), 100);
    await until("windows are closed", () => hasClosed(app, config, untilMs), problems);
    await until("everything is told", () => hasTold(app), problems);
    clearInterval(passing);
    sender.address = undefined;
  }
  await using app = await startApp({ config, report, clock, stages: ["archive"] });
  const { log, history } = app;
  if (history === undefined) throw new Error("there is no history to look at");
  const isArchived = async () =>
    (await log.lag("archive", stages.archive.reads)).every(({ lagRecords }) => lagRecords === 0);
  await until("everything is archived", isArchived, problems);
  const findings = await verify({
    log,
    history,
    config,
    acknowledged: sender.acknowledged,
    received: received(),
    untilMs,
  });
  const reported = problems.map((what) => ({ kind: "mismatch" as const, atMs: 0, what }));
  return { ...findings, violations: [...findings.violations, ...reported] };
}

async function hasClosed(app: App, config: Config, untilMs: number): Promise<boolean> {
  return (await closedUntil(app, config)) >= untilMs + 30_000;
}

/** End of the last window that is closed in every partition, Unix ms; 0 before the first. */
export async function closedUntil({ log }: App, config: Config): Promise<number> {
  const last: LogRecord[] = [];
  for (let partition = 0; partition < config.log.partitions; partition++) {
    const { end } = await log.offsets(topics.closed, partition);
    if (end > 0)
      last.push(...(await log.read({ topic: topics.closed, partition, fromOffset: end - 1 })));
  }
  return closesUntil(last, config.log.partitions);
}

/** Whether all that the webhook is owed has been delivered, but for the last windows. */
export async function hasTold({ log }: App): Promise<boolean> {
  const lag = await log.lag("incident", [topics.frames]);
  if (lag.some(({ lagRecords }) => lagRecords > 8)) return false;
  const { records } = distinct(await readTopic(log, topics.incidents));
  const owed = owedKeys(
    records.map(({ value }) => incidentRecord.decode(value)),
    "webhook",
  );
  for (const { value } of await readTopic(log, topics.deliveries))
    owed.delete(deliveryRecord.decode(value).key);
  return owed.size === 0;
}

async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  problems: string[],
): Promise<void> {
  const limitMs = performance.now() + settleLimitMs;
  while (!(await isSo())) {
    if (performance.now() > limitMs) {
      problems.push(`after ${settleLimitMs / 1_000} s it is still not so that ${what}`);
      return;
    }
    await systemClock.sleep(200);
  }
}
