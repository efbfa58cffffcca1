/**
 * Kills the whole application again and again at named points while it is fed, then looks at what is left: nothing may be lost,
 * nothing doubled, and every verdict must be the one of an undisturbed run.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { namedRandom } from "../../services/chatbot/random.ts";
import type { Config } from "../../services/contracts/config.ts";
import { incidentRecord } from "../../services/contracts/incident.ts";
import { deliveryRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { LogRecord } from "../../services/log/log.ts";
import { stages } from "../../services/pipeline.ts";
import { type App, startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { type CrashPoint, crashPoints } from "../../services/runtime/crash-points.ts";
import { distinct, readTopic } from "./hard-log-outcome.ts";
import { type SetClock, setClock } from "./kill-clock.ts";
import { configOf, readWaitMs } from "./kill-config.ts";
import { startLife, urlOf } from "./kill-life.ts";
import { openSender, type Sender } from "./kill-sender.ts";
import { openTraffic, type Traffic } from "./kill-traffic.ts";
import { closesUntil, type Findings, owedKeys, verify } from "./kill-verify.ts";
import { openReceiver, type Receiver } from "./receiver.ts";

export interface KillOptions {
  readonly seed: number;
  readonly timesEach: number;
  readonly points?: readonly CrashPoint[];
  /** Whether log and history stay on disk when something is wrong, to be looked at. */
  readonly keepsEvidence?: boolean;
  /** No new life is begun after so long, ms. */
  readonly limitMs: number;
  readonly onLife: (life: LifeReport) => void;
}

export interface LifeReport {
  readonly point: CrashPoint;
  readonly passes: number;
  /** Whether the process died at the point; else it was killed from outside, or did not come up. */
  readonly isHit: boolean;
  readonly seconds: number;
  readonly done: number;
  readonly total: number;
  readonly note: string;
}

export interface Kill {
  readonly point: CrashPoint;
  readonly atMs: number;
  readonly isHit: boolean;
}

export interface KillResult extends Findings {
  readonly kills: readonly Kill[];
  readonly hits: ReadonlyMap<CrashPoint, number>;
  /** Requests that were acknowledged. */
  readonly requests: number;
  /** Where log and history lie, if they were kept. */
  readonly folder: string | undefined;
}

/** What an SDK sends at once, ms of the clock that the application sees … */
const tickMs = 5_000;
/** … and how long that takes at least, ms of the wall: telemetry comes up to 40 times too fast. */
const leastTickMs = 125;
const pollMs = 10;
const hourMs = 3_600_000;
const comingUpLimitMs = 60_000;
const lifeLimitMs = 25_000;
const settleLimitMs = 90_000;

export async function runKills(options: KillOptions): Promise<KillResult> {
  const folder = mkdtempSync(join(tmpdir(), "foreshock-kill-"));
  let isKept = false;
  try {
    await using webhook = await openReceiver();
    const config = configOf(join(folder, "data"), webhook.url);
    const configFile = join(folder, "config.yaml");
    writeFileSync(configFile, JSON.stringify(config));
    const clock = setClock(Math.floor(Date.now() / hourMs - 12) * hourMs);
    const traffic = openTraffic({
      seed: options.seed,
      tickMs,
      callsPerSecond: 6,
      models: 4,
      healthyMs: 60_000,
      turnMs: 300_000,
      failingMs: 40_000,
    });
    await using sender = openSender(clock.nowMs);
    const fleet: Fleet = { clock, sender, traffic, onTime: () => {} };
    const stopping = new AbortController();
    const feeding = feed(fleet, stopping.signal);
    const kills: Kill[] = [];
    try {
      await live(options, { configFile, fleet, kills });
    } finally {
      stopping.abort();
      await feeding;
    }
    const findings = await settle({ config, fleet, webhook });
    const hits = new Map<CrashPoint, number>();
    for (const { point, isHit } of kills) if (isHit) hits.set(point, (hits.get(point) ?? 0) + 1);
    isKept = options.keepsEvidence === true && findings.violations.length > 0;
    const { requests } = sender;
    return { ...findings, kills, hits, requests, folder: isKept ? folder : undefined };
  } finally {
    if (!isKept) rmSync(folder, { recursive: true, force: true });
  }
}

/** Points that wait for an incident come last, when baselines are warm. */
const needsIncident = (point: CrashPoint) =>
  point.startsWith("notify:") || point === "reducer:incident:after-append";

function planOf(options: KillOptions): CrashPoint[] {
  const points = options.points ?? crashPoints;
  const early = points.filter((point) => !needsIncident(point));
  const first = options.timesEach === 1 ? early : early.slice(0, 4);
  const plan = Array.from({ length: options.timesEach }, () => points).flat();
  for (const point of first) plan.splice(plan.indexOf(point), 1);
  return [...first, ...plan];
}

/** How often a point is passed before it kills: what comes often dies at different tasks and moments. */
function passesOf(point: CrashPoint, unit: number): number {
  const most = needsIncident(point) ? 1 : point.startsWith("ingest:") ? 20 : 8;
  return 1 + Math.floor(unit * most);
}

interface Fleet {
  readonly clock: SetClock;
  readonly sender: Sender;
  readonly traffic: Traffic;
  /** Told whenever time has gone on, Unix ms. */
  onTime: (ms: number) => void;
}

/** Sends a tick's telemetry and lets time go on when all of it was taken; while nobody listens, time stands still. */
async function feed(fleet: Fleet, signal: AbortSignal): Promise<void> {
  const { clock, sender, traffic } = fleet;
  while (!signal.aborted) {
    const beganMs = performance.now();
    if (sender.address !== undefined && sender.waiting === 0) {
      sender.push(traffic.tick(clock.nowMs()));
      while (sender.waiting > 0 && !signal.aborted) await systemClock.sleep(pollMs);
      clock.set(clock.nowMs() + tickMs);
      fleet.onTime(clock.nowMs());
    }
    await systemClock.sleep(Math.max(pollMs, leastTickMs - (performance.now() - beganMs)));
  }
}

interface Living {
  readonly configFile: string;
  readonly fleet: Fleet;
  readonly kills: Kill[];
}

async function live(options: KillOptions, { configFile, fleet, kills }: Living): Promise<void> {
  const { clock, sender } = fleet;
  const random = namedRandom(options.seed, "kill plan");
  const plan = planOf(options);
  const total = plan.length;
  const startedMs = performance.now();
  const triesLeft = new Map<CrashPoint, number>();
  let done = 0;
  for (let point = plan.shift(); point !== undefined; point = plan.shift()) {
    if (performance.now() - startedMs > options.limitMs) return;
    const beganMs = performance.now();
    const passes = passesOf(point, random.unit());
    const life = startLife({
      configFile,
      crashAt: `${point}:${passes}`,
      startMs: clock.nowMs(),
    });
    const comingUp = setTimeout(life.kill, comingUpLimitMs);
    const address = await life.listening;
    clearTimeout(comingUp);
    life.setTime(clock.nowMs());
    fleet.onTime = life.setTime;
    sender.address = address;
    const limit = setTimeout(life.kill, lifeLimitMs);
    const outsideMs = performance.now() + lifeLimitMs;
    const { signal, code, lastWords } = await life.ended;
    clearTimeout(limit);
    sender.address = undefined;
    fleet.onTime = () => {};
    const isHit = signal === "SIGKILL" && performance.now() < outsideMs;
    if (signal === "SIGKILL") kills.push({ point, atMs: clock.nowMs(), isHit });
    if (isHit) done++;
    else {
      const left = triesLeft.get(point) ?? 3;
      triesLeft.set(point, left - 1);
      if (left > 0) plan.push(point);
    }
    options.onLife({
      point,
      passes,
      isHit,
      seconds: (performance.now() - beganMs) / 1_000,
      done,
      total,
      note: isHit
        ? ""
        : `(${signal ?? code}) ${lastWords.trim().split("\n").slice(-3).join(" | ")}`,
    });
  }
}

interface Rest {
  readonly config: Config;
  readonly fleet: Fleet;
  readonly webhook: Receiver;
}

/** The last life, in this process: takes what still waits, closes every window that had traffic, tells and archives everything. */
async function settle({ config, fleet, webhook }: Rest): Promise<Findings> {
  const { clock, sender, traffic } = fleet;
  const problems: string[] = [];
  const report = (level: string, message: string) => {
    if (level === "error") problems.push(message);
  };
  const untilMs = traffic.latestEndMs;
  const received = () => new Set(webhook.received.map(({ body }) => (body as { key: string }).key));
  {
    await using app = await startApp({ config, report, clock, readWaitMs });
    sender.address = urlOf(app.addresses["OTLP HTTP"] ?? "");
    await until("requests are taken", () => sender.waiting === 0, problems);
    // Time goes on without telemetry: heartbeats alone close what is open.
    const passing = setInterval(() => clock.set(clock.nowMs() + 1_000), 100);
    await until("windows are closed", () => hasClosed(app, config, untilMs), problems);
    clearInterval(passing);
    await until("everything is told", () => hasTold(app), problems);
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

async function hasClosed({ log }: App, config: Config, untilMs: number): Promise<boolean> {
  const last: LogRecord[] = [];
  for (let partition = 0; partition < config.log.partitions; partition++) {
    const { end } = await log.offsets(topics.closed, partition);
    if (end > 0)
      last.push(...(await log.read({ topic: topics.closed, partition, fromOffset: end - 1 })));
  }
  return closesUntil(last, config.log.partitions) >= untilMs + 30_000;
}

async function hasTold({ log }: App): Promise<boolean> {
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
