/**
 * Kills the whole application again and again at named points while it is fed, then looks at what is left: nothing may be lost,
 * nothing doubled, and every verdict must be the one of an undisturbed run.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { namedRandom } from "../../services/chatbot/random.ts";
import { type CrashPoint, crashPoints } from "../../services/runtime/crash-points.ts";
import type { KafkaBrokerProcess } from "./kafka-broker.ts";
import { realClock, setClock } from "./kill-clock.ts";
import { configOf } from "./kill-config.ts";
import { type Fleet, feed } from "./kill-feed.ts";
import { detectInstances, liveAsFleet } from "./kill-fleet.ts";
import { startLife } from "./kill-life.ts";
import { openSender } from "./kill-sender.ts";
import { settle } from "./kill-settle.ts";
import { openTraffic } from "./kill-traffic.ts";
import type { Findings } from "./kill-verify.ts";
import { openReceiver } from "./receiver.ts";

export interface KillOptions {
  readonly seed: number;
  readonly timesEach: number;
  readonly points?: readonly CrashPoint[];
  /** Whether log and history stay on disk when something is wrong, to be looked at. */
  readonly keepsEvidence?: boolean;
  /** No new life is begun after so long, ms. */
  readonly limitMs: number;
  readonly onLife: (life: LifeReport) => void;
  /** Kafka that the log is on, with many processes, and that is killed as well; undefined: one process, and the embedded log. */
  readonly broker?: KafkaBrokerProcess;
}

export interface LifeReport {
  /** Where it was to die; undefined: nowhere. */
  readonly point: CrashPoint | undefined;
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
  readonly brokerKills: number;
  readonly hits: ReadonlyMap<CrashPoint, number>;
  /** Requests that were acknowledged. */
  readonly requests: number;
  /** Where log and history lie, if they were kept. */
  readonly folder: string | undefined;
}

const hourMs = 3_600_000;
const comingUpLimitMs = 60_000;

/** How a run goes on either log: time that is ours goes 40 times as fast, time that is Kafka's does not. */
const paces = {
  embedded: {
    tickMs: 5_000,
    leastTickMs: 125,
    course: { callsPerSecond: 6, healthyMs: 60_000, turnMs: 300_000, failingMs: 40_000 },
  },
  kafka: {
    tickMs: 500,
    leastTickMs: 500,
    course: { callsPerSecond: 60, healthyMs: 20_000, turnMs: 16_000, failingMs: 5_000 },
  },
} as const;
const lifeLimitMs = 25_000;

export async function runKills(options: KillOptions): Promise<KillResult> {
  const folder = mkdtempSync(join(tmpdir(), "foreshock-kill-"));
  let isKept = false;
  try {
    await using webhook = await openReceiver();
    const pace = paces[options.broker === undefined ? "embedded" : "kafka"];
    const { broker } = options;
    const config = configOf(
      join(folder, "data"),
      webhook.url,
      broker === undefined ? undefined : { broker: broker.address, partitions: detectInstances },
    );
    const configFile = join(folder, "config.yaml");
    writeFileSync(configFile, JSON.stringify(config));
    const clock =
      options.broker === undefined
        ? setClock(Math.floor(Date.now() / hourMs - 12) * hourMs)
        : realClock;
    const traffic = openTraffic({
      seed: options.seed,
      tickMs: pace.tickMs,
      models: 4,
      ...pace.course,
    });
    await using sender = openSender(clock.nowMs);
    const fleet: Fleet = { clock, sender, traffic, onTime: () => {} };
    const stopping = new AbortController();
    const feeding = feed(fleet, pace, stopping.signal);
    const kills: Kill[] = [];
    let brokerKills = 0;
    try {
      const living = { configFile, fleet, kills };
      if (broker === undefined) await live(options, living);
      else brokerKills = await liveAsFleet({ ...options, broker }, living);
    } finally {
      stopping.abort();
      await feeding;
    }
    const findings = await settle({ config, fleet, webhook });
    const hits = new Map<CrashPoint, number>();
    for (const { point, isHit } of kills) if (isHit) hits.set(point, (hits.get(point) ?? 0) + 1);
    isKept = options.keepsEvidence === true && findings.violations.length > 0;
    const { requests } = sender;
    return { ...findings, kills, brokerKills, hits, requests, folder: isKept ? folder : undefined };
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
    let isOurs = false;
    const killIt = () => {
      isOurs = true;
      life.kill();
    };
    const comingUp = setTimeout(killIt, comingUpLimitMs);
    const address = await life.listening;
    clearTimeout(comingUp);
    life.setTime(clock.nowMs());
    fleet.onTime = life.setTime;
    sender.address = address;
    const limit = setTimeout(killIt, lifeLimitMs);
    const { signal, code, lastWords } = await life.ended;
    clearTimeout(limit);
    sender.address = undefined;
    fleet.onTime = () => {};
    const isHit = signal === "SIGKILL" && !isOurs;
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
