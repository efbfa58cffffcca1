import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frame } from "../../services/ingest/grpc-message.ts";
import type { Log, Pressure } from "../../services/log/log.ts";
import {
  aSpan,
  logsRequest,
  metricsRequest,
  spanId,
  spansOf,
  traceRequest,
} from "../support/otlp-builders.ts";
import { aGate, openTestIngest, type TestIngest } from "../support/otlp-ingest.ts";
import { ExportTraceServiceResponse, RetryInfo, RpcStatusCodec } from "../support/otlp-proto.ts";

const paths = {
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
};
let pressure: Pressure = { state: "open" };
let held: Promise<void> | undefined;
const around = (log: Log): Log => ({
  ...log,
  pressure: async () => pressure,
  append: async (records) => {
    await held;
    return log.append(records);
  },
});

let ingest: TestIngest;
let session: ClientHttp2Session;
beforeAll(async () => {
  ingest = await openTestIngest({
    partitions: 1,
    ingest: { maxBodyBytes: 300_000, maxDecompressedBytes: 400_000 },
    around,
  });
  session = connect(ingest.grpcUrl);
});
afterAll(async () => {
  session.close();
  await ingest[Symbol.asyncDispose]();
});

interface CallResult {
  readonly headers: IncomingHttpHeaders;
  /** Trailers, or the headers of an answer without a message. */
  readonly trailers: IncomingHttpHeaders;
  readonly message: Buffer | undefined;
}

function call(
  path: string,
  body: Uint8Array,
  options: { readonly headers?: Record<string, string>; readonly chunkBytes?: number } = {},
): Promise<CallResult> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...options.headers,
    });
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders | undefined;
    const chunks: Buffer[] = [];
    stream.on("response", (received) => {
      headers = received;
    });
    stream.on("trailers", (received) => {
      trailers = received;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("close", () => {
      const all = Buffer.concat(chunks);
      resolve({
        headers,
        trailers: trailers ?? headers,
        message: all.length > 0 ? all.subarray(5) : undefined,
      });
    });
    const size = options.chunkBytes ?? body.length;
    for (let at = 0; at < body.length; at += size) stream.write(body.subarray(at, at + size));
    stream.end();
  });
}

describe("OTLP over gRPC", () => {
  it("acknowledges each signal with an empty message, when the log has it", async () => {
    for (const [signal, body] of [
      ["traces", traceRequest(aSpan())],
      ["metrics", metricsRequest({ name: "m", gauge: { dataPoints: [{ asInt: 1 }] } })],
      ["logs", logsRequest({ severityNumber: 9 })],
    ] as const) {
      const before = (await ingest.stored(signal)).flat().length;
      const { headers, trailers, message } = await call(paths[signal], frame(body));
      expect([headers[":status"], headers["content-type"]]).toEqual([200, "application/grpc"]);
      expect(trailers["grpc-status"]).toBe("0");
      expect(message).toEqual(Buffer.alloc(0));
      expect((await ingest.stored(signal)).flat()).toHaveLength(before + 1);
    }
  });

  it("takes a message that comes in many frames", async () => {
    const body = frame(traceRequest(aSpan({ name: "in pieces" })));
    const { trailers } = await call(paths.traces, body, { chunkBytes: 3 });
    expect(trailers["grpc-status"]).toBe("0");
    expect(spansOf((await ingest.stored("traces")).flat().at(-1) as Uint8Array)[0]?.name).toBe(
      "in pieces",
    );
  });

  it("takes messages in gzip, and plain ones from a sender that could compress", async () => {
    const spans = Array.from({ length: 300 }, (_, i) => aSpan({ spanId: spanId(i) }));
    const compressed = frame(gzipSync(traceRequest(...spans)));
    compressed[0] = 1;
    const headers = { "grpc-encoding": "gzip" };
    expect((await call(paths.traces, compressed, { headers })).trailers["grpc-status"]).toBe("0");
    const plain = frame(traceRequest(aSpan()));
    expect((await call(paths.traces, plain, { headers })).trailers["grpc-status"]).toBe("0");
    const stored = (await ingest.stored("traces")).flat().slice(-2);
    expect(stored.map((value) => spansOf(value).length)).toEqual([300, 1]);
  });

  it("serves many calls of one connection at a time", async () => {
    const before = (await ingest.stored("traces")).flat().length;
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        call(paths.traces, frame(traceRequest(aSpan({ spanId: spanId(i) })))),
      ),
    );
    expect(new Set(results.map(({ trailers }) => trailers["grpc-status"]))).toEqual(new Set(["0"]));
    const stored = (await ingest.stored("traces")).flat().slice(before);
    const ids = stored.flatMap((value) =>
      spansOf(value).map((span) => Buffer.from(span.spanId ?? []).toString("hex")),
    );
    expect(new Set(ids).size).toBe(200);
  });

  it("says how many items it rejected", async () => {
    const { trailers, message } = await call(
      paths.traces,
      frame(traceRequest(aSpan(), aSpan({ spanId: Buffer.alloc(3, 1) }))),
    );
    expect(trailers["grpc-status"]).toBe("0");
    expect(ExportTraceServiceResponse.decode(message as Buffer).partialSuccess).toMatchObject({
      rejectedSpans: "1",
      errorMessage: expect.stringContaining("span id of 3 bytes, must be 8"),
    });
  });

  it.each([
    [
      "protobuf that does not decode",
      frame(Buffer.from([0x0a, 0x05])),
      {},
      "resource_spans[0] at byte 1 has a length of 5 bytes where 0 are left",
    ],
    ["less than was announced", frame(traceRequest(aSpan())).subarray(0, 20), {}, "bytes came"],
    [
      "what is no gzip",
      Buffer.concat([Buffer.from([1]), frame(Buffer.from("plain")).subarray(1)]),
      { "grpc-encoding": "gzip" },
      "body is not valid gzip: ",
    ],
    [
      "a compressed message without an encoding",
      Buffer.concat([Buffer.from([1]), frame(Buffer.from("x")).subarray(1)]),
      {},
      "message is compressed, but grpc-encoding is identity",
    ],
    ["no message at all", Buffer.alloc(0), {}, "call has 0 bytes, less than a message prefix"],
  ])("refuses as an invalid argument %s", async (_, body, headers, expected) => {
    const { trailers } = await call(paths.traces, body, { headers });
    expect(trailers["grpc-status"]).toBe("3");
    expect(decodeURIComponent(String(trailers["grpc-message"]))).toContain(expected);
  });

  it("refuses messages that are too large, before all of them has come", async () => {
    const announced = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]);
    const { trailers } = await call(paths.traces, announced);
    expect(trailers["grpc-status"]).toBe("8");
    expect(trailers["grpc-message"]).toBe(
      "message is larger than 300000 bytes (ingest.maxBodyBytes)",
    );
    const bomb = frame(gzipSync(Buffer.alloc(10_000_000)));
    bomb[0] = 1;
    const unpacked = await call(paths.traces, bomb, { headers: { "grpc-encoding": "gzip" } });
    expect(unpacked.trailers["grpc-status"]).toBe("8");
  });

  it("knows no other methods, encodings and content types", async () => {
    const body = frame(traceRequest(aSpan()));
    const method = await call("/opentelemetry.proto.collector.trace.v1.TraceService/Import", body);
    expect(method.trailers["grpc-status"]).toBe("12");
    const encoding = await call(paths.traces, body, { headers: { "grpc-encoding": "snappy" } });
    expect(encoding.trailers["grpc-status"]).toBe("12");
    expect(encoding.headers["grpc-accept-encoding"]).toBe("identity,gzip,deflate,zstd");
    const type = await call(paths.traces, body, {
      headers: { "content-type": "application/json" },
    });
    expect(type.headers[":status"]).toBe(415);
  });

  it("says when to come again while the log pushes back", async () => {
    pressure = { state: "refusing", reason: "archive is 13 h behind", retryAfterMs: 2_500 };
    // The log is asked ten times a second at most.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const { trailers } = await call(paths.traces, frame(traceRequest(aSpan())));
    pressure = { state: "open" };
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect([trailers["grpc-status"], trailers["grpc-message"]]).toEqual([
      "14",
      "archive is 13 h behind",
    ]);
    const details = Buffer.from(String(trailers["grpc-status-details-bin"]), "base64");
    const status = RpcStatusCodec.decode(details);
    expect([status.code, status.message, status.details?.[0]?.typeUrl]).toEqual([
      14,
      "archive is 13 h behind",
      "type.googleapis.com/google.rpc.RetryInfo",
    ]);
    expect(RetryInfo.decode(status.details?.[0]?.value as Uint8Array)).toEqual({
      retryDelay: { seconds: "2", nanos: 500_000_000 },
    });
  });

  it("gives up after the time that the caller gave", async () => {
    const letGo = aGate();
    held = letGo.opened;
    const headers = { "grpc-timeout": "50m" };
    const { trailers } = await call(paths.traces, frame(traceRequest(aSpan())), { headers });
    letGo.open();
    held = undefined;
    expect(trailers["grpc-status"]).toBe("4");
  });

  it("tells connections to go away when it closes, and finishes their calls", async () => {
    const begun = aGate();
    const letGo = aGate();
    const closing = await openTestIngest({
      around: (log) => ({
        ...log,
        append: async (records) => {
          begun.open();
          await letGo.opened;
          return log.append(records);
        },
      }),
    });
    const previous = session;
    session = connect(closing.grpcUrl);
    const goneAway = new Promise<number>((resolve) => session.on("goaway", resolve));
    const answer = call(paths.traces, frame(traceRequest(aSpan())));
    await begun.opened;
    const closed = closing.server[Symbol.asyncDispose]();
    expect(await goneAway).toBe(constants.NGHTTP2_NO_ERROR);
    letGo.open();
    expect((await answer).trailers["grpc-status"]).toBe("0");
    await closed;
    session = previous;
    await closing[Symbol.asyncDispose]();
  });
});
