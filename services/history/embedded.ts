import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ForeshockError } from "../contracts/errors.ts";
import type { FromChild, StartMessage, ToChild } from "./embedded-messages.ts";
import { type BodyLimits, defaultBodyLimits } from "./http-interface/request-body.ts";
import { defaultQueryLimits, type QueryLimits } from "./http-interface/request-settings.ts";

export interface EmbeddedHistoryOptions {
  /** Made if missing; one process owns it at a time. */
  readonly directory: string;
  readonly host: string;
  /** 0 takes a free one, which is kept over restarts. */
  readonly port: number;
  /** Where requests go that name no database, or `default`. Default `foreshock`. */
  readonly database?: string;
  /** Outside programs that may write, each into a database of its own (created here). */
  readonly writers?: readonly HistoryWriter[];
  readonly queryLimits?: Partial<QueryLimits>;
  readonly bodyLimits?: Partial<BodyLimits>;
  readonly logger?: (entry: {
    readonly level: "info" | "warn" | "error";
    readonly message: string;
  }) => void;
  /** Aborting closes the server. */
  readonly signal?: AbortSignal;
}

export interface HistoryWriter {
  readonly user: string;
  readonly password: string;
  /** Default `otel`. */
  readonly database?: string;
}

export interface EmbeddedHistory extends AsyncDisposable {
  /** `http://host:port` of ClickHouse's HTTP interface. */
  readonly url: string;
  readonly port: number;
  /** Process that owns the engine now; changes when it had to be restarted. */
  readonly pid: number;
  /** Account for Foreshock's own driver; the password is made anew by each start. */
  readonly user: string;
  readonly password: string;
  /** Lets running statements finish, for at most ten seconds. Idempotent. */
  close(): Promise<void>;
}

const childModule = fileURLToPath(new URL("./embedded-child.ts", import.meta.url));
const closeLimitMs = 10_000;
const startLimitMs = 120_000;
const backoffMs = { first: 100, longest: 5_000, forgottenAfter: 60_000 };
/** Lanes of the engine, with room for files and compression beside them. */
const threads = 24;

/**
 * Starts the process that owns chDB on a directory and serves ClickHouse's HTTP interface; starts it again
 * whenever it dies. Throws `history_owned` and `port_in_use`; resolves once `/ping` answers.
 */
export async function startEmbeddedHistory(
  options: EmbeddedHistoryOptions,
): Promise<EmbeddedHistory> {
  options.signal?.throwIfAborted();
  const log = options.logger ?? (() => undefined);
  const user = "foreshock";
  const password = randomBytes(24).toString("base64url");
  let port = options.port;
  let child: ChildProcess | undefined;
  let closing: Promise<void> | undefined;
  let restart: NodeJS.Timeout | undefined;
  let failures = 0;

  const startMessage = (): StartMessage => ({
    type: "start",
    directory: options.directory,
    host: options.host,
    port,
    database: options.database ?? "foreshock",
    accounts: [
      { user, password, principal: { role: "owner" } },
      ...(options.writers ?? []).map((writer) => ({
        user: writer.user,
        password: writer.password,
        principal: { role: "writer" as const, database: writer.database ?? "otel" },
      })),
    ],
    queryLimits: { ...defaultQueryLimits, ...options.queryLimits },
    bodyLimits: { ...defaultBodyLimits, ...options.bodyLimits },
  });

  /** One life of the child: resolves when it serves, rejects with the reason when it can't. */
  async function launch(): Promise<void> {
    const launched = fork(childModule, [], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, TZ: "UTC", UV_THREADPOOL_SIZE: String(threads) },
    });
    child = launched;
    let lastWords = "";
    const listen = (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString("utf8")).slice(-4_000);
      log({ level: "warn", message: `history engine: ${chunk.toString("utf8").trimEnd()}` });
    };
    launched.stdout?.on("data", listen);
    launched.stderr?.on("data", listen);
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => {
        launched.kill("SIGKILL");
        reject(unavailable(`did not start within ${startLimitMs} ms`));
      }, startLimitMs);
      let problem: Extract<FromChild, { type: "failed" }> | undefined;
      launched.on("message", (message: FromChild) => {
        if (message.type === "failed") {
          problem = message;
          return;
        }
        port = message.port;
        clearTimeout(limit);
        resolve();
      });
      launched.once("error", reject);
      launched.once("close", (code, signal) => {
        clearTimeout(limit);
        reject(startError(problem, lastWords));
        if (closing !== undefined || child !== launched) return;
        if (performance.now() - startedAt > backoffMs.forgottenAfter) failures = 0;
        onDeath(`ended with ${signal ?? code}`);
      });
      send(launched, startMessage());
    });
  }

  let isServing = false;
  function onDeath(how: string): void {
    if (!isServing) return;
    const waitMs = Math.min(backoffMs.longest, backoffMs.first * 2 ** Math.min(failures++, 10));
    log({ level: "error", message: `history engine ${how}; starts again in ${waitMs} ms` });
    restart = setTimeout(() => {
      launch().then(
        () => log({ level: "info", message: `history engine serves again on port ${port}` }),
        (error: unknown) => log({ level: "error", message: `history engine: ${String(error)}` }),
      );
    }, waitMs);
  }

  function startError(
    problem: Extract<FromChild, { type: "failed" }> | undefined,
    lastWords: string,
  ): ForeshockError {
    if (/Cannot lock file/.test(lastWords)) {
      return new ForeshockError(
        "history_owned",
        `history directory ${options.directory} is in use by another process: stop it, or set another directory`,
      );
    }
    if (problem?.reason === "port") {
      const isTaken = /EADDRINUSE/.test(problem.message);
      return new ForeshockError(
        isTaken ? "port_in_use" : "unavailable",
        isTaken
          ? `port ${port} on ${options.host} is taken by another program: free it, or set another port for the history`
          : `history can't listen on ${options.host}:${port}: ${problem.message}`,
      );
    }
    return unavailable(
      problem?.message ?? `ended at start: ${lastWords.trim() || "no reason given"}`,
    );
  }

  function close(): Promise<void> {
    closing ??= (async () => {
      clearTimeout(restart);
      options.signal?.removeEventListener("abort", onAbort);
      const last = child;
      if (last === undefined || last.exitCode !== null || last.signalCode !== null) return;
      const ended = new Promise<void>((resolve) => last.once("close", () => resolve()));
      const limit = setTimeout(() => last.kill("SIGKILL"), closeLimitMs);
      send(last, { type: "stop" });
      await ended;
      clearTimeout(limit);
    })();
    return closing;
  }
  function onAbort(): void {
    close().catch((error: unknown) => log({ level: "error", message: String(error) }));
  }
  options.signal?.addEventListener("abort", onAbort, { once: true });

  try {
    await launch();
    await expectPing(options.host, port);
    isServing = true;
  } catch (error) {
    await close();
    throw error;
  }
  return {
    get url() {
      return `http://${hostInUrl(options.host)}:${port}`;
    },
    get port() {
      return port;
    },
    get pid() {
      return child?.pid ?? -1;
    },
    user,
    password,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function send(child: ChildProcess, message: ToChild): void {
  // A child that is already gone tells so by its "close" event.
  child.send(message, () => undefined);
}

async function expectPing(host: string, port: number): Promise<void> {
  const response = await fetch(`http://${hostInUrl(host)}:${port}/ping`);
  if ((await response.text()) !== "Ok.\n") throw unavailable("does not answer /ping");
}

/** Where to reach a server that listens on `host`. */
function hostInUrl(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function unavailable(message: string): ForeshockError {
  return new ForeshockError("unavailable", `history engine ${message}`, { retryable: true });
}
