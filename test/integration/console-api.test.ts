import { describe, expect, it } from "vitest";
import {
  apiErrorSchema,
  incidentDetailSchema,
  incidentListSchema,
} from "../../services/contracts/http-api.ts";
import {
  appendFrames,
  get,
  getDetail,
  getNow,
  log,
  newestMs,
  nowMs,
  open,
} from "../support/console-open.ts";
import {
  aDelivery,
  deliveryAppend,
  frameAppend,
  incidentAppend,
  sceneFrame,
  sceneWindowMs,
  sickCell,
} from "../support/console-scene.ts";
import { anIncident } from "../support/incidents.ts";

describe("GET /api/now", () => {
  it("says that nothing has arrived on an empty log, and where to send it", async () => {
    const now = await getNow(await open());
    expect(now.health).toEqual({
      level: "empty",
      sentence: "No telemetry has arrived yet",
      ageMs: null,
    });
    expect(now.endpoints).toEqual({
      otlpHttp: "http://127.0.0.1:4318",
      otlpGrpc: "http://127.0.0.1:4317",
    });
    expect(now.cells).toEqual([]);
  });

  it("shows every cell with its state, main signal and a quarter of an hour of points", async () => {
    await appendFrames(180);
    const now = await getNow(await open());
    expect(now.health).toEqual({
      level: "watching",
      sentence: "22 of 24 cells normal, 1 silent, 1 still learning, newest data 10 s old",
      ageMs: 10_000,
    });
    expect(now.cells).toHaveLength(24);
    expect(now.pipeline).toMatchObject({
      newestDataMs: newestMs + sceneWindowMs,
      senders: 12,
      spansPerSecond: 460,
      lateSpans: 45,
    });
    const sick = now.cells.find(({ cell }) => cell === sickCell);
    expect(sick).toMatchObject({
      provider: "anthropic",
      model: "claude-sonnet",
      region: "eu-west-1",
      operation: "chat",
      state: "normal",
      incident: null,
      requestsPerSecond: 20,
      main: { signal: "ttft", words: "first tokens", unit: "µs", bad: 4, of: 100 },
    });
    expect(sick?.points).toHaveLength(180);
    expect(sick?.points.at(-1)).toEqual(sick?.newest);
    expect(sick?.newest?.atMs).toBe(newestMs);
  });

  it("never calls old data good", async () => {
    await log.append([frameAppend(sceneFrame({ windowStartMs: nowMs - 125_000, slowness: 1 }))]);
    const now = await getNow(await open());
    expect(now.health.level).toBe("stale");
    expect(now.health.sentence).toMatch(
      /^No new data for 2 min; before that: 22 of 24 cells normal/,
    );
  });

  it("puts the page on its cells and in the sentence", async () => {
    await appendFrames(20, 2.4);
    await log.append([incidentAppend(anIncident({ cells: [sickCell] }))]);
    const now = await getNow(await open());
    expect(now.health.sentence).toBe("1 page open, 1 of 24 cells degraded, newest data 10 s old");
    expect(now.incidents).toMatchObject([
      { incident: "7f3a91c2", severity: "page", acknowledgedBy: null },
    ]);
    expect(now.cells.find(({ cell }) => cell === sickCell)).toMatchObject({
      state: "page",
      incident: "7f3a91c2",
      main: { signal: "ttft", state: "anomalous" },
    });
  });
});

describe("GET /api/incidents", () => {
  it("lists open before resolved and pages before tickets", async () => {
    await log.append([
      incidentAppend(
        anIncident({
          incident: "old",
          phase: "resolved",
          transition: "resolved",
          resolvedMs: nowMs - 1_000,
        }),
      ),
      incidentAppend(
        anIncident({ incident: "ticket", severity: "ticket", transition: "ticketed" }),
      ),
      incidentAppend(anIncident({ incident: "page" })),
    ]);
    const { incidents } = incidentListSchema.parse(await get(`${await open()}/api/incidents`));
    expect(incidents.map(({ incident }) => incident)).toEqual(["page", "ticket", "old"]);
  });
});

describe("GET /api/incidents/:id", () => {
  it("brings text, timeline, leading signal, spread and deliveries", async () => {
    await appendFrames(60, 2.4);
    const sinceMs = newestMs - 100_000;
    await log.append([
      incidentAppend(
        anIncident({
          cells: [sickCell],
          sinceMs,
          atMs: sinceMs + 30_000,
          evidence: anIncident().evidence.map((one) => ({ ...one, cell: sickCell, sinceMs })),
        }),
      ),
      deliveryAppend(aDelivery({ atMs: sinceMs + 31_000 })),
    ]);
    const detail = incidentDetailSchema.parse(
      await get(`${await open()}/api/incidents/7f3a91c2?timeZone=Europe/Berlin`),
    );
    expect(detail.text).toContain("PAGE  claude-sonnet in eu-west-1");
    expect(detail.timeline.map(({ kind, what }) => [kind, what])).toEqual([
      ["sign", "First tokens unusual: 2.9 s, expected 0.9–1.4 s"],
      ["sign", "Failing requests unusual: 1.8 %, expected ≤ 0.4 %"],
      ["paged", "Page: claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading"],
      ["delivery", "Told terminal (paged)"],
    ]);
    expect(detail.series).toMatchObject({
      signal: "ttft",
      unit: "µs",
      where: "claude-sonnet chat in eu-west-1",
    });
    expect(detail.series?.points).toHaveLength(60);
    expect(detail.spread).toHaveLength(60);
    expect(detail.spread.at(-1)).toEqual({ atMs: newestMs, anomalous: 1, watching: 0 });
    expect(detail.deliveries).toHaveLength(1);
  });

  it("carries the course on with new windows, each counted once however many ask", async () => {
    await appendFrames(10, 2.4);
    await log.append([
      incidentAppend(anIncident({ cells: [sickCell], sinceMs: newestMs, evidence: [] })),
    ]);
    const url = await open();
    const before = await Promise.all([getDetail(url), getDetail(url)]);
    expect(before.map(({ spread }) => spread.length)).toEqual([10, 10]);
    await log.append([
      frameAppend(sceneFrame({ windowStartMs: newestMs + sceneWindowMs, slowness: 1 })),
    ]);
    const after = await Promise.all([getDetail(url), getDetail(url)]);
    expect(after.map(({ series }) => series?.points.length)).toEqual([11, 11]);
    expect(after[0]?.spread.slice(-2).map(({ anomalous }) => anomalous)).toEqual([1, 0]);
  });

  it("has no series when the log no longer holds it", async () => {
    await log.append([incidentAppend(anIncident())]);
    const detail = await getDetail(await open());
    expect(detail.series).toBeNull();
    expect(detail.spread).toEqual([]);
  });

  it("answers 404 with a code for what is unknown, and 400 for a zone that is none", async () => {
    await log.append([incidentAppend(anIncident())]);
    const url = await open();
    const missing = await fetch(`${url}/api/incidents/nope`);
    expect(missing.status).toBe(404);
    expect(apiErrorSchema.parse(await missing.json())).toEqual({
      error: { code: "not_found", message: "no incident nope" },
    });
    expect((await fetch(`${url}/api/incidents/7f3a91c2?timeZone=Mars`)).status).toBe(400);
    expect((await fetch(`${url}/api/incidents/%E0%A4%A`)).status).toBe(400);
  });
});
