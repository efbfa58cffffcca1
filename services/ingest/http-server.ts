/** OTLP over HTTP: POST /v1/traces, /v1/metrics, /v1/logs in protobuf or JSON. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ForeshockError } from "../contracts/errors.ts";
import type { Signal } from "../contracts/topics.ts";
import type { EdgeContext } from "../stage.ts";
import { compressions, decompress, isCompression } from "./decompress.ts";
import { createClaim, readBody } from "./http-body.ts";
import { transcodeJson } from "./json-transcoder.ts";
import type { Outcome, Receipt, Receiver } from "./receiver.ts";
import { type Encoding, exportResponse, type RpcCode, rpcCode, rpcStatus } from "./responses.ts";

const signalsByPath: Readonly<Record<string, Signal>> = {
  "/v1/traces": "traces",
  "/v1/metrics": "metrics",
  "/v1/logs": "logs",
};
const contentTypes: Readonly<Record<Encoding, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};
/** A sender that is told its body is too large may go on sending this much before it is cut off. */
const drainBytes = 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly encoding: Encoding;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export function createHttpServer(context: EdgeContext, receiver: Receiver): Server {
  const { maxBodyBytes, maxDecompressedBytes } = context.config.ingest;
  const server = createServer((request, response) => {
    answer(request).then(
      (made) => made && send({ server, request, response }, made),
      (error) => {
        context.report("error", `ingest: HTTP request failed: ${String(error)}`);
        response.destroy();
      },
    );
  });
  server.keepAliveTimeout = 75_000;
  return server;

  /** Undefined when nobody is there any more to be answered. */
  async function answer(request: IncomingMessage): Promise<Answer | undefined> {
    const receivedMs = context.clock.nowMs();
    const path = (request.url ?? "").split("?", 1)[0] as string;
    const encoding = requestEncoding(request);
    const signal = signalsByPath[path];
    if (signal === undefined) return notFound(path, encoding ?? "json");
    if (request.method !== "POST") return wrongMethod(request.method ?? "", encoding ?? "json");
    const protocol = encoding === "protobuf" ? "http_protobuf" : "http_json";
    const receipt: Receipt = { signal, protocol, receivedMs };
    if (encoding === undefined) {
      const found = request.headers["content-type"] ?? "missing";
      const message = `content type is ${found}; application/x-protobuf and application/json are taken`;
      return asAnswer(receiver.refuse(receipt, { kind: "unsupported", message }), signal, "json");
    }
    const memory = createClaim(receiver);
    try {
      const outcome = await take(request, receipt, encoding, memory.claim);
      return outcome && asAnswer(outcome, signal, encoding);
    } finally {
      memory.release();
    }
  }

  async function take(
    request: IncomingMessage,
    receipt: Receipt,
    encoding: Encoding,
    claim: (bytes: number) => boolean,
  ): Promise<Outcome | undefined> {
    const compression = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
    if (compression !== "identity" && !isCompression(compression)) {
      const message = `content encoding is ${compression}; ${compressions.join(", ")} and identity are taken`;
      return receiver.refuse(receipt, { kind: "unsupported", message });
    }
    const read = await readBody(request, maxBodyBytes, claim);
    if (read.kind === "aborted") return undefined;
    if (read.kind === "overloaded") return receiver.refuse(receipt, receiver.overloaded);
    if (read.kind === "too_large") {
      const message = `body is larger than ${maxBodyBytes} bytes (ingest.maxBodyBytes)`;
      return receiver.refuse(receipt, { kind: "too_large", message });
    }
    let body = read.body;
    if (isCompression(compression)) {
      try {
        body = await decompress(body, compression, maxDecompressedBytes);
      } catch (error) {
        return receiver.refuse(receipt, unpackingFailure(error));
      }
      if (!claim(body.length)) return receiver.refuse(receipt, receiver.overloaded);
    }
    if (encoding === "protobuf") return receiver.receive(receipt, body);
    return receiver.receive(receipt, () => transcodeJson(receipt.signal, body));
  }
}

export function unpackingFailure(error: unknown): Outcome {
  if (!(error instanceof ForeshockError)) throw error;
  return {
    kind: error.code === "payload_too_large" ? "too_large" : "invalid",
    message: error.message,
  };
}

function requestEncoding(request: IncomingMessage): Encoding | undefined {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type === contentTypes.protobuf || type === "application/protobuf") return "protobuf";
  return type === contentTypes.json ? "json" : undefined;
}

function asAnswer(outcome: Outcome, signal: Signal, encoding: Encoding): Answer {
  const failed = (status: number, code: RpcCode, extra: Partial<Answer> = {}): Answer => ({
    status,
    encoding,
    body: rpcStatus({ code, message: "message" in outcome ? outcome.message : "" }, encoding),
    ...extra,
  });
  switch (outcome.kind) {
    case "accepted":
      return { status: 200, encoding, body: exportResponse(signal, undefined, encoding) };
    case "partial":
      return { status: 200, encoding, body: exportResponse(signal, outcome.partial, encoding) };
    case "invalid":
      return failed(400, rpcCode.invalidArgument);
    case "too_large":
      return failed(413, rpcCode.resourceExhausted);
    case "unsupported":
      return failed(415, rpcCode.invalidArgument, {
        headers: { "accept-encoding": compressions.join(", ") },
      });
    case "failed":
      return failed(500, rpcCode.internal);
    case "unavailable":
      return failed(503, rpcCode.unavailable, {
        headers: { "retry-after": String(Math.max(1, Math.ceil(outcome.retryAfterMs / 1000))) },
      });
  }
}

function notFound(path: string, encoding: Encoding): Answer {
  const message = `no such path: ${path}; OTLP is taken at ${Object.keys(signalsByPath).join(", ")}`;
  const body = rpcStatus({ code: rpcCode.unimplemented, message }, encoding);
  return { status: 404, encoding, body };
}

function wrongMethod(method: string, encoding: Encoding): Answer {
  const message = `method ${method} is not allowed; OTLP is sent with POST`;
  const body = rpcStatus({ code: rpcCode.unimplemented, message }, encoding);
  return { status: 405, encoding, body, headers: { allow: "POST" } };
}

interface Exchange {
  readonly server: Server;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function send({ server, request, response }: Exchange, answer: Answer): void {
  const isUnread = !request.complete;
  // Connections that stay open would hold up closing.
  if (isUnread || !server.listening) response.setHeader("connection", "close");
  response.writeHead(answer.status, {
    "content-type": contentTypes[answer.encoding],
    "content-length": String(answer.body.length),
    ...answer.headers,
  });
  response.end(answer.body);
  if (isUnread) drain(request);
}

/** Reads on for a while, so that the sender gets to see the answer, then cuts the connection. */
function drain(request: IncomingMessage): void {
  let left = drainBytes;
  request.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.on("error", () => {});
}
