import { request as httpRequest } from "node:http";
import { createServer } from "node:net";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ForeshockError } from "../../services/contracts/errors.ts";
import type { Labels, MetricName, Metrics } from "../../services/contracts/metrics.ts";
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
import { ExportTraceServiceResponse, RpcStatusCodec } from "../support/otlp-proto.ts";

const protobuf = "application/x-protobuf";
const json = "application/json";
const counted = new Map<string, number>();
const metrics: Metrics = {
  add: (name: MetricName, value: number, labels: Labels = {}) => {
    const key = `${name} ${Object.values(labels).join(" ")}`;
    counted.set(key, (counted.get(key) ?? 0) + value);
  },
  set: () => {},
  record: () => {},
};
let pressure: Pressure = { state: "open" };
let appendFails = false;

/** A log that can be told to push back, over the real one. */
const around = (log: Log): Log => ({
  ...log,
  pressure: async () => pressure,
  append: async (records) => {
    if (appendFails) throw new ForeshockError("log_full", "the disk is full", { retryable: true });
    return log.append(records);
  },
});

let ingest: TestIngest;
beforeAll(async () => {
  ingest = await openTestIngest({
    partitions: 1,
    ingest: { maxBodyBytes: 100_000, maxDecompressedBytes: 200_000 },
    context: { metrics },
    around,
  });
});
afterAll(() => ingest[Symbol.asyncDispose]());

const post = (path: string, body: Uint8Array | string, headers: Record<string, string> = {}) =>
  fetch(`${ingest.httpUrl}${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : new Uint8Array(body),
    headers: { "content-type": protobuf, ...headers },
  });
const statusOf = async (response: Response) =>
  RpcStatusCodec.decode(new Uint8Array(await response.arrayBuffer()));

describe("OTLP over HTTP", () => {
  it("acknowledges each signal with an empty response, when the log has it", async () => {
    const before = await ingest.stored("traces");
    for (const [path, body] of [
      ["/v1/traces", traceRequest(aSpan())],
      ["/v1/metrics", metricsRequest({ name: "m", gauge: { dataPoints: [{ asInt: 1 }] } })],
      ["/v1/logs", logsRequest({ severityNumber: 9 })],
    ] as const) {
      const response = await post(path, body);
      expect([response.status, response.headers.get("content-type")]).toEqual([200, protobuf]);
      expect((await response.arrayBuffer()).byteLength).toBe(0);
    }
    const after = await ingest.stored("traces");
    expect(after.flat()).toHaveLength(before.flat().length + 1);
    expect(spansOf(after.flat().at(-1) as Uint8Array)).toHaveLength(1);
  });

  it("takes JSON and answers in JSON", async () => {
    const body = {
      resourceSpans: [
        {
          scopeSpans: [
            { spans: [{ traceId: "01".repeat(16), spanId: "02".repeat(8), name: "from JSON" }] },
          ],
        },
      ],
    };
    const response = await post("/v1/traces", JSON.stringify(body), {
      "content-type": "application/json; charset=utf-8",
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, json]);
    expect(await response.json()).toEqual({});
    const stored = (await ingest.stored("traces")).flat().at(-1) as Uint8Array;
    expect(spansOf(stored)[0]?.name).toBe("from JSON");
  });

  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["zstd", zstdCompressSync],
  ])("takes bodies in %s, small and large", async (encoding, compress) => {
    for (const count of [1, 400]) {
      const spans = Array.from({ length: count }, (_, i) => aSpan({ spanId: spanId(i) }));
      const body = compress(traceRequest(...spans));
      const response = await post("/v1/traces", body, { "content-encoding": encoding });
      expect(response.status).toBe(200);
      const stored = (await ingest.stored("traces")).flat().at(-1) as Uint8Array;
      expect(spansOf(stored)).toHaveLength(count);
    }
  });

  it("says how many items it rejected, and why, in the encoding of the request", async () => {
    const bad = aSpan({ traceId: Buffer.alloc(15, 1) });
    const response = await post("/v1/traces", traceRequest(aSpan(), bad, bad));
    expect(response.status).toBe(200);
    expect(ExportTraceServiceResponse.decode(new Uint8Array(await response.arrayBuffer()))).toEqual(
      {
        partialSuccess: {
          rejectedSpans: "2",
          errorMessage: expect.stringMatching(
            /^2 × invalid_id, first: resource_spans\[0\]\.scope_spans\[0\]\.spans\[1\].*: trace id of 15 bytes, must be 16$/,
          ),
        },
      },
    );
    const inJson = await post(
      "/v1/traces",
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: "01" }] }] }] }),
      { "content-type": json },
    );
    expect(await inJson.json()).toMatchObject({ partialSuccess: { rejectedSpans: "1" } });
  });

  it.each([
    [
      "protobuf that ends too early",
      traceRequest(aSpan()).subarray(0, 50),
      {},
      /^resource_spans\[0\] at byte 1 has a length/,
    ],
    [
      "what is no gzip",
      Buffer.from("plain"),
      { "content-encoding": "gzip" },
      /^body is not valid gzip: /,
    ],
    [
      "gzip that ends too early",
      gzipSync(traceRequest(aSpan())).subarray(0, 40),
      { "content-encoding": "gzip" },
      /^body is not valid gzip: /,
    ],
  ])("refuses %s with 400 and the place", async (_, body, headers, expected) => {
    const response = await post("/v1/traces", body, headers);
    expect(response.status).toBe(400);
    const status = await statusOf(response);
    expect(status.code).toBe(3);
    expect(status.message).toMatch(expected);
  });

  it("refuses malformed JSON with 400 and a status in JSON", async () => {
    const response = await post("/v1/logs", '{"resourceLogs": {}}', { "content-type": json });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      code: 3,
      message: "resourceLogs must be an array, got an object",
    });
  });

  it("refuses a body over the limit with 413, announced or not", async () => {
    const response = await post("/v1/traces", Buffer.alloc(100_001));
    expect(response.status).toBe(413);
    expect((await statusOf(response)).message).toBe(
      "body is larger than 100000 bytes (ingest.maxBodyBytes)",
    );
    expect(await chunkedStatus(Buffer.alloc(60_000), 3)).toBe(413);
  });

  it("refuses a small body that unpacks beyond the limit with 413", async () => {
    const response = await post("/v1/traces", gzipSync(Buffer.alloc(10_000_000)), {
      "content-encoding": "gzip",
    });
    expect(response.status).toBe(413);
    expect((await statusOf(response)).message).toBe(
      "body is larger than 200000 bytes after decompression (ingest.maxDecompressedBytes)",
    );
  });

  it.each([
    ["another content type", { "content-type": "text/plain" }],
    ["another content encoding", { "content-encoding": "br" }],
  ])("refuses %s with 415", async (_, headers) => {
    expect((await post("/v1/traces", traceRequest(aSpan()), headers)).status).toBe(415);
  });

  it("knows no other paths and methods", async () => {
    expect((await post("/v1/profiles", "")).status).toBe(404);
    const response = await fetch(`${ingest.httpUrl}/v1/traces`);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it("asks to come again later while the log pushes back", async () => {
    pressure = { state: "refusing", reason: "archive is 13 h behind", retryAfterMs: 2_500 };
    // The log is asked ten times a second at most.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const response = await post("/v1/traces", traceRequest(aSpan()));
    pressure = { state: "open" };
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "3"]);
    const status = await statusOf(response);
    expect([status.code, status.message]).toEqual([14, "archive is 13 h behind"]);
  });

  it("does not acknowledge what the log did not take", async () => {
    const before = (await ingest.stored("traces")).flat().length;
    appendFails = true;
    const response = await post("/v1/traces", traceRequest(aSpan()));
    appendFails = false;
    expect(response.status).toBe(503);
    expect((await ingest.stored("traces")).flat()).toHaveLength(before);
    expect((await post("/v1/traces", traceRequest(aSpan()))).status).toBe(200);
  });

  it("counts requests by their answer, and what it cut", async () => {
    counted.clear();
    await post("/v1/traces", traceRequest(aSpan(), aSpan({ traceId: Buffer.alloc(1) })));
    await post("/v1/traces", "x");
    await post("/v1/logs", logsRequest({ eventName: "gen_ai.choice", body: { stringValue: "p" } }));
    const requests = "foreshock_ingest_requests_total";
    expect(Object.fromEntries([...counted].filter(([key]) => !key.includes("bytes")))).toEqual({
      [`${requests} traces http_protobuf partial`]: 1,
      [`${requests} traces http_protobuf invalid`]: 1,
      [`${requests} logs http_protobuf accepted`]: 1,
      "foreshock_ingest_items_total traces": 1,
      "foreshock_ingest_items_total logs": 1,
      "foreshock_ingest_rejected_items_total traces invalid_id": 1,
      "foreshock_ingest_cut_attributes_total content": 1,
    });
  });
});

describe("the ingest stage", () => {
  it("names the port and its configuration key when it is taken", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => {
        const address = other.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    await expect(openTestIngest({ ingest: { httpPort: port } })).rejects.toMatchObject({
      code: "port_in_use",
      message: `port ${port} on 127.0.0.1 (ingest.httpPort) is taken by another program`,
    });
    await new Promise((resolve) => other.close(resolve));
  });

  it("finishes requests under way when it closes, and takes no new ones", async () => {
    const letGo = aGate();
    const begun = aGate();
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
    const answer = fetch(`${closing.httpUrl}/v1/traces`, {
      method: "POST",
      body: new Uint8Array(traceRequest(aSpan())),
      headers: { "content-type": protobuf },
    });
    await begun.opened;
    const closed = closing.server[Symbol.asyncDispose]();
    letGo.open();
    expect((await answer).status).toBe(200);
    await closed;
    await closing.server[Symbol.asyncDispose]();
    expect((await closing.stored("traces")).flat()).toHaveLength(1);
    await expect(fetch(closing.httpUrl)).rejects.toThrow();
    await closing[Symbol.asyncDispose]();
  });
});

/** Sends chunks without a content length. */
function chunkedStatus(chunk: Buffer, count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${ingest.httpUrl}/v1/traces`, {
      method: "POST",
      headers: { "content-type": protobuf, "transfer-encoding": "chunked" },
    });
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject);
    for (let i = 0; i < count; i++) request.write(chunk);
    request.end();
  });
}
