/** The composition root: opens drivers, wires stages to them, and closes everything in reverse order within a bound. */
import { mkdirSync, readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import type { Config } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { openClickHouse } from "../history/clickhouse.ts";
import { startEmbeddedHistory } from "../history/embedded.ts";
import type { History } from "../history/history.ts";
import { applyRetention, migrate } from "../history/migrate.ts";
import { type HistoryReader, openReader } from "../history/reader.ts";
import { kafkaLogOptions } from "../log/kafka-settings.ts";
import type { TopicReport } from "../log/kafka-topic-report.ts";
import { openLmdbLog } from "../log/lmdb.ts";
import type { Log } from "../log/log.ts";
import { stageNames, topicSpecs } from "../pipeline.ts";
import type { EdgeContext, StageName } from "../stage.ts";
import { algorithmVersions } from "./algorithm-versions.ts";
import { checkpointStore } from "./checkpoint.ts";
import { type Clock, systemClock } from "./clock.ts";
import { readControl } from "./control.ts";
import { processStages } from "./process-stages.ts";
import type { RunnerDeps } from "./runner-deps.ts";
import type { TaskHealth } from "./stage-runner.ts";
import { startTelemetry, type Telemetry } from "./telemetry.ts";

export interface App extends AsyncDisposable {
  /** What listens where, for people: `OTLP gRPC`, `OTLP HTTP`, `page`, `ClickHouse HTTP`, `metrics`. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly history: History | undefined;
  /** Process of the embedded history engine; undefined without one. */
  readonly enginePid: number | undefined;
  /** Undefined while all is well, else why this process is not ready. */
  notReadyBecause(): string | undefined;
  /** Stops taking input, lets stages finish what they hold, closes. Bounded, idempotent. */
  close(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  /** Default: all. */
  readonly stages?: readonly StageName[];
  readonly clock?: Clock;
  /** How long readers wait for a record, ms; see `RunnerDeps`. */
  readonly readWaitMs?: number;
  readonly report: EdgeContext["report"];
}

export async function startApp(options: AppOptions): Promise<App> {
  const { config, report } = options;
  const clock = options.clock ?? systemClock;
  const wanted = options.stages ?? stageNames;
  const closers: (() => Promise<void>)[] = [];
  const stopping = new AbortController();
  const health: TaskHealth = { halted: new Map() };
  let isStarting = true;

  const notReadyBecause = () => {
    if (stopping.signal.aborted) return "stopping";
    if (isStarting) return "starting";
    const halted = [...health.halted].map(([task, reason]) => `${task}: ${reason}`);
    return halted.length > 0 ? halted.join("; ") : undefined;
  };

  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async (): Promise<void> => {
      stopping.abort(new ForeshockError("log_closed", "the process is stopping"));
      for (const closer of closers.reverse())
        await closer().catch((error) => report("error", `closing: ${error}`));
    })();
    return closed;
  };

  try {
    const telemetry = await startTelemetry(config.metrics, { notReadyBecause });
    closers.push(async () => await telemetry[Symbol.asyncDispose]());
    // The engine takes as long to start as all the rest, so it starts beside it: nothing is judged later for the sake of history.
    const opening = new AbortController();
    const openingHistory = openHistory(config, wanted, {
      report,
      telemetry,
      signal: opening.signal,
    });
    let isHistorySettled = false;
    const settle = () => {
      isHistorySettled = true;
    };
    // Whoever waits for it below is told why it failed.
    openingHistory.then(settle, settle);
    closers.push(async () => {
      if (!isHistorySettled) opening.abort();
      const opened = await openingHistory.catch(() => undefined);
      await opened?.history?.dispose();
    });
    const log = await openLog(config, clock);
    closers.push(async () => log[Symbol.asyncDispose]());
    await log.ensureTopics(topicSpecs(config));
    const control = await readControl(log, config, algorithmVersions, clock.nowMs());

    const context: EdgeContext = {
      config,
      clock,
      metrics: telemetry.metrics,
      log,
      history: undefined,
      report,
    };
    const deps: RunnerDeps = {
      config,
      log,
      clock,
      metrics: telemetry.metrics,
      checkpoints: checkpointStore(log, config.log.partitions),
      control,
      report,
      ...(options.readWaitMs === undefined ? {} : { readWaitMs: options.readWaitMs }),
    };

    const own = processStages(deps, health, stopping.signal);
    closers.push(own.ended);
    for (const name of stageNames)
      if (wanted.includes(name) && name !== "archive") own.consume(name, context);

    const served: Record<string, string> = {};
    for (const name of stageNames) {
      if (!wanted.includes(name)) continue;
      const server = await own.serve(name, context);
      if (server === undefined) continue;
      closers.push(async () => server[Symbol.asyncDispose]());
      Object.assign(served, server.addresses);
    }
    const { history, address } = await openingHistory;
    if (wanted.includes("archive") && history !== undefined)
      own.consume("archive", { ...context, history: history.driver });
    const addresses: Record<string, string> = {
      metrics: `http://${telemetry.address}/metrics`,
      ...address,
      ...served,
    };
    isStarting = false;
    // Compiled sources are kept for the next start even where this process never ends by itself; nothing where no cache is on.
    flushCompileCache();
    return {
      addresses,
      log,
      history: history?.driver,
      get enginePid() {
        return history?.enginePid();
      },
      notReadyBecause,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens the log that the configuration names; the directory is made if missing. */
export async function openLog(config: Config, clock: Clock = systemClock): Promise<Log> {
  if (config.log.engine === "kafka") {
    // Loaded where it is used: a tenth of the time that a start takes.
    const { openKafkaLog } = await import("../log/kafka.ts");
    return await openKafkaLog(kafkaLogOptions(config.log, clock));
  }
  const directory = join(config.dataDir, "log");
  mkdirSync(directory, { recursive: true });
  return await openLmdbLog({ directory, clock, limits: { maxDiskBytes: config.log.maxDiskBytes } });
}

/** Kafka's topics beside what the configuration wants of them; `create` makes what is missing. */
export async function reportTopics(
  config: Config,
  create: boolean,
): Promise<readonly TopicReport[]> {
  const { reportKafkaTopics } = await import("../log/kafka-topic-report.ts");
  return await reportKafkaTopics(
    kafkaLogOptions(config.log, systemClock),
    topicSpecs(config),
    create,
  );
}

/** Opens the configured ClickHouse for reading: a server, or the interface of a running embedded history. */
export function openHistoryReader({ history }: Config): History {
  const isServer = history.engine === "clickhouse";
  return openClickHouse({
    url: isServer ? history.url : `http://${history.host}:${history.httpPort}`,
    user: history.user,
    password: passwordOf(history),
    database: history.database,
  });
}

/** The history for questions from outside: read-only, limited, wherever it is. */
export function openHistoryQuestions({ history, dataDir }: Config): Promise<HistoryReader> {
  const password = history.engine === "clickhouse" ? passwordOf(history) : "";
  return openReader({ history, dataDir, password });
}

function passwordOf({ password, passwordFile }: Config["history"]): string {
  if (passwordFile === "") return password;
  try {
    return readFileSync(passwordFile, "utf8").trim();
  } catch (cause) {
    throw new ForeshockError(
      "config_invalid",
      `history.passwordFile: ${passwordFile} cannot be read`,
      { cause },
    );
  }
}

interface HistoryDeps {
  readonly report: EdgeContext["report"];
  readonly telemetry: Telemetry;
  readonly signal: AbortSignal;
}

interface OpenHistory {
  readonly driver: History;
  enginePid(): number | undefined;
  dispose(): Promise<void>;
}

async function openHistory(
  config: Config,
  wanted: readonly StageName[],
  deps: HistoryDeps,
): Promise<{ history: OpenHistory | undefined; address: Record<string, string> }> {
  const { history } = config;
  if (history.engine === "none" || !(wanted.includes("archive") || wanted.includes("console")))
    return { history: undefined, address: {} };
  const retention = {
    spanDays: history.spanRetentionDays,
    windowDays: history.windowRetentionDays,
    minuteDays: history.minuteRetentionDays,
    hourDays: history.hourRetentionDays,
  };
  if (history.engine === "clickhouse") {
    const driver = openClickHouse({
      url: history.url,
      user: history.user,
      password: passwordOf(history),
      database: history.database,
    });
    await migrate(driver);
    await applyRetention(driver, retention);
    return {
      history: { driver, enginePid: () => undefined, dispose: () => driver.close() },
      address: {},
    };
  }
  const directory = join(config.dataDir, "history");
  mkdirSync(directory, { recursive: true });
  const embedded = await startEmbeddedHistory({
    directory,
    signal: deps.signal,
    host: history.host,
    port: history.httpPort,
    writers: history.writers,
    logger: ({ level, message }) => deps.report(level, `history: ${message}`),
  });
  const driver = openClickHouse({
    url: embedded.url,
    user: embedded.user,
    password: embedded.password,
    database: history.database,
  });
  const watch = setInterval(() => {
    void driver
      .ping()
      .then((isUp) => deps.telemetry.metrics.set("foreshock_history_up", isUp ? 1 : 0));
  }, 5_000);
  watch.unref();
  const dispose = async () => {
    clearInterval(watch);
    await driver.close();
    await embedded.close();
  };
  try {
    await migrate(driver);
    await applyRetention(driver, retention);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    history: { driver, enginePid: () => embedded.pid, dispose },
    address: { "ClickHouse HTTP": embedded.url },
  };
}
