/** Takes OTLP over gRPC and HTTP, and acknowledges when the log has it. */
import type { Server } from "node:http";
import { topics } from "../contracts/topics.ts";
import type { Clock } from "../runtime/clock.ts";
import type { EdgeContext, RunningServer, ServerStage } from "../stage.ts";
import { createGrpcServer, type GrpcServer } from "./grpc-server.ts";
import { createHttpServer } from "./http-server.ts";
import { listen } from "./listening.ts";
import { createReceiver } from "./receiver.ts";

/** Requests under way get this long to finish when ingest closes. */
const closeTimeoutMs = 5_000;

export const ingestStage: ServerStage = {
  kind: "server",
  name: "ingest",
  reads: [],
  writes: [topics.traces, topics.metrics, topics.logs],
  open: openIngest,
};

async function openIngest(context: EdgeContext): Promise<RunningServer> {
  const { host, grpcPort, httpPort } = context.config.ingest;
  const receiver = createReceiver(context);
  const grpc = createGrpcServer(context, receiver);
  const http = createHttpServer(context, receiver);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= Promise.all([closeGrpc(grpc, context.clock), closeHttp(http, context.clock)]).then(
      () => {},
    );
    return closed;
  };
  try {
    const grpcAddress = await listen(grpc.server, { host, port: grpcPort, key: "ingest.grpcPort" });
    const httpAddress = await listen(http, { host, port: httpPort, key: "ingest.httpPort" });
    return {
      addresses: { "OTLP gRPC": grpcAddress, "OTLP HTTP": httpAddress },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Tells senders to go away (GOAWAY), waits for their calls, then cuts. */
async function closeGrpc({ server, sessions }: GrpcServer, clock: Clock): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const session of sessions) session.close();
  await within(ended, clock, () => {
    for (const session of sessions) session.destroy();
  });
}

async function closeHttp(server: Server, clock: Clock): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await within(ended, clock, () => server.closeAllConnections());
}

async function within(ended: Promise<void>, clock: Clock, cut: () => void): Promise<void> {
  const waiting = new AbortController();
  const late = clock.sleep(closeTimeoutMs, waiting.signal).then(cut, () => {});
  await Promise.race([ended, late]);
  waiting.abort();
  await ended;
}
