import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { simulate, toRecords } from "../../services/chatbot/chatbot.ts";
import { openSdkSpeaker, speakThroughSdk } from "../../services/chatbot/sdk-speaker.ts";
import { type DecodedSpan, decodeSpans, planOf, spansOf } from "../support/fleet-decoded.ts";
import { ExportMetricsServiceRequest, type MetricsRequest } from "../support/otlp-proto.ts";

/** An OTLP/HTTP receiver that keeps what it gets. */
let server: Server;
let endpoint = "";
let spans: DecodedSpan[] = [];
let metrics: MetricsRequest[] = [];

beforeEach(async () => {
  spans = [];
  metrics = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      if (request.url === "/v1/traces") spans.push(...decodeSpans(bytes));
      if (request.url === "/v1/metrics") metrics.push(ExportMetricsServiceRequest.decode(bytes));
      response.writeHead(200, { "content-type": "application/x-protobuf" });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const byId = (list: readonly DecodedSpan[]) =>
  [...list].sort((a, b) => (a.spanId < b.spanId ? -1 : 1));

/** Time that stands still after the run: everything is in the past, nothing waits. */
const lateClock = { nowMs: () => Number.MAX_SAFE_INTEGER, sleep: async () => {} };

describe("the fleet through the OpenTelemetry SDK", () => {
  it("carries the same spans as the records do, failures included", async () => {
    const plan = planOf("S05", { compress: 30, quietMs: 20_000, durationMs: 90_000 });
    const { spans: spoken } = await speakThroughSdk(plan, simulate(plan), {
      endpoint,
      clock: lateClock,
    });
    const direct = spansOf(toRecords(simulate(plan), { plan }));
    expect(direct.some((span) => span.statusCode === 2)).toBe(true);
    expect(spans).toHaveLength(spoken);
    expect(byId(spans)).toEqual(byId(direct));
  });

  it("states the sampling threshold and leaves out what is not sampled", async () => {
    const shape = { telemetry: { sampling: { ratio: 0.5 } } };
    const plan = planOf("clean", { shape, durationMs: 20_000 });
    await speakThroughSdk(plan, simulate(plan), { endpoint, clock: lateClock });
    const direct = spansOf(toRecords(simulate(plan), { plan }));
    expect(byId(spans)).toEqual(byId(direct));
    expect(new Set(spans.map((span) => span.traceState))).toEqual(new Set(["ot=th:8"]));
  });

  it("exports the calls' durations as metrics, one count for each call", async () => {
    const plan = planOf("clean", { durationMs: 20_000 });
    await speakThroughSdk(plan, simulate(plan), { endpoint, clock: lateClock });
    const calls = spans.filter((span) => span.attributes["gen_ai.provider.name"] !== undefined);
    const all = metrics
      .flatMap((request) => request.resourceMetrics ?? [])
      .flatMap((group) => group.scopeMetrics ?? [])
      .flatMap((scoped) => scoped.metrics ?? []);
    const counted = all
      .filter((metric) => metric.name === "gen_ai.client.operation.duration")
      .flatMap((metric) => metric.histogram?.dataPoints ?? [])
      .reduce((sum, point) => sum + Number(point.count), 0);
    expect(counted).toBe(calls.length);
    expect(all.some((metric) => metric.name === "http.server.active_requests")).toBe(true);
  });

  it("waits for the wall clock to reach each event's end", async () => {
    const plan = planOf("clean", { durationMs: 20_000 });
    let nowMs = plan.startMs;
    let lastMs = 0;
    const clock = {
      nowMs: () => nowMs,
      sleep: async (ms: number) => {
        nowMs += ms;
        lastMs = nowMs;
      },
    };
    const events = [...simulate(plan)];
    await speakThroughSdk(plan, events, { endpoint, clock, metrics: false });
    expect(lastMs).toBe(events[events.length - 1]?.endMs);
  });

  it("stops at an abort and still flushes what was spoken", async () => {
    const plan = planOf("clean", { durationMs: 20_000 });
    const stop = new AbortController();
    let waits = 0;
    const clock = {
      nowMs: () => 0,
      sleep: async () => {
        waits += 1;
        if (waits > 100) stop.abort();
      },
    };
    const { spans: spoken } = await speakThroughSdk(plan, simulate(plan), {
      endpoint,
      clock,
      signal: stop.signal,
      metrics: false,
    });
    expect(spoken).toBeGreaterThan(100);
    expect(spans).toHaveLength(spoken);
  });

  it("can be flushed and closed more than once", async () => {
    const plan = planOf("clean", { durationMs: 5_000 });
    const speaker = openSdkSpeaker(plan, { endpoint, metrics: false });
    let spoken = 0;
    for (const event of simulate(plan)) spoken += speaker.speak(event);
    await speaker.flush();
    expect(spans).toHaveLength(spoken);
    await speaker.close();
    await speaker.close();
  });
});
