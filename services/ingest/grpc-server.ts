/** OTLP over gRPC, by hand on HTTP/2: three unary methods that differ in their signal. */
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Signal } from "../contracts/topics.ts";
import type { EdgeContext } from "../stage.ts";
import { compressions, decompress, isCompression } from "./decompress.ts";
import {
  announcedBytes,
  frame,
  parseTimeoutMs,
  percentEncode,
  prefixBytes,
  unframe,
} from "./grpc-message.ts";
import { createClaim } from "./http-body.ts";
import { unpackingFailure } from "./http-server.ts";
import type { Outcome, Receipt, Receiver } from "./receiver.ts";
import { exportResponse, type RpcCode, type RpcStatus, rpcCode, rpcStatus } from "./responses.ts";

const signalsByPath: Readonly<Record<string, Signal>> = {
  "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
  "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
  "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
};
const acceptEncoding = ["identity", ...compressions].join(",");
/** Room for several batches in flight; the default of 64 KiB makes every request wait for window updates. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 16 * 1024 * 1024;
const maxConcurrentStreams = 1_000;
/** MB; Node refuses new streams of a connection beyond it. */
const maxSessionMemory = 64;

export interface GrpcServer {
  readonly server: Http2Server;
  /** Open connections, for an orderly end. */
  readonly sessions: ReadonlySet<ServerHttp2Session>;
}

export function createGrpcServer(context: EdgeContext, receiver: Receiver): GrpcServer {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({
    maxSessionMemory,
    settings: { initialWindowSize: streamWindowBytes, maxConcurrentStreams },
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(connectionWindowBytes);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  server.on("sessionError", () => {});
  server.on("stream", (stream, headers) => {
    // A sender that goes away closes its stream; there is nobody to tell.
    stream.on("error", () => {});
    handleCall({ context, receiver }, stream as ServerHttp2Stream, headers);
  });
  return { server, sessions };
}

interface Services {
  readonly context: EdgeContext;
  readonly receiver: Receiver;
}

function handleCall(
  services: Services,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): void {
  const type = headers["content-type"] ?? "";
  if (headers[":method"] !== "POST" || !/^application\/grpc(\+proto)?(;|$)/.test(type)) {
    stream.respond({ ":status": 415 }, { endStream: true });
    return;
  }
  const path = headers[":path"] ?? "";
  const signal = signalsByPath[path];
  if (signal === undefined) {
    endWithStatus(stream, { code: rpcCode.unimplemented, message: `no such method: ${path}` });
    return;
  }
  const compression = String(headers["grpc-encoding"] ?? "identity");
  if (compression !== "identity" && !isCompression(compression)) {
    const message = `grpc-encoding is ${compression}; ${acceptEncoding} are taken`;
    endWithStatus(stream, { code: rpcCode.unimplemented, message });
    return;
  }
  const receivedMs = services.context.clock.nowMs();
  const receipt: Receipt = { signal, protocol: "grpc", receivedMs };
  armTimeout(stream, headers["grpc-timeout"]);
  collect(services, { stream, receipt, compression });
}

function armTimeout(stream: ServerHttp2Stream, header: unknown): void {
  const timeoutMs = parseTimeoutMs(typeof header === "string" ? header : undefined);
  if (timeoutMs === undefined) return;
  // setTimeout takes 31 bits; a sender that waits for weeks needs no timer.
  if (timeoutMs >= 2 ** 31) return;
  const timer = setTimeout(() => {
    const message = `not done within the ${timeoutMs} ms that the caller gave`;
    endWithStatus(stream, { code: rpcCode.deadlineExceeded, message });
  }, timeoutMs);
  stream.on("close", () => clearTimeout(timer));
}

interface Call {
  readonly stream: ServerHttp2Stream;
  readonly receipt: Receipt;
  readonly compression: string;
}

/** Gathers the frames of the message; what is too large is refused before it has all come. */
function collect(services: Services, call: Call): void {
  const { receiver, context } = services;
  const { stream, receipt } = call;
  const maxBytes = context.config.ingest.maxBodyBytes;
  const memory = createClaim(receiver);
  const chunks: Buffer[] = [];
  let size = 0;
  let isChecked = false;

  const refuse = (outcome: Outcome) => {
    stream.removeAllListeners("data");
    stream.removeAllListeners("end");
    answer(stream, receipt.signal, receiver.refuse(receipt, outcome));
  };
  stream.on("close", memory.release);
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (!memory.claim(chunk.length)) return refuse(receiver.overloaded);
    const announced = isChecked ? undefined : announcedBytes(chunks);
    if (announced !== undefined) isChecked = true;
    if (Math.max(announced ?? 0, size - prefixBytes) > maxBytes)
      refuse({
        kind: "too_large",
        message: `message is larger than ${maxBytes} bytes (ingest.maxBodyBytes)`,
      });
  });
  stream.on("end", () => {
    take(services, call, { chunks, claim: memory.claim }).then(
      (outcome) => answer(stream, receipt.signal, outcome),
      (error) => {
        context.report("error", `ingest: gRPC call failed: ${String(error)}`);
        endWithStatus(stream, { code: rpcCode.internal, message: "internal error" });
      },
    );
  });
}

async function take(
  { context, receiver }: Services,
  { receipt, compression }: Call,
  body: { readonly chunks: readonly Buffer[]; claim(bytes: number): boolean },
): Promise<Outcome> {
  const framed = unframe(body.chunks);
  if (framed.kind === "broken")
    return receiver.refuse(receipt, { kind: "invalid", message: framed.reason });
  if (!framed.isCompressed) return receiver.receive(receipt, framed.message);
  if (!isCompression(compression))
    return receiver.refuse(receipt, {
      kind: "invalid",
      message: "message is compressed, but grpc-encoding is identity",
    });
  try {
    const message = await decompress(
      framed.message,
      compression,
      context.config.ingest.maxDecompressedBytes,
    );
    if (!body.claim(message.length)) return receiver.refuse(receipt, receiver.overloaded);
    return receiver.receive(receipt, message);
  } catch (error) {
    return receiver.refuse(receipt, unpackingFailure(error));
  }
}

function answer(stream: ServerHttp2Stream, signal: Signal, outcome: Outcome): void {
  if (outcome.kind === "accepted")
    endWithMessage(stream, exportResponse(signal, undefined, "protobuf"));
  else if (outcome.kind === "partial")
    endWithMessage(stream, exportResponse(signal, outcome.partial, "protobuf"));
  else endWithStatus(stream, statusOf(outcome));
}

function statusOf(outcome: Exclude<Outcome, { kind: "accepted" | "partial" }>): RpcStatus {
  if (outcome.kind !== "unavailable")
    return { code: codes[outcome.kind], message: outcome.message };
  const { message, retryAfterMs } = outcome;
  return { code: rpcCode.unavailable, message, retryAfterMs };
}

const codes: Readonly<Record<"failed" | "invalid" | "too_large" | "unsupported", RpcCode>> = {
  failed: rpcCode.internal,
  invalid: rpcCode.invalidArgument,
  too_large: rpcCode.resourceExhausted,
  unsupported: rpcCode.unimplemented,
};

const responseHeaders: OutgoingHttpHeaders = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": acceptEncoding,
};

function endWithMessage(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond(responseHeaders, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frame(message));
}

/** A response of trailers alone. A sender that is still sending is told to stop. */
function endWithStatus(stream: ServerHttp2Stream, status: RpcStatus): void {
  if (stream.destroyed || stream.headersSent) return;
  const details =
    status.retryAfterMs === undefined
      ? {}
      : {
          "grpc-status-details-bin": Buffer.from(rpcStatus(status, "protobuf")).toString("base64"),
        };
  stream.respond(
    {
      ...responseHeaders,
      "grpc-status": String(status.code),
      "grpc-message": percentEncode(status.message),
      ...details,
    },
    { endStream: true },
  );
  // Not at once: closing would take back the answer, which has not left yet.
  if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}
