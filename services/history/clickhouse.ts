import { Readable } from "node:stream";
import {
  type ClickHouseClient,
  ClickHouseError,
  ClickHouseLogLevel,
  createClient,
} from "@clickhouse/client";
import { ForeshockError } from "../contracts/errors.ts";
import type { History } from "./history.ts";
import { keptConnections } from "./http-agent.ts";

export interface ClickHouseOptions {
  /** `http://host:8123`. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Where unqualified names point; must exist before the first statement that names a table. */
  readonly database: string;
  /** Longest wait for an answer, ms. Default two minutes. */
  readonly timeoutMs?: number;
}

const maxConnections = 10;

/** Codes that say "not here, not you" rather than "this is wrong". */
const refusals = new Set(["164", "392", "497", "516"]);
/** Codes that pass: overload, memory, too many parts, timeouts, a lost connection behind the server. */
const passing = new Set(["159", "202", "209", "210", "241", "242", "252", "999"]);

/** The driver of the history port over `@clickhouse/client`. Opens no connection before the first call. */
export function openClickHouse(options: ClickHouseOptions): History {
  const client: ClickHouseClient = createClient({
    url: options.url,
    username: options.user,
    password: options.password,
    database: options.database,
    request_timeout: options.timeoutMs ?? 120_000,
    // Longer than the 10 s of a stock server would meet closed sockets.
    keep_alive: { idle_socket_ttl: 2_500 },
    http_agent: keptConnections(options.url, maxConnections),
    log: { level: ClickHouseLogLevel.OFF },
  });
  const close = () => client.close();

  return {
    async insert({ table, block, token }, signal) {
      await asForeshock(`insert into ${table}`, async () => {
        const { stream } = await client.exec({
          query: `INSERT INTO ${table} FORMAT Native`,
          values: Readable.from([block], { objectMode: false }),
          clickhouse_settings: {
            insert_deduplication_token: token,
            insert_deduplicate: 1,
            async_insert: 0,
            wait_end_of_query: 1,
          },
          ...(signal === undefined ? {} : { abort_signal: signal }),
        });
        for await (const _ of stream) {
          // Nothing of use, but the socket is free again only when all is read.
        }
      });
    },
    async query<Row>(sql: string, parameters = {}, signal?: AbortSignal): Promise<Row[]> {
      return asForeshock("query", async () => {
        const result = await client.query({
          query: sql,
          format: "JSONEachRow",
          query_params: parameters,
          clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
          ...(signal === undefined ? {} : { abort_signal: signal }),
        });
        return result.json<Row>();
      });
    },
    async command(sql, signal) {
      await asForeshock("command", () =>
        client.command({
          query: sql,
          clickhouse_settings: { wait_end_of_query: 1 },
          ...(signal === undefined ? {} : { abort_signal: signal }),
        }),
      );
    },
    ping: async () => (await client.ping()).success,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function asForeshock<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof ClickHouseError) {
      const code = refusals.has(cause.code) ? "query_refused" : "history_failed";
      throw new ForeshockError(
        code,
        `ClickHouse ${what}: ${cause.message.trim()} (code ${cause.code})`,
        { cause, retryable: passing.has(cause.code) },
      );
    }
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ForeshockError("unavailable", `ClickHouse ${what}: ${message}`, {
      cause,
      retryable: true,
    });
  }
}
