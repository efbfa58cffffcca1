/** HTTP for the console: guards, routes, JSON in and out, errors with code and message. What is answered is `routes.ts`'s. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ForeshockError } from "../contracts/errors.ts";
import type { ApiErrorCode } from "../contracts/http-api.ts";
import { type GuardSettings, refusalOf } from "./guards.ts";

export type Answer =
  | { readonly kind: "json"; readonly status: number; readonly body: unknown }
  | { readonly kind: "text"; readonly status: number; readonly body: string }
  | { readonly kind: "asset"; readonly type: string; readonly body: Buffer }
  | { readonly kind: "error"; readonly code: ApiErrorCode; readonly message: string }
  /** The handler has taken the response over. */
  | { readonly kind: "taken" };

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** The JSON body, undefined when there is none. Throws `SyntaxError` or `BodyTooLarge`. */
  readonly json: () => Promise<unknown>;
  readonly response: ServerResponse;
}

export type Handler = (request: Request) => Promise<Answer>;

const statusOf: Readonly<Record<ApiErrorCode, number>> = {
  bad_request: 400,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  unsupported_media_type: 415,
  internal: 500,
  busy: 503,
  not_ready: 503,
};

/** Everything comes from here, nothing runs inline, nobody may frame the page. */
const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
} as const;

const bodyLimitBytes = 16 * 1024;

class BodyTooLarge extends Error {}

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly guard: GuardSettings;
  readonly handler: Handler;
  readonly report: (level: "error", message: string) => void;
}

/** Listens; throws `port_in_use` when another program has the port. */
export async function listen(options: HttpOptions): Promise<Server> {
  const { host, port } = options;
  const server = createServer((request, response) => void serve(request, response, options));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new ForeshockError(
              "port_in_use",
              `console: port ${port} on ${host} is taken by another program; set console.port`,
              { cause: error },
            )
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });
  return server;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { guard, handler, report }: HttpOptions,
): Promise<void> {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  try {
    const refusal = refusalOf(
      {
        method: request.method ?? "",
        host: request.headers.host,
        origin: request.headers.origin,
        fetchSite: header(request, "sec-fetch-site"),
        contentType: request.headers["content-type"],
      },
      guard,
    );
    if (refusal !== undefined) return write(response, { kind: "error", ...refusal });
    const url = new URL(request.url ?? "/", "http://console");
    const answer = await handler({
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      json: () => readJson(request),
      response,
    });
    write(response, answer);
  } catch (error) {
    if (error instanceof BodyTooLarge)
      return write(response, { kind: "error", code: "too_large", message: error.message });
    if (error instanceof SyntaxError || error instanceof URIError)
      return write(response, { kind: "error", code: "bad_request", message: error.message });
    report("error", `console: ${request.method} ${request.url}: ${error}`);
    write(response, {
      kind: "error",
      code: "internal",
      message: "the console failed; its log says why",
    });
  }
}

function write(response: ServerResponse, answer: Answer): void {
  if (answer.kind === "taken" || response.headersSent || response.destroyed) return;
  switch (answer.kind) {
    case "error": {
      const { code, message } = answer;
      writeJson(response, statusOf[code], { error: { code, message } });
      return;
    }
    case "json":
      writeJson(response, answer.status, answer.body);
      return;
    case "text":
      response.writeHead(answer.status, {
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-store",
      });
      response.end(answer.body);
      return;
    case "asset":
      response.writeHead(200, { "content-type": answer.type, "cache-control": "no-cache" });
      response.end(answer.body);
  }
}

function writeJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
  });
  response.end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimitBytes)
      throw new BodyTooLarge(`the body must be at most ${bodyLimitBytes} bytes`);
    chunks.push(chunk);
  }
  return size === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
