/**
 * The history as people read it: one statement a request over ClickHouse's HTTP interface, read-only, limited, in any format. Finds
 * the history where it is: a running Foreshock, else the embedded directory that nobody owns, else the configured server.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { startEmbeddedHistory } from "./embedded.ts";
import { checkAccess } from "./http-interface/access-rules.ts";
import { parseStatement } from "./http-interface/statement.ts";
import { explainRefusal, parseRefusal } from "./refusals.ts";

export interface ReaderLimits {
  readonly maxSeconds: number;
  readonly maxRows: number;
  readonly maxMemoryBytes: number;
}

export const defaultReaderLimits: ReaderLimits = {
  maxSeconds: 60,
  maxRows: 1_000_000,
  maxMemoryBytes: 2 * 1024 ** 3,
};

export interface Question {
  readonly sql: string;
  /** ClickHouse's name of the format in which the answer comes, unless the statement names another. */
  readonly format: string;
  /** Values of `{name:Type}`. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ReaderLimits>;
  /** Further settings of the output's format. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface HistoryReader extends AsyncDisposable {
  /** Where it reads, for people: `the running Foreshock at http://127.0.0.1:8123`. */
  readonly where: string;
  /** Bytes in the format asked for. Throws `query_refused` and `history_failed`, saying what to do. */
  ask(question: Question, signal?: AbortSignal): Promise<Uint8Array>;
  /** Rows of a SELECT as objects; 64-bit integers are numbers. */
  rows<Row>(question: Omit<Question, "format">, signal?: AbortSignal): Promise<Row[]>;
}

export interface ReaderOptions {
  readonly history: Config["history"];
  readonly dataDir: string;
  /** Of a ClickHouse server. */
  readonly password: string;
}

/** Longest wait for a running Foreshock to say that it is there, ms. */
const knockMs = 1_500;

/** Throws `unavailable` where there is no history, and `history_owned` where its owner does not serve it. */
export async function openReader(options: ReaderOptions): Promise<HistoryReader> {
  const { history, dataDir, password } = options;
  if (history.engine === "none")
    throw new ForeshockError(
      "unavailable",
      "history.engine is none, so nothing was kept: set embedded or clickhouse",
    );
  if (history.engine === "clickhouse") return await readServer(history, password);
  const host = history.host === "0.0.0.0" ? "127.0.0.1" : history.host;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${history.httpPort}`;
  if (history.httpPort !== 0 && (await isForeshock(url)))
    return readerOn({ url, where: `the running Foreshock at ${url}` });
  const directory = join(dataDir, "history");
  if (!existsSync(directory))
    throw new ForeshockError(
      "unavailable",
      `there is no history: nothing answers at ${url}, and there is no folder ${directory}; dataDir (FORESHOCK_DATA_DIR) says where foreshock run keeps its data`,
    );
  return await readDirectory(directory, history.database, url);
}

async function isForeshock(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(knockMs) });
    await answer.arrayBuffer();
    return answer.headers.get("x-clickhouse-server-display-name") === "foreshock";
  } catch {
    return false;
  }
}

/** Opens the engine for as long as the questions last; asked as an outsider, so the same rules hold as over the network. */
async function readDirectory(
  directory: string,
  database: string,
  url: string,
): Promise<HistoryReader> {
  try {
    const server = await startEmbeddedHistory({ directory, host: "127.0.0.1", port: 0, database });
    return readerOn({
      url: server.url,
      where: `the history in ${directory}`,
      close: () => server.close(),
    });
  } catch (error) {
    if (error instanceof ForeshockError && error.code === "history_owned")
      throw new ForeshockError(
        "history_owned",
        `${directory} is in use by another process, but nothing answers at ${url}: set history.httpPort (FORESHOCK_HISTORY_HTTP_PORT) as the running Foreshock has it`,
        { cause: error },
      );
    throw error;
  }
}

async function readServer(
  { url, user, database }: Config["history"],
  password: string,
): Promise<HistoryReader> {
  const reader = readerOn({
    url,
    where: `the ClickHouse server at ${url}`,
    headers: { "X-ClickHouse-User": user, "X-ClickHouse-Key": password },
    parameters: { database, readonly: "1" },
  });
  const names = await reader.rows<{ name: string }>({
    sql: "SELECT lower(name) AS name FROM system.table_functions",
  });
  const tableFunctions = new Set(names.map(({ name }) => name));
  // A server has no rules of ours in front of it, and readonly=1 alone lets INTO OUTFILE and some functions pass.
  const check = (sql: string, parameters: Readonly<Record<string, string>> = {}) =>
    refusedAs(sql, () =>
      checkAccess({
        principal: { role: "reader" },
        statement: parseStatement(Buffer.from(sql)),
        parameters: new Map(Object.entries(parameters)),
        tableFunctions,
      }),
    );
  return {
    where: reader.where,
    async ask(question, signal) {
      check(question.sql, question.parameters);
      return await reader.ask(question, signal);
    },
    async rows(question, signal) {
      check(question.sql, question.parameters);
      return await reader.rows(question, signal);
    },
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

function refusedAs(sql: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    throw explainRefusal({ code: 392, text: error instanceof Error ? error.message : sql });
  }
}

interface Endpoint {
  readonly url: string;
  readonly where: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly close?: () => Promise<void>;
}

function readerOn({ url, where, headers, parameters, close }: Endpoint): HistoryReader {
  async function ask(question: Question, signal?: AbortSignal): Promise<Uint8Array> {
    const limits = { ...defaultReaderLimits, ...question.limits };
    const query = new URLSearchParams({
      ...parameters,
      default_format: question.format,
      max_execution_time: String(limits.maxSeconds),
      max_result_rows: String(limits.maxRows),
      max_memory_usage: String(limits.maxMemoryBytes),
      wait_end_of_query: "1",
      ...question.settings,
    });
    for (const [name, value] of Object.entries(question.parameters ?? {}))
      query.set(`param_${name}`, value);
    const request = {
      method: "POST",
      body: question.sql,
      ...(headers === undefined ? {} : { headers }),
      ...(signal === undefined ? {} : { signal }),
    };
    const answer = await fetch(`${url}/?${query}`, request).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new ForeshockError("unavailable", `${where} does not answer: ${String(cause)}`, {
        cause,
        retryable: true,
      });
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.ok) return bytes;
    throw explainRefusal(parseRefusal(Buffer.from(bytes).toString("utf8"), answer.status));
  }
  return {
    where,
    ask,
    async rows<Row>(question: Omit<Question, "format">, signal?: AbortSignal): Promise<Row[]> {
      const settings = { ...question.settings, output_format_json_quote_64bit_integers: "0" };
      const bytes = await ask({ ...question, settings, format: "JSONEachRow" }, signal);
      return Buffer.from(bytes)
        .toString("utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Row);
    },
    async [Symbol.asyncDispose]() {
      await close?.();
    },
  };
}
