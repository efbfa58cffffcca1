import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metricDefinitions } from "../../services/contracts/metrics.ts";
import { startTelemetry, type Telemetry } from "../../services/runtime/telemetry.ts";
import { needs } from "../support/needs.ts";

describe("Foreshock's own telemetry", () => {
  let telemetry: Telemetry;
  let reason: string | undefined = "starting";
  beforeAll(async () => {
    telemetry = await startTelemetry(
      { host: "127.0.0.1", port: 0 },
      { notReadyBecause: () => reason },
    );
    telemetry.metrics.add("foreshock_ingest_items_total", 3, { signal: "traces" });
    telemetry.metrics.set("foreshock_stage_lag_records", 7, {
      stage: "detect",
      topic: "foreshock.windows",
      partition: "0",
    });
    telemetry.metrics.record("foreshock_verdict_delay_seconds", 12);
  });
  afterAll(async () => await telemetry[Symbol.asyncDispose]());

  const get = async (path: string) => {
    const response = await fetch(`http://${telemetry.address}${path}`);
    return { status: response.status, text: await response.text() };
  };

  it("shows what was counted, under the names and explanations of its definitions", async () => {
    const { text } = await get("/metrics");
    expect(text).toContain('foreshock_ingest_items_total{signal="traces"} 3');
    expect(text).toContain(
      'foreshock_stage_lag_records{stage="detect",topic="foreshock.windows",partition="0"} 7',
    );
    expect(text).toContain('foreshock_verdict_delay_seconds_bucket{le="15"} 1');
    expect(text).toContain(
      `# HELP foreshock_verdict_delay_seconds ${metricDefinitions.foreshock_verdict_delay_seconds.help}`,
    );
  });

  it("shows a second application in the process figures of its own", async () => {
    const other = await startTelemetry(
      { host: "127.0.0.1", port: 0 },
      { notReadyBecause: () => undefined },
    );
    other.metrics.add("foreshock_ingest_items_total", 5, { signal: "traces" });
    const text = await (await fetch(`http://${other.address}/metrics`)).text();
    await other[Symbol.asyncDispose]();
    expect(text).toContain('foreshock_ingest_items_total{signal="traces"} 5');
    expect((await get("/metrics")).text).toContain(
      'foreshock_ingest_items_total{signal="traces"} 3',
    );
  });

  it("is live at once and ready when it says so", async () => {
    expect((await get("/healthz")).status).toBe(200);
    expect(await get("/readyz")).toEqual({ status: 503, text: "starting\n" });
    reason = undefined;
    expect(await get("/readyz")).toEqual({ status: 200, text: "ready\n" });
    expect((await get("/nothing")).status).toBe(404);
  });

  const missing = needs("promtool");
  it.skipIf(missing !== undefined)(
    `passes promtool check metrics${missing === undefined ? "" : ` (skipped: ${missing})`}`,
    async () => {
      const { text } = await get("/metrics");
      const checked = spawnSync("promtool", ["check", "metrics"], {
        input: text,
        encoding: "utf8",
      });
      expect(`${checked.stdout}${checked.stderr}`).toBe("");
      expect(checked.status).toBe(0);
    },
  );
});
