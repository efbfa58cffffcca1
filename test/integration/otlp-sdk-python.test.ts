/** The real OpenTelemetry Python SDK, unchanged and in a process of its own, against the real ingest. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import type { Pressure } from "../../services/log/log.ts";
import { logRecordsOf, metricsOf, spansOf } from "../support/otlp-builders.ts";
import { openTestIngest, type TestIngest } from "../support/otlp-ingest.ts";
import { needsPython, pythonWithSdk } from "../support/otlp-python.ts";

const application = fileURLToPath(new URL("../support/otlp-sdk-python.py", import.meta.url));
const canary = "canary-8f2c what the user asked";
const missing = needsPython();
if (missing !== undefined) console.log(`skipped: OpenTelemetry Python SDK: ${missing}`);

/** The SDK over gRPC does not know the name `none`. */
const compressedBy = (compression: string) =>
  compression === "none" ? {} : { OTEL_EXPORTER_OTLP_COMPRESSION: compression };

async function expectEverythingStored(ingest: TestIngest): Promise<void> {
  const spans = (await ingest.stored("traces")).flat().flatMap(spansOf);
  expect(spans).toHaveLength(3);
  for (const { attributes, events, status } of spans) {
    expect(attributes?.map(({ key }) => key)).toEqual([
      "gen_ai.request.model",
      "gen_ai.response.finish_reasons",
      "index",
    ]);
    expect(events?.map(({ name }) => name)).toEqual(["gen_ai.content.prompt", "exception"]);
    expect(status).toEqual({ code: 2, message: "Error code: 429 - {'error': '" });
  }
  const metrics = (await ingest.stored("metrics")).flat().flatMap(metricsOf);
  expect(metrics.map(({ histogram }) => histogram?.dataPoints?.[0]?.count)).toEqual(["3"]);
  const logs = (await ingest.stored("logs")).flat().flatMap(logRecordsOf);
  expect(logs.map(({ eventName, body }) => [eventName, body])).toEqual(
    Array(3).fill(["gen_ai.choice", undefined]),
  );
  const bytes = await ingest.allBytes();
  expect(bytes.includes("canary-8f2c")).toBe(false);
  expect(bytes.includes("what the user asked")).toBe(false);
}

describe.skipIf(missing !== undefined)("the OpenTelemetry Python SDK", () => {
  let python: string;
  beforeAll(async () => {
    python = await pythonWithSdk();
  });

  const runApplication = async (ingest: TestIngest, protocol: string, compression: string) => {
    const endpoint = protocol === "grpc" ? ingest.grpcUrl : ingest.httpUrl;
    const { stderr } = await promisify(execFile)(
      python,
      [application, canary, protocol, endpoint],
      { env: { PATH: process.env["PATH"], ...compressedBy(compression) } },
    );
    return stderr;
  };

  it.each([
    ["grpc", "none"],
    ["grpc", "gzip"],
    ["http", "none"],
    ["http", "gzip"],
    ["http", "deflate"],
  ])(
    "sends spans, metrics and logs over %s with compression %s, and no content gets through",
    async (protocol, compression) => {
      await using ingest = await openTestIngest();
      expect(await runApplication(ingest, protocol, compression)).toBe("");
      await expectEverythingStored(ingest);
    },
  );

  it.each(["grpc", "http"])(
    "comes again over %s after being told to, and loses nothing",
    async (protocol) => {
      let pressure: Pressure = { state: "refusing", reason: "busy", retryAfterMs: 500 };
      let refusals = 0;
      await using ingest = await openTestIngest({
        around: (log) => ({
          ...log,
          pressure: async () => {
            if (pressure.state === "refusing") refusals++;
            return pressure;
          },
        }),
      });
      const running = runApplication(ingest, protocol, "gzip");
      await expect.poll(() => refusals, { timeout: 20_000 }).toBeGreaterThan(0);
      pressure = { state: "open" };
      await running;
      await expectEverythingStored(ingest);
    },
  );
});
