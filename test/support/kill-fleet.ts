/**
 * The application in many processes on Kafka, as it would run where one process has been outgrown: each is killed again and again at the
 * points of its stages, all at the same time, while the broker is killed and started again as well.
 */
import { namedRandom } from "../../services/chatbot/random.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import type { CrashPoint } from "../../services/runtime/crash-points.ts";
import type { StageName } from "../../services/stage.ts";
import type { KafkaBrokerProcess } from "./kafka-broker.ts";
import type { Fleet } from "./kill-feed.ts";
import { startLife } from "./kill-life.ts";
import type { Kill, LifeReport } from "./kill-run.ts";

interface Role {
  readonly name: string;
  readonly stages: readonly StageName[];
  /** Where it dies, and the most times that it passes there before. */
  readonly points: Partial<Record<CrashPoint, number>>;
  readonly kills: number;
}

export const detectInstances = 8;

/** Points that wait for an incident are passed once, others as often as some seconds of work do. */
function rolesOf(timesEach: number): readonly Role[] {
  const role = (
    stages: readonly StageName[],
    points: Role["points"],
    kills = timesEach * Object.keys(points).length,
  ): Role => ({ name: stages.join("+"), stages, points, kills });
  const detect = role(
    ["detect"],
    {
      "reducer:detect:after-append": 16,
      "reducer:detect:after-checkpoint": 3,
      "reducer:detect:after-commit": 3,
    },
    // Together with the others' more than 300, if each point of theirs is hit ten times.
    2 * timesEach,
  );
  return [
    role(["ingest"], { "ingest:after-append": 60 }, 2 * timesEach),
    role(["aggregate"], {
      "reducer:aggregate:after-append": 200,
      "reducer:aggregate:after-checkpoint": 48,
      "reducer:aggregate:after-commit": 48,
      "checkpoint:after-chunks": 48,
    }),
    ...Array.from({ length: detectInstances }, (_, i) => ({ ...detect, name: `detect ${i}` })),
    role(["incident"], {
      "reducer:incident:after-append": 1,
      "reducer:incident:after-checkpoint": 3,
      "reducer:incident:after-commit": 3,
    }),
    role(["notify"], {
      "notify:after-sink": 1,
      "notify:after-append": 1,
      "notify:after-checkpoint": 1,
      "notify:after-commit": 1,
    }),
    role(["archive"], {
      "archive:after-intent": 8,
      "archive:after-insert": 8,
      "archive:after-commit": 8,
    }),
  ];
}

export interface FleetKillOptions {
  readonly seed: number;
  readonly timesEach: number;
  readonly limitMs: number;
  readonly broker: KafkaBrokerProcess;
  readonly onLife: (life: LifeReport) => void;
}

const comingUpLimitMs = 120_000;
const lifeLimitMs = 150_000;
/** The broker lives so long between its kills, ms. */
const brokerLifeMs = 90_000;

/** Resolves when every role has died as often as it was to, and tells how often the broker has; no process is left. */
export async function liveAsFleet(
  options: FleetKillOptions,
  {
    configFile,
    fleet,
    kills,
  }: { readonly configFile: string; readonly fleet: Fleet; readonly kills: Kill[] },
): Promise<number> {
  const roles = rolesOf(options.timesEach);
  const total = roles.reduce((sum, { kills: wanted }) => sum + wanted, 0);
  const limit = AbortSignal.timeout(options.limitMs);
  const over = new AbortController();
  /** Settled while it is up. */
  let broker = Promise.resolve();
  let left = roles.length;
  let done = 0;

  /** Lives and dies; when it has died often enough it lives on, since the others need it. */
  async function play(role: Role): Promise<void> {
    const random = namedRandom(options.seed, `kill plan ${role.name}`);
    const points = Object.keys(role.points) as CrashPoint[];
    // Roles of a kind begin at different points.
    const first = Math.floor(random.unit() * points.length);
    const plan = Array.from({ length: role.kills }, (_, i) => points[(first + i) % points.length]);
    while (!over.signal.aborted) {
      const point = plan.shift();
      const passes = 1 + Math.floor(random.unit() * ((point && role.points[point]) ?? 1));
      const life = await liveOnce(role, point && `${point}:${passes}`);
      if (life === undefined) return;
      const { isHit, isKilled, isUp, seconds, note } = life;
      if (isKilled && point !== undefined) kills.push({ point, atMs: Date.now(), isHit });
      if (isHit) done++;
      // Not reached in time: the next point has its turn, and this one comes again. Not come up at all: then at once.
      else if (point !== undefined) plan[isUp ? "push" : "unshift"](point);
      options.onLife({ point, passes, isHit, seconds, done, total, note: `${role.name} ${note}` });
      if (isHit && plan.length === 0) leave();
    }
  }

  function leave(): void {
    left--;
    if (left === 0) over.abort();
  }

  /** Undefined when it was ended because all is over. */
  async function liveOnce(role: Role, crashAt: string | undefined) {
    // Where no broker answers, a process ends at once, and whoever started it waits.
    await broker;
    const beganMs = performance.now();
    const life = startLife({ configFile, crashAt, startMs: undefined, stages: role.stages });
    const killing = new AbortController();
    const kill = () => {
      killing.abort();
      life.kill();
    };
    over.signal.addEventListener("abort", kill, { once: true });
    const takesTelemetry = role.stages.includes("ingest");
    let timer = setTimeout(kill, comingUpLimitMs);
    const address = await life.listening;
    clearTimeout(timer);
    if (takesTelemetry) fleet.sender.address = address;
    if (crashAt !== undefined) timer = setTimeout(kill, lifeLimitMs);
    const { signal, code, lastWords } = await life.ended;
    clearTimeout(timer);
    over.signal.removeEventListener("abort", kill);
    if (takesTelemetry) fleet.sender.address = undefined;
    if (over.signal.aborted) return undefined;
    const isHit = signal === "SIGKILL" && !killing.signal.aborted;
    const words = lastWords.trim().split("\n").slice(-3).join(" | ");
    return {
      isHit,
      isKilled: signal === "SIGKILL",
      isUp: address !== undefined,
      seconds: (performance.now() - beganMs) / 1_000,
      note: isHit ? "" : `(${signal ?? code}) ${words}`,
    };
  }

  async function killBroker(): Promise<number> {
    for (let times = 0; ; times++) {
      try {
        await systemClock.sleep(brokerLifeMs, over.signal);
      } catch {
        return times;
      }
      broker = options.broker.kill().then(() => options.broker.start());
      await broker;
    }
  }

  limit.addEventListener("abort", () => over.abort(), { once: true });
  const killing = killBroker();
  await Promise.all(roles.map(play));
  return await killing;
}
