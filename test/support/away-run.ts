/**
 * The whole application under load while one of the parts that it writes to is away for minutes: nothing may be lost or doubled, and
 * what has piled up must be worked off once the part is back.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../services/contracts/config.ts";
import { stages } from "../../services/pipeline.ts";
import { type App, startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import type { KafkaBrokerProcess } from "./kafka-broker.ts";
import { realClock, setClock } from "./kill-clock.ts";
import { configOf, readWaitOf } from "./kill-config.ts";
import type { Fleet } from "./kill-feed.ts";
import { urlOf } from "./kill-life.ts";
import { openSender } from "./kill-sender.ts";
import { closedUntil, hasTold, settle } from "./kill-settle.ts";
import { openTraffic } from "./kill-traffic.ts";
import type { Findings } from "./kill-verify.ts";
import { openReceiver } from "./receiver.ts";

export interface AwayOptions {
  readonly seed: number;
  /** How long it is away, ms of the clock that the application sees; with a broker that is the machine's own. */
  readonly awayMs: number;
  readonly callsPerSecond: number;
  readonly part:
    | { readonly kind: "history" | "sink" }
    | { readonly kind: "broker"; readonly broker: KafkaBrokerProcess };
}

export interface AwayResult extends Findings {
  /** Requests that waited, records that history lacked and notes that were owed when the part came back. */
  readonly piledUp: number;
  /** From its return until nothing of it was left, s. */
  readonly catchUpSeconds: number;
}

const hourMs = 3_600_000;
/** Long enough for baselines; the first trouble comes when the part is away. */
const beforeMs = 180_000;
/** Time that is ours goes forty times as fast as the wall's, time that is Kafka's does not. */
const paces = {
  own: { beforeMs, tickMs: 5_000, leastTickMs: 125, healthyMs: 200_000, turnMs: 120_000 },
  broker: {
    beforeMs: 30_000,
    tickMs: 500,
    leastTickMs: 500,
    healthyMs: 12_000,
    turnMs: 18_000,
  },
};
const catchUpLimitMs = 600_000;

export async function runAway(options: AwayOptions): Promise<AwayResult> {
  const folder = mkdtempSync(join(tmpdir(), "foreshock-away-"));
  try {
    return await away(options, join(folder, "data"));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function away(
  { seed, awayMs, callsPerSecond, part }: AwayOptions,
  dataDir: string,
): Promise<AwayResult> {
  const isBroker = part.kind === "broker";
  const pace = isBroker ? paces.broker : paces.own;
  let webhook = await openReceiver();
  const config = configOf(
    dataDir,
    webhook.url,
    isBroker ? { broker: part.broker.address, partitions: 2 } : undefined,
  );
  const clock = isBroker ? realClock : setClock(Math.floor(Date.now() / hourMs - 12) * hourMs);
  const { tickMs, healthyMs, turnMs } = pace;
  const failingMs = turnMs / 3;
  const traffic = openTraffic({
    seed,
    tickMs,
    callsPerSecond,
    models: 4,
    healthyMs,
    turnMs,
    failingMs,
  });
  await using sender = openSender(clock.nowMs);
  const fleet: Fleet = { clock, sender, traffic, onTime: () => {} };
  const received = [];

  let piledUp = 0;
  let catchUpSeconds = 0;
  try {
    await using app = await startApp({
      config,
      clock,
      // Kafka's time is real: heartbeats come as seldom as they do there.
      ...(isBroker ? {} : { readWaitMs: readWaitOf(config) }),
      report: () => {},
    });
    sender.address = urlOf(app.addresses["OTLP HTTP"] ?? "");
    await load(fleet, pace, pace.beforeMs);
    await workedOff(app, config, fleet);

    const pid = app.enginePid;
    if (part.kind === "history" && pid !== undefined) process.kill(pid, "SIGSTOP");
    if (part.kind === "sink") {
      received.push(...webhook.received);
      await webhook[Symbol.asyncDispose]();
    }
    if (isBroker) await part.broker.kill();
    await load(fleet, pace, awayMs);

    if (part.kind === "history" && pid !== undefined) process.kill(pid, "SIGCONT");
    if (part.kind === "sink") webhook = await openReceiver(webhook.port);
    if (isBroker) await part.broker.start();
    const backMs = performance.now();
    piledUp = await leftOver(app, config, fleet);
    await workedOff(app, config, fleet);
    catchUpSeconds = (performance.now() - backMs) / 1_000;
    sender.address = undefined;
  } catch (error) {
    await webhook[Symbol.asyncDispose]();
    throw error;
  }
  try {
    const all = { received: [...received, ...webhook.received] };
    const findings = await settle({ config, fleet, webhook: all });
    return { ...findings, piledUp, catchUpSeconds };
  } finally {
    await webhook[Symbol.asyncDispose]();
  }
}

/** Telemetry of so much time, sent whether or not it is taken; time that is ours waits for it to be. */
async function load(
  { clock, sender, traffic }: Fleet,
  { tickMs, leastTickMs }: { readonly tickMs: number; readonly leastTickMs: number },
  lengthMs: number,
): Promise<void> {
  for (let passedMs = 0; passedMs < lengthMs; passedMs += tickMs) {
    const beganMs = performance.now();
    sender.push(traffic.tick(clock.nowMs()));
    while (clock !== realClock && sender.waiting > 0) await systemClock.sleep(10);
    clock.set(clock.nowMs() + tickMs);
    await systemClock.sleep(Math.max(1, leastTickMs - (performance.now() - beganMs)));
  }
}

/** Fewer records than this are on their way anyway, since heartbeats keep coming. */
const fewRecords = 64;
/** Windows that end so long before the newest span may be open for good reason: they wait for late spans, ms. */
const openMs = 20_000;

/** What waits at the senders, to be counted, to be stored and to be told. */
async function leftOver(app: App, config: Config, { sender, traffic }: Fleet): Promise<number> {
  const lags = await app.log.lag("archive", stages.archive.reads);
  const records = lags.reduce((sum, { lagRecords }) => sum + lagRecords, 0);
  const isCounted = (await closedUntil(app, config)) >= traffic.latestEndMs - openMs;
  const isTold = await hasTold(app);
  return (
    sender.waiting + (records < fewRecords ? 0 : records) + Number(!isCounted) + Number(!isTold)
  );
}

/** Resolves when nothing is left; time goes on meanwhile, without telemetry. */
async function workedOff(app: App, config: Config, fleet: Fleet): Promise<void> {
  const limitMs = performance.now() + catchUpLimitMs;
  while ((await leftOver(app, config, fleet)) > 0) {
    if (performance.now() > limitMs)
      throw new Error(`there was something left after ${catchUpLimitMs / 1_000} s`);
    fleet.clock.set(fleet.clock.nowMs() + 1_000);
    await systemClock.sleep(200);
  }
}
