import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openClickHouse } from "../../services/history/clickhouse.ts";
import {
  type EmbeddedHistory,
  type EmbeddedHistoryOptions,
  startEmbeddedHistory,
} from "../../services/history/embedded.ts";
import type { History } from "../../services/history/history.ts";

export interface HistoryServer extends AsyncDisposable {
  readonly directory: string;
  readonly server: EmbeddedHistory;
  /** Foreshock's own driver on it. */
  readonly history: History;
  /** A request without an account unless `headers` bring one; the answer's text with its status. */
  ask(request: HttpQuestion): Promise<HttpAnswer>;
}

export interface HttpQuestion {
  readonly query?: string;
  readonly body?: Uint8Array | string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly path?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export const writer = { user: "collector", password: "collector-password" };

/** A real embedded history on a directory of its own, removed at the end. */
export async function startHistoryServer(
  options: Partial<EmbeddedHistoryOptions> = {},
): Promise<HistoryServer> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "foreshock-history-")));
  const server = await startEmbeddedHistory({
    host: "127.0.0.1",
    port: 0,
    writers: [writer],
    // What a dying engine says is the only trace of why a statement's connection was cut.
    logger: ({ message }) => process.stderr.write(`${message}\n`),
    ...options,
    directory,
  });
  const history = openOwner(server);
  return {
    directory,
    server,
    history,
    ask: (request) => ask(server.url, request),
    async [Symbol.asyncDispose]() {
      await history.close();
      await server.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

export function openOwner(server: EmbeddedHistory): History {
  return openClickHouse({
    url: server.url,
    user: server.user,
    password: server.password,
    database: "foreshock",
  });
}

async function ask(url: string, request: HttpQuestion): Promise<HttpAnswer> {
  const parameters = new URLSearchParams(request.parameters);
  if (request.query !== undefined) parameters.set("query", request.query);
  const response = await fetch(`${url}${request.path ?? "/"}?${parameters}`, {
    method: request.method ?? (request.body === undefined ? "GET" : "POST"),
    ...(request.body === undefined ? {} : { body: request.body as string }),
    ...(request.headers === undefined ? {} : { headers: request.headers }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Headers of an account, as ClickHouse's clients send them. */
export function account(user: string, password: string): Readonly<Record<string, string>> {
  return { "X-ClickHouse-User": user, "X-ClickHouse-Key": password };
}
