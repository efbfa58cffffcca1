import { createRequire } from "node:module";
import { ClickHouseException } from "./clickhouse-exception.ts";

/** The part of chDB that is used; its own types pull in optional packages. */
interface ChdbSession {
  queryAsync(
    sql: string,
    options: { readonly format: string },
  ): Promise<{
    readonly elapsed: number;
    readonly rowsRead: number;
    readonly bytesRead: number;
    bytes(): Uint8Array;
  }>;
  close(): void;
}
type ChdbModule = {
  readonly Session: new (
    path: string,
    options: { readonly connectionArgs: readonly string[] },
  ) => ChdbSession;
};

export interface EngineRequest {
  readonly sql: string;
  readonly format: string;
  readonly database: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, string>;
  readonly lane: Lane;
}

export interface EngineResult {
  readonly bytes: Uint8Array;
  /** Rows of the result, or rows written by an insert. */
  readonly rows: number;
  readonly byteCount: number;
  readonly elapsedNs: number;
}

/** Statements of one lane wait for each other, those of different lanes never do. */
export type Lane = "ownWrite" | "ownRead" | "write" | "read";

interface LaneLimits {
  readonly running: number;
  readonly waiting: number;
  /** A statement that runs longer than this hangs: the engine can't be told to stop, only ended. */
  readonly hangMs: number;
}

export interface Engine {
  run(request: EngineRequest): Promise<EngineResult>;
  readonly version: string;
  readonly timezone: string;
  readonly tableFunctions: ReadonlySet<string>;
  close(): void;
}

export interface EngineOptions {
  readonly directory: string;
  /** Created if missing. */
  readonly databases: readonly string[];
  /** Longest an outsider's query may run, ms; hanging is judged from it. */
  readonly maxQueryMs: number;
  readonly onHang: (sql: string) => void;
}

/**
 * Opens chDB on the directory. Each statement gets a session of its own (0.2 ms), so that settings, the current
 * database, parameters and temporary tables of one request can't reach another. Throws when the directory is owned.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const chdb = createRequire(import.meta.url)("chdb") as ChdbModule;
  // Held open all the time: the engine shuts down with its last session.
  const keeper = new chdb.Session(options.directory, { connectionArgs: [] });
  const lanes: Readonly<Record<Lane, ReturnType<typeof createLane>>> = {
    ownWrite: createLane({ running: 2, waiting: 1000, hangMs: 900_000 }),
    ownRead: createLane({ running: 4, waiting: 1000, hangMs: 900_000 }),
    write: createLane({ running: 2, waiting: 100, hangMs: 300_000 }),
    read: createLane({ running: 4, waiting: 100, hangMs: options.maxQueryMs + 30_000 }),
  };
  const text = async (sql: string) =>
    Buffer.from((await keeper.queryAsync(sql, { format: "TSVRaw" })).bytes()).toString("utf8");
  for (const database of options.databases) {
    await text(`CREATE DATABASE IF NOT EXISTS ${quoteName(database)}`);
  }
  const [version = "", timezone = "UTC"] = (await text("SELECT version(), timezone()"))
    .trim()
    .split("\t");
  const names = await text("SELECT lower(name) FROM system.table_functions");

  async function runNow(request: EngineRequest): Promise<EngineResult> {
    const connectionArgs = [...request.settings].map(([name, value]) => `--${name}=${value}`);
    const session = openSession(connectionArgs);
    try {
      await session.queryAsync(`USE ${quoteName(request.database)}`, { format: "Null" });
      if (request.parameters.size > 0) {
        await session.queryAsync(parametersStatement(request.parameters), { format: "Null" });
      }
      const result = await session.queryAsync(request.sql, { format: request.format });
      return {
        bytes: result.bytes(),
        rows: result.rowsRead,
        byteCount: result.bytesRead,
        elapsedNs: Math.round(result.elapsed * 1e9),
      };
    } finally {
      session.close();
    }
  }

  function openSession(connectionArgs: readonly string[]): ChdbSession {
    try {
      return new chdb.Session(options.directory, { connectionArgs });
    } catch (error) {
      // The engine says why only on the error output of the process.
      throw new ClickHouseException(
        115,
        "UNKNOWN_SETTING",
        `The engine refused the settings ${connectionArgs.join(" ")}: ${String(error)}`,
      );
    }
  }

  return {
    version,
    timezone,
    tableFunctions: new Set(names.trim().split("\n")),
    run: (request) => {
      const lane = lanes[request.lane];
      return lane(async () => {
        const watchdog = setTimeout(() => options.onHang(request.sql), lane.hangMs);
        try {
          return await runNow(request);
        } finally {
          clearTimeout(watchdog);
        }
      });
    },
    close: () => keeper.close(),
  };
}

/** Runs at most `running` jobs at once, the rest in order; refuses when `waiting` are waiting. */
function createLane(limits: LaneLimits) {
  const queue: (() => void)[] = [];
  let running = 0;
  const lane = async <T>(job: () => Promise<T>): Promise<T> => {
    if (running >= limits.running) {
      if (queue.length >= limits.waiting) {
        throw new ClickHouseException(
          202,
          "TOO_MANY_SIMULTANEOUS_QUERIES",
          `Too many queries: ${limits.running} run, ${limits.waiting} wait`,
        );
      }
      await new Promise<void>((resolve) => queue.push(resolve));
    } else {
      running++;
    }
    try {
      return await job();
    } finally {
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  };
  return Object.assign(lane, { hangMs: limits.hangMs });
}

/** `SET` in a session that ends with the request; the values are bound by the engine as `{name:Type}`. */
function parametersStatement(parameters: ReadonlyMap<string, string>): string {
  const bound: string[] = [];
  for (const [name, value] of parameters) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new ClickHouseException(36, "BAD_ARGUMENTS", `param_${name} has no valid name`);
    }
    bound.push(`param_${name} = ${quoteText(value)}`);
  }
  return `SET ${bound.join(", ")}`;
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
