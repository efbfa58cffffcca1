import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { checkAccess, type Principal } from "./access-rules.ts";
import { type Account, authenticate } from "./authentication.ts";
import {
  ClickHouseException,
  errorAnswer,
  notAllowed,
  notImplemented,
} from "./clickhouse-exception.ts";
import { type Engine, type EngineResult, type Lane, quoteText } from "./engine.ts";
import { contentTypeOf, encodeAnswer } from "./http-answer.ts";
import { helloBlock, isHello } from "./native-hello.ts";
import { type BodyLimits, multipartFields, readBody, spoolData } from "./request-body.ts";
import { type QueryLimits, sessionSettings } from "./request-settings.ts";
import { parseStatement, type Statement } from "./statement.ts";

export interface HttpServerOptions {
  readonly engine: Engine;
  readonly accounts: readonly Account[];
  /** For requests that name no database, or `default`. */
  readonly database: string;
  readonly queryLimits: QueryLimits;
  readonly bodyLimits: BodyLimits;
}

/** Longest statement of an outsider, bytes. */
const maxOutsideStatementBytes = 1024 ** 2;

/** ClickHouse's HTTP interface over the engine; not yet listening. */
export function createHttpServer(options: HttpServerOptions): Server {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  // Clients keep connections for some seconds; closing later than they do avoids resets.
  server.keepAliveTimeout = 65_000;
  server.requestTimeout = 0;
  return server;
}

async function answer(
  options: HttpServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const queryId = url.searchParams.get("query_id") || randomUUID();
  response.setHeader("X-ClickHouse-Server-Display-Name", "foreshock");
  response.setHeader("X-ClickHouse-Query-Id", queryId.replace(/[^\x21-\x7e]/g, "_"));
  response.setHeader("X-ClickHouse-Timezone", options.engine.timezone);
  try {
    const result = await dispatch(options, request, url);
    const { body, encoding } = await encodeAnswer(result.bytes, request, url.searchParams);
    if (encoding !== undefined) response.setHeader("Content-Encoding", encoding);
    response.setHeader("Content-Type", contentTypeOf(result.format));
    if (result.format !== undefined) response.setHeader("X-ClickHouse-Format", result.format);
    if (result.summary !== undefined) response.setHeader("X-ClickHouse-Summary", result.summary);
    response.setHeader("Content-Length", body.length);
    response.writeHead(200).end(request.method === "HEAD" ? undefined : body);
  } catch (error) {
    const { status, code, text } = errorAnswer(error, options.engine.version);
    // What is left of the body is read and dropped, so that the sender gets to read the answer.
    request.resume();
    if (response.headersSent) throw error;
    response.setHeader("X-ClickHouse-Exception-Code", code);
    response.setHeader("Content-Type", "text/plain; charset=UTF-8");
    response.writeHead(status).end(text);
  }
}

interface Answer {
  readonly bytes: Uint8Array;
  readonly format: string | undefined;
  readonly summary: string | undefined;
}

async function dispatch(
  options: HttpServerOptions,
  request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  const plain = (text: string) => ({
    bytes: Buffer.from(text),
    format: undefined,
    summary: undefined,
  });
  if (url.pathname === "/ping" || url.pathname === "/replicas_status") return plain("Ok.\n");
  if (url.pathname !== "/") {
    throw new ClickHouseException(60, "UNKNOWN_TABLE", `There is no page ${url.pathname}`);
  }
  const parameters = url.searchParams;
  const principal = authenticate(options.accounts, request.headers, parameters);
  for (const name of ["compress", "decompress"]) {
    if ((parameters.get(name) ?? "0") !== "0") {
      throw notImplemented(
        `${name}=1 (ClickHouse's own LZ4 or ZSTD frames) is not supported: use gzip ` +
          "(Content-Encoding and Accept-Encoding: gzip with enable_http_compression=1)",
      );
    }
  }
  const query = parameters.get("query") ?? "";
  if (request.method === "GET" && query === "") return plain("Ok.\n");
  return runStatement(options, request, { principal, parameters, query });
}

interface StatementRequest {
  readonly principal: Principal;
  readonly parameters: URLSearchParams;
  readonly query: string;
}

async function runStatement(
  options: HttpServerOptions,
  request: IncomingMessage,
  { principal, parameters, query }: StatementRequest,
): Promise<Answer> {
  const { engine } = options;
  const { statement, isBodyRead } = await readStatement(options, request, {
    principal,
    parameters,
    query,
  });
  const bound = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (name.startsWith("param_")) bound.set(name.slice("param_".length), value);
  }
  checkAccess({
    principal,
    statement,
    parameters: bound,
    tableFunctions: engine.tableFunctions,
  });
  const isWrite = isWriting(statement);
  if (isWrite && request.method === "GET") {
    throw new ClickHouseException(164, "READONLY", "Cannot write with GET: use POST");
  }
  const header = request.headers["x-clickhouse-format"];
  const format =
    statement.format ??
    parameters.get("default_format") ??
    (typeof header === "string" ? header : undefined) ??
    "TabSeparated";
  const revision = Number(parameters.get("client_protocol_version") ?? "0");
  if (revision > 0 && format === "Native" && isHello(statement.tokens)) {
    const bytes = helloBlock(revision, engine.version, engine.timezone);
    return { bytes, format, summary: undefined };
  }
  const common = {
    format,
    database: databaseOf(options, principal, { request, parameters }),
    settings: sessionSettings({ principal, parameters, limits: options.queryLimits, isWrite }),
    parameters: bound,
    lane: laneOf(principal, isWrite),
  };
  if (statement.kind === "query") {
    const result = await engine.run({ ...common, sql: statement.sql });
    return { bytes: result.bytes, format, summary: summaryOf(result, false) };
  }
  await using data = await spoolData(
    statement.inlineData,
    isBodyRead ? undefined : request,
    options.bodyLimits.maxInsertBytes,
  );
  const insertFormat = statement.format ?? parameters.get("default_format") ?? "Values";
  if (data.bytes === 0) return { bytes: new Uint8Array(0), format, summary: undefined };
  const result = await engine.run({
    ...common,
    format: "Null",
    sql: `${statement.head} FROM INFILE ${quoteText(data.path)} COMPRESSION 'none' ${statement.settings} FORMAT ${insertFormat}`,
  });
  return { bytes: result.bytes, format, summary: summaryOf(result, true) };
}

/** The statement from `query=`, the body, or both; `isBodyRead` is false when the body is an insert's data. */
async function readStatement(
  options: HttpServerOptions,
  request: IncomingMessage,
  { principal, parameters, query }: StatementRequest,
): Promise<{ statement: Statement; isBodyRead: boolean }> {
  const contentType = request.headers["content-type"] ?? "";
  const limit =
    principal.role === "reader" ? maxOutsideStatementBytes : options.bodyLimits.maxStatementBytes;
  if (contentType.startsWith("multipart/form-data")) {
    const fields = multipartFields(await readBody(request, limit), contentType);
    for (const [name, value] of fields) parameters.set(name, value);
    const text = `${query}\n${fields.get("query") ?? ""}`;
    return { statement: parseStatement(Buffer.from(text)), isBodyRead: true };
  }
  if (query.trim() === "") {
    const statement = parseStatement(await readBody(request, limit));
    return { statement, isBodyRead: true };
  }
  const statement = parseStatement(Buffer.from(query));
  if (statement.kind === "insert") return { statement, isBodyRead: false };
  const body = await readBody(request, limit);
  if (body.length === 0) return { statement, isBodyRead: true };
  const whole = Buffer.concat([Buffer.from(`${query}\n`), body]);
  return { statement: parseStatement(whole), isBodyRead: true };
}

const readingVerb = /^(SELECT|WITH|FROM|SHOW|DESCRIBE|DESC|EXPLAIN|EXISTS|)$/;

function isWriting(statement: Statement): boolean {
  return statement.kind === "insert" || !readingVerb.test(statement.tokens[0]?.upper ?? "");
}

function laneOf(principal: Principal, isWrite: boolean): Lane {
  if (principal.role === "owner") return isWrite ? "ownWrite" : "ownRead";
  return isWrite ? "write" : "read";
}

function databaseOf(
  options: HttpServerOptions,
  principal: Principal,
  { request, parameters }: { request: IncomingMessage; parameters: URLSearchParams },
): string {
  const header = request.headers["x-clickhouse-database"];
  const named = parameters.get("database") || (typeof header === "string" ? header : "");
  if (named.toLowerCase() === "system" && principal.role !== "owner") {
    throw notAllowed("Database system can't be the current one");
  }
  if (named !== "" && named !== "default") return named;
  return principal.role === "writer" ? principal.database : options.database;
}

function summaryOf(result: EngineResult, isInsert: boolean): string {
  const rows = String(result.rows);
  const bytes = String(result.byteCount);
  return JSON.stringify({
    read_rows: isInsert ? rows : "0",
    read_bytes: isInsert ? bytes : "0",
    written_rows: isInsert ? rows : "0",
    written_bytes: isInsert ? bytes : "0",
    total_rows_to_read: "0",
    result_rows: rows,
    result_bytes: bytes,
    elapsed_ns: String(result.elapsedNs),
  });
}
