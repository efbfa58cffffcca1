/** The reducing stages and notify, run by the real runners on a log on disk that is filled record by record at simulated time. */
import { type Config, configSchema } from "../../services/contracts/config.ts";
import { noMetrics } from "../../services/contracts/metrics.ts";
import { headers, sourceTopics, topics } from "../../services/contracts/topics.ts";
import type { CaptureRecord } from "../../services/log/capture.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import type { AppendRecord, Log } from "../../services/log/log.ts";
import { stages, topicSpecs } from "../../services/pipeline.ts";
import { algorithmVersions } from "../../services/runtime/algorithm-versions.ts";
import { checkpointStore } from "../../services/runtime/checkpoint.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { readControl } from "../../services/runtime/control.ts";
import { runConsumingStage } from "../../services/runtime/stage-runner.ts";
import { hardJudgement, hardPartitions } from "./hard-log.ts";
import { type Outcome, outcomeOf } from "./hard-log-outcome.ts";
import { type SetClock, setClock } from "./kill-clock.ts";

export const hardConfig = (webhook: string): Config =>
  configSchema.parse({
    log: { partitions: hardPartitions },
    checkpoint: { intervalMs: 20_000 },
    judgement: hardJudgement,
    notify: { sinks: [{ kind: "webhook", name: "webhook", url: webhook }] },
  });

/** Records that people's programs append while telemetry comes in, at their times. */
export interface Timed {
  readonly atMs: number;
  readonly record: AppendRecord;
}

/** A life of the stages ends in the middle of the `call`-th append or commit after a time, before or after that took effect. */
export interface Kill {
  readonly afterMs: number;
  readonly call: number;
  readonly tookEffect: boolean;
}

export interface LiveOptions {
  readonly directory: string;
  readonly config: Config;
  readonly records: readonly CaptureRecord[];
  readonly commands: readonly Timed[];
  readonly kills: readonly Kill[];
  /** What must come out in the end; the run goes on until there is as much of it. */
  readonly expected: Outcome;
  /** Deliveries that must be on record before it ends. */
  readonly deliveries: number;
}

export interface LiveRun extends AsyncDisposable {
  readonly log: Log;
  /** Kills that took place. */
  readonly kills: number;
  readonly problems: readonly string[];
}

const stageNames = ["aggregate", "detect", "incident", "notify"] as const;
const readWaitMs = 1_000;
const patienceMs = 90_000;

export async function runLive(options: LiveOptions): Promise<LiveRun> {
  const { config, records } = options;
  const clock = setClock(records[0]?.appendMs ?? 0);
  const log = await openLmdbLog({
    directory: options.directory,
    clock,
    limits: { maxDiskBytes: 2 ** 32 },
  });
  await log.ensureTopics(topicSpecs(config));
  const problems: string[] = [];
  const kills = [...options.kills];
  let isOver = false;
  const lives = (async () => {
    while (!isOver)
      await live(log, { config, clock, kill: kills.shift(), isOver: () => isOver, problems });
  })();
  await fill(log, clock, options);
  const limitMs = performance.now() + patienceMs;
  while (!(await isThrough(log, options)) && performance.now() < limitMs)
    await systemClock.sleep(200);
  isOver = true;
  await lives;
  return {
    log,
    kills: options.kills.length - kills.length,
    problems,
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}

/** Appends what came at the same time at once; a command goes before the first record that is later. */
async function fill(log: Log, clock: SetClock, { records, commands }: LiveOptions): Promise<void> {
  const waiting = [...commands].sort((a, b) => a.atMs - b.atMs);
  for (let from = 0; from < records.length; ) {
    const atMs = records[from]?.appendMs ?? 0;
    let to = from;
    while (records[to]?.appendMs === atMs) to++;
    clock.set(atMs);
    const due: AppendRecord[] = [];
    while (waiting[0] !== undefined && waiting[0].atMs <= atMs) {
      const command = waiting.shift();
      if (command !== undefined) due.push(command.record);
    }
    await log.append([...records.slice(from, to).map(appendOf), ...due]);
    from = to;
  }
}

const appendOf = ({ signal, partition, payload, isHeartbeat }: CaptureRecord): AppendRecord => ({
  topic: sourceTopics[signal],
  partition,
  value: payload,
  ...(isHeartbeat ? { headers: { [headers.heartbeat]: "1" } } : {}),
});

async function isThrough(log: Log, { expected, deliveries }: LiveOptions): Promise<boolean> {
  if ((await log.offsets(topics.deliveries, 0)).end < deliveries) return false;
  const { outcome } = await outcomeOf(log);
  return [...expected].every(
    ([channel, values]) => (outcome.get(channel)?.length ?? 0) >= values.length,
  );
}

interface Life {
  readonly config: Config;
  readonly clock: SetClock;
  readonly kill: Kill | undefined;
  readonly isOver: () => boolean;
  readonly problems: string[];
}

/** From start to kill, or to the end of all. */
async function live(log: Log, { config, clock, kill, isOver, problems }: Life): Promise<void> {
  const stop = new AbortController();
  const mortal = mortalLog(log, { clock, kill }, () => stop.abort(new Error("killed")));
  const control = await readControl(log, config, algorithmVersions, 0);
  const context = {
    config,
    clock,
    metrics: noMetrics,
    log: mortal.log,
    history: undefined,
    report: (level: string, message: string) => {
      if (level === "error" && !stop.signal.aborted) problems.push(message);
    },
  };
  const deps = {
    ...context,
    control,
    readWaitMs,
    checkpoints: checkpointStore(mortal.log, hardPartitions),
  };
  const health = { halted: new Map<string, string>() };
  const running = stageNames.map((name) => {
    const stage = stages[name];
    if (stage.kind === "server") throw new TypeError(`${name} consumes nothing`);
    return runConsumingStage(stage, context, deps, health, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) problems.push(String(error));
    });
  });
  while (!stop.signal.aborted && !isOver()) await systemClock.sleep(20);
  stop.abort(new Error("over"));
  await Promise.all(running);
  await mortal.settled();
  problems.push(...health.halted.values());
}

interface MortalLog {
  readonly log: Log;
  /** Resolves when nothing of this life is under way: what a dead process had not begun, it never does. */
  settled(): Promise<void>;
}

/** A log whose user dies in the middle of a call: from then on nothing of it reaches the log. */
function mortalLog(
  log: Log,
  { clock, kill }: Pick<Life, "clock" | "kill">,
  onDeath: () => void,
): MortalLog {
  const underWay = new Set<Promise<unknown>>();
  let calls = 0;
  let isDead = false;
  async function pass<T>(call: () => Promise<T>): Promise<T> {
    if (isDead) throw new Error("killed");
    if (kill !== undefined && clock.nowMs() >= kill.afterMs && ++calls === kill.call) {
      isDead = true;
      onDeath();
      if (!kill.tookEffect) throw new Error("killed");
    }
    const promise = call();
    underWay.add(promise);
    const result = await promise.finally(() => underWay.delete(promise));
    if (isDead) throw new Error("killed");
    return result;
  }
  return {
    log: {
      append: (records, signal) => pass(() => log.append(records, signal)),
      commit: (group, offsets) => pass(() => log.commit(group, offsets)),
      ensureTopics: (specs) => log.ensureTopics(specs),
      topics: () => log.topics(),
      read: (request, signal) => log.read(request, signal),
      offsets: (topic, partition) => log.offsets(topic, partition),
      latestByKey: (topic, partition) => log.latestByKey(topic, partition),
      join: (group, names, handler, signal) => log.join(group, names, handler, signal),
      committed: (group, topic, partition) => log.committed(group, topic, partition),
      lag: (group, names) => log.lag(group, names),
      pressure: () => log.pressure(),
      [Symbol.asyncDispose]: async () => {},
    },
    async settled() {
      await Promise.allSettled([...underWay]);
    },
  };
}
