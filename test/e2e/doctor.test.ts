/** `foreshock doctor` on rich telemetry and on poor, from every place that it looks into. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import type { Diagnosis } from "../../services/doctor/examine.ts";
import { openCaptureWriter } from "../../services/log/capture.ts";
import { openaiV2 } from "../support/aggregate-cases/case.ts";
import { keyValues } from "../support/aggregate-harness.ts";
import { foreshock, startForeshock } from "../support/foreshock-process.ts";
import { spanId, traceId } from "../support/otlp-builders.ts";
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";

const folder = mkdtempSync(join(tmpdir(), "foreshock-doctor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const diagnose = async (args: readonly string[], env: Record<string, string> = {}) => {
  const { code, stdout, stderr } = await foreshock(["doctor", ...args, "--json"], { env });
  return { code, stderr, diagnosis: stdout === "" ? undefined : (JSON.parse(stdout) as Diagnosis) };
};
const carried = (diagnosis: Diagnosis | undefined) =>
  diagnosis?.signals.filter(({ isVisible }) => isVisible).map(({ name }) => name);
const seenAs = (diagnosis: Diagnosis | undefined, scenario: string) => {
  const found = diagnosis?.faults.find((fault) => fault.scenario === scenario);
  return [found?.visibility, found?.missing];
};

/** What the plainest instrumentation says of streamed calls: no first token, no end, and nothing about where it ran. */
function poorRequest(endMs: number, calls = 40): Uint8Array {
  const spans = Array.from({ length: calls }, (_, number) => ({
    traceId: traceId(number + 1),
    spanId: spanId(number + 1),
    name: "chat gpt-4o",
    kind: 3,
    startTimeUnixNano: `${endMs - 900 - number}000000`,
    endTimeUnixNano: `${endMs - number}000000`,
    attributes: keyValues({
      "gen_ai.system": "openai",
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.response.model": "gpt-4o-2024-08-06",
    }),
  }));
  const resource = { attributes: keyValues({ "service.name": "poor-app" }) };
  const scopeSpans = [{ scope: { name: openaiV2 }, spans }];
  return ExportTraceServiceRequest.encode({ resourceSpans: [{ resource, scopeSpans }] });
}

const poorly = ["requests", "responseModel"];

async function capture(name: string, payload: Uint8Array | undefined): Promise<string> {
  const file = join(folder, name);
  await using writer = openCaptureWriter(file);
  const record = { signal: "traces", partition: 0, isHeartbeat: payload === undefined } as const;
  await writer.write({
    ...record,
    appendMs: 1_800_000_000_000,
    payload: payload ?? Buffer.alloc(0),
  });
  return file;
}

async function post(address: string | undefined, body: Uint8Array): Promise<void> {
  const answer = await fetch(`http://${address}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: Buffer.from(body),
  });
  expect(answer.status).toBe(200);
}

describe("foreshock doctor", () => {
  it("finds that the fleet's telemetry shows every fault and where it sits", async () => {
    const file = join(folder, "fleet.fsc.zst");
    const made = await foreshock(["fleet", "--minutes", "2", "--seed", "3", "--out", file]);
    expect(made.code).toBe(0);
    const { code, diagnosis } = await diagnose([file]);
    expect(code).toBe(0);
    expect(diagnosis?.providers).toEqual(["anthropic", "openai"]);
    expect(diagnosis?.regions.length).toBe(4);
    expect(diagnosis?.requests).toBeGreaterThan(1_000);
    expect(diagnosis?.libraries.map(({ scope }) => scope)).toContain(
      "opentelemetry.instrumentation.genai.openai",
    );
    expect(diagnosis?.faults.filter(({ visibility }) => visibility !== "visible")).toEqual([]);
    expect(diagnosis?.remedies).toEqual([]);
  }, 120_000);

  it("says of poor telemetry which faults are missed, for want of what, and which lines add it", async () => {
    const file = await capture("poor.fsc", poorRequest(1_800_000_000_000));
    const { code, diagnosis } = await diagnose([file]);
    expect([code, carried(diagnosis)]).toEqual([0, poorly]);
    expect(diagnosis?.libraryNotes).toEqual([
      expect.stringContaining("no time to the first token"),
    ]);
    expect(seenAs(diagnosis, "S01")).toEqual(["visible", []]);
    expect(seenAs(diagnosis, "S02")).toEqual(["unplaced", ["version"]]);
    expect(seenAs(diagnosis, "S04")).toEqual([
      "invisible",
      ["firstTokens", "tokenSpeed", "region"],
    ]);
    expect(seenAs(diagnosis, "S07")).toEqual(["invisible", ["login"]]);
    expect(seenAs(diagnosis, "S15")).toEqual(["invisible", ["finish", "version"]]);

    const { stdout } = await foreshock(["doctor", file]);
    expect(stdout).toContain("senders    poor-app (1 instance, 40 spans)");
    expect(stdout).toMatch(
      /^ {2}no {9}GPU nodes drop out \(S04\): lacks the time to the first token/m,
    );
    expect(stdout).toMatch(
      /^ {2}not where {2}A bad version rolls out \(S02\): lacks the application's version$/m,
    );
    expect(stdout).toMatch(
      /^To see the region \(S03, S04, S10\)\n {4}OTEL_RESOURCE_ATTRIBUTES="cloud.region=/m,
    );
  }, 60_000);

  it("says that nothing came, or nothing of a model", async () => {
    const silent = await diagnose([await capture("silent.fsc", undefined)]);
    expect([silent.code, silent.stderr]).toEqual([
      69,
      expect.stringContaining("OTEL_EXPORTER_OTLP_ENDPOINT"),
    ]);
    const other = ExportTraceServiceRequest.encode({
      resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: traceId(1), spanId: spanId(1) }] }] }],
    });
    const without = await diagnose([await capture("other.fsc", other)]);
    expect([without.code, without.diagnosis?.spans, carried(without.diagnosis)]).toEqual([
      1,
      1,
      [],
    ]);
    expect((await diagnose([])).code).toBe(2);
  }, 60_000);

  it("listens on the OTLP ports for as long as it is told", async () => {
    await using doctor = startForeshock(["doctor", "--listen", "8", "--json"], {
      env: { FORESHOCK_DATA_DIR: join(folder, "untouched") },
    });
    const address = () => /http:\/\/(\S+) \(HTTP\)/.exec(doctor.stderr())?.[1];
    while (address() === undefined) await wait(50);
    await post(address(), poorRequest(Date.now()));
    const { code, stdout } = await doctor.ended;
    expect([code, carried(JSON.parse(stdout) as Diagnosis)]).toEqual([0, poorly]);
  }, 60_000);

  it("finds the same in the history's table, while it runs, and in the log afterwards", async () => {
    const env = { FORESHOCK_DATA_DIR: join(folder, "data"), FORESHOCK_ARCHIVE_MAX_WAIT_MS: "100" };
    const product = startForeshock(["run", "ingest", "archive"], { env });
    const addresses = await product.addresses();
    await post(addresses["OTLP HTTP"], poorRequest(Date.now()));
    const { port } = new URL(addresses["ClickHouse HTTP"] ?? "");
    const table = { ...env, FORESHOCK_HISTORY_HTTP_PORT: port };
    let found = await diagnose(["--table", "otel_traces"], table);
    for (; found.code === 69; await wait(200))
      found = await diagnose(["--table", "otel_traces"], table);
    expect([found.code, found.diagnosis?.requests, carried(found.diagnosis)]).toEqual([
      0,
      40,
      poorly,
    ]);
    expect(found.diagnosis?.libraries).toEqual([{ scope: openaiV2, spans: 40 }]);
    await product.stop();
    const log = await diagnose(["--log"], env);
    expect([log.code, log.diagnosis?.requests, carried(log.diagnosis)]).toEqual([0, 40, poorly]);
  }, 120_000);
});
