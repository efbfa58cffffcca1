/** The real OpenTelemetry Node SDK, unchanged and in a process of its own, against the real ingest. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Log, Pressure } from "../../services/log/log.ts";
import { logRecordsOf, metricsOf, spansOf } from "../support/otlp-builders.ts";
import { openTestIngest, type TestIngest } from "../support/otlp-ingest.ts";

const application = fileURLToPath(new URL("../support/otlp-sdk-node.ts", import.meta.url));
const canary = "canary-8f2c what the user asked";

let pressure: Pressure;
let refusals: number;
let ingest: TestIngest;
beforeEach(async () => {
  pressure = { state: "open" };
  refusals = 0;
  ingest = await openTestIngest({
    around: (log: Log) => ({
      ...log,
      pressure: async () => {
        if (pressure.state === "refusing") refusals++;
        return pressure;
      },
    }),
  });
});
afterEach(() => ingest[Symbol.asyncDispose]());

async function runApplication(protocol: string, environment: Record<string, string> = {}) {
  const url = protocol === "grpc" ? ingest.grpcUrl : ingest.httpUrl;
  const { stderr, stdout } = await promisify(execFile)(process.execPath, [application, canary], {
    env: {
      PATH: process.env["PATH"],
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_METRICS_EXPORTER: "otlp",
      OTEL_LOGS_EXPORTER: "otlp",
      OTEL_SERVICE_NAME: "chat-app",
      OTEL_LOG_LEVEL: "warn",
      ...environment,
    },
  });
  return stderr + stdout;
}

async function expectEverythingStored(): Promise<void> {
  const spans = (await ingest.stored("traces")).flat().flatMap(spansOf);
  const indexes = spans.map(({ attributes }) => attributes?.find(({ key }) => key === "index"));
  expect(indexes.map((each) => Number(each?.value?.intValue)).sort()).toEqual([0, 1, 2]);
  for (const { name, attributes, events, status } of spans) {
    expect(name).toBe("chat gpt-4o");
    expect(attributes?.map(({ key }) => key)).toEqual([
      "gen_ai.operation.name",
      "gen_ai.request.model",
      "gen_ai.response.finish_reasons",
      "gen_ai.usage.input_tokens",
      "index",
    ]);
    expect(events?.map((event) => event.name)).toEqual(["gen_ai.user.message", "exception"]);
    expect(status).toEqual({ code: 2, message: 'Error code: 529 - {"error": "' });
  }
  const metrics = (await ingest.stored("metrics")).flat().flatMap(metricsOf);
  expect(metrics.map(({ name }) => name)).toEqual([
    "chat.requests",
    "gen_ai.client.operation.duration",
  ]);
  expect(metrics[0]?.sum?.dataPoints?.[0]?.attributes?.map(({ key }) => key)).toEqual([
    "gen_ai.request.model",
  ]);
  expect(metrics[1]?.histogram?.dataPoints?.[0]?.count).toBe("3");
  const logs = (await ingest.stored("logs")).flat().flatMap(logRecordsOf);
  expect(logs.map(({ eventName }) => eventName ?? "").sort()).toEqual([
    "",
    "",
    "",
    ...Array(3).fill("gen_ai.client.inference.operation.details"),
    ...Array(3).fill("gen_ai.user.message"),
  ]);
  expect(logs.filter(({ body }) => body?.stringValue === "upstream failed")).toHaveLength(3);
  const bytes = await ingest.allBytes();
  expect(bytes.length).toBeGreaterThan(1_000);
  expect(bytes.includes("canary-8f2c")).toBe(false);
  expect(bytes.includes("what the user asked")).toBe(false);
}

describe("the OpenTelemetry Node SDK", () => {
  it.each([
    ["grpc", "none"],
    ["grpc", "gzip"],
    ["http/protobuf", "none"],
    ["http/protobuf", "gzip"],
    ["http/json", "none"],
    ["http/json", "gzip"],
  ])(
    "sends spans, metrics and logs over %s with compression %s, and no content gets through",
    async (protocol, compression) => {
      const output = await runApplication(protocol, {
        OTEL_EXPORTER_OTLP_COMPRESSION: compression,
      });
      expect(output).toBe("");
      await expectEverythingStored();
    },
  );

  // Over gRPC this SDK (0.301) drops what is refused: it never tries again, whatever the answer says.
  it.each(["http/protobuf", "http/json"])(
    "comes again over %s after being told to, and loses nothing",
    async (protocol) => {
      pressure = { state: "refusing", reason: "busy", retryAfterMs: 500 };
      const running = runApplication(protocol);
      await expect.poll(() => refusals, { timeout: 20_000 }).toBeGreaterThan(0);
      pressure = { state: "open" };
      await running;
      await expectEverythingStored();
    },
  );
});
