import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { consoleStage } from "../../services/console/console.ts";
import {
  acceptedSchema,
  apiErrorSchema,
  incidentDetailSchema,
  incidentListSchema,
  nowSchema,
} from "../../services/contracts/http-api.ts";
import { commandRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { Log } from "../../services/log/log.ts";
import { type Clock, systemClock } from "../../services/runtime/clock.ts";
import type { RunningServer } from "../../services/stage.ts";
import {
  aDelivery,
  deliveryAppend,
  frameAppend,
  incidentAppend,
  sceneFrame,
  sceneWindowMs,
  sickCell,
} from "../support/console-scene.ts";
import { anEdgeContext, openTestLog } from "../support/edge-context.ts";
import { anIncident } from "../support/incidents.ts";

/** A round time; the log's clock and the console's stand still at it. */
const nowMs = 1_800_000_000_000;
const clock: Clock = { ...systemClock, nowMs: () => nowMs };
const newestMs = nowMs - 15_000;

let log: Log;
let server: RunningServer | undefined;

beforeEach(async () => {
  log = await openTestLog(clock);
});
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
  await log[Symbol.asyncDispose]();
});

async function open(config: object = {}): Promise<string> {
  server = await consoleStage.open(
    anEdgeContext(log, { console: { port: 0, ...config } }, { clock }),
  );
  const url = server.addresses["page"] ?? "";
  for (let tries = 0; tries < 200; tries++) {
    if ((await fetch(`${url}/readyz`)).ok) return url;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the console did not become ready");
}

const appendFrames = (count: number, slowness = 1) =>
  log.append(
    Array.from({ length: count }, (_, index) =>
      frameAppend(
        sceneFrame({ windowStartMs: newestMs - (count - 1 - index) * sceneWindowMs, slowness }),
      ),
    ),
  );

const get = async (url: string): Promise<unknown> => (await fetch(url)).json();
const getNow = async (url: string) => nowSchema.parse(await get(`${url}/api/now`));
const getDetail = async (url: string, query = "") =>
  incidentDetailSchema.parse(await get(`${url}/api/incidents/7f3a91c2${query}`));
const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** Until the console's tail has caught up with what was appended. */
async function until<T>(read: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 300; tries++) {
    const value = await read();
    if (isThere(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("what was waited for did not come");
}

/** A request with headers that fetch does not let one set. */
const statusWith = (url: string, headers: Record<string, string>, method = "GET") =>
  new Promise<number>((resolve, reject) => {
    const outgoing = request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.once("error", reject);
    outgoing.end(method === "POST" ? "{}" : undefined);
  });

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

describe("commands", () => {
  it("acknowledge an incident: in the log, and shown", async () => {
    await log.append([incidentAppend(anIncident())]);
    const url = await open();
    const answer = await post(`${url}/api/incidents/7f3a91c2/acknowledge`, {
      by: "ada",
      note: "on it",
    });
    expect([answer.status, await answer.json()]).toEqual([202, { accepted: true, id: "7f3a91c2" }]);
    const [record] = await log.read({
      topic: topics.commands,
      partition: 0,
      fromOffset: 0,
      waitMs: 0,
    });
    expect(commandRecord.decode(record?.value ?? new Uint8Array())).toEqual({
      kind: "acknowledge",
      incident: "7f3a91c2",
      by: "ada",
      note: "on it",
      atMs: nowMs,
    });
    const detail = await until(
      () => getDetail(url),
      ({ acknowledged }) => acknowledged !== null,
    );
    expect(detail.acknowledged).toEqual({ by: "ada", note: "on it", atMs: nowMs });
  });

  it("silence a place and lift the silence again", async () => {
    await log.append([incidentAppend(anIncident())]);
    const url = await open();
    const made = await post(`${url}/api/silences`, {
      matchers: { "cloud.region": "eu-west-1" },
      minutes: 60,
      by: "ada",
    });
    const { id } = acceptedSchema.parse(await made.json());
    const now = await until(
      () => getNow(url),
      ({ silences }) => silences.length === 1,
    );
    expect(now.silences).toEqual([
      {
        id,
        matchers: { "cloud.region": "eu-west-1" },
        by: "ada",
        note: "",
        untilMs: nowMs + 3_600_000,
      },
    ]);
    expect(now.incidents).toMatchObject([{ isSilenced: true }]);
    const lifted = await fetch(`${url}/api/silences/${id}`, {
      method: "DELETE",
      headers: { "content-type": "application/json" },
    });
    expect(lifted.status).toBe(202);
    await until(
      () => getNow(url),
      ({ silences }) => silences.length === 0,
    );
  });

  it("are refused when they do not fit, naming the field", async () => {
    await log.append([incidentAppend(anIncident())]);
    const url = await open();
    const answer = await post(`${url}/api/silences`, { matchers: {}, minutes: 0, by: "" });
    expect(answer.status).toBe(400);
    const { error } = apiErrorSchema.parse(await answer.json());
    expect(error.message).toContain("minutes: ");
    expect(error.message).toContain("by: ");
    expect((await post(`${url}/api/incidents/nope/acknowledge`, { by: "ada" })).status).toBe(404);
    const notJson = await fetch(`${url}/api/silences`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{",
    });
    expect(notJson.status).toBe(400);
    expect((await post(`${url}/api/silences`, { note: "x".repeat(20_000) })).status).toBe(413);
    expect((await post(`${url}/api/now`, {})).status).toBe(405);
  });
});

describe("other sites", () => {
  it("cannot make changes", async () => {
    await log.append([incidentAppend(anIncident())]);
    const url = await open();
    const target = `${url}/api/incidents/7f3a91c2/acknowledge`;
    const json = { "content-type": "application/json" };
    expect(await statusWith(target, { ...json, origin: "https://evil.example" }, "POST")).toBe(403);
    expect(await statusWith(target, { ...json, origin: "null" }, "POST")).toBe(403);
    expect(await statusWith(target, { ...json, "sec-fetch-site": "cross-site" }, "POST")).toBe(403);
    expect(await statusWith(target, { "content-type": "text/plain" }, "POST")).toBe(415);
    expect(await statusWith(target, { ...json, origin: url }, "POST")).toBe(400);
    expect((await log.offsets(topics.commands, 0)).end).toBe(0);
  });

  it("cannot read by a name of theirs that points at loopback", async () => {
    const url = await open();
    expect(await statusWith(`${url}/api/now`, { host: "evil.example" })).toBe(403);
    expect(await statusWith(`${url}/api/now`, { host: "localhost:1" })).toBe(200);
  });

  it("but the configured public name may", async () => {
    const url = await open({ publicUrl: "https://foreshock.example.org" });
    expect(await statusWith(`${url}/api/now`, { host: "foreshock.example.org" })).toBe(200);
    expect(await statusWith(`${url}/api/now`, { host: "evil.example" })).toBe(403);
  });
});

describe("events", () => {
  it("bring the state at once and again with every change", async () => {
    await appendFrames(3);
    const url = await open();
    const stop = new AbortController();
    const response = await fetch(`${url}/api/events`, { signal: stop.signal });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const seen: string[] = [];
    let text = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
          seen.push(text.slice(0, end));
          text = text.slice(end + 2);
        }
      }
    })().catch(() => undefined);
    const nows = () => seen.filter((event) => event.startsWith("event: now"));
    await until(
      async () => nows().length,
      (count) => count >= 1,
    );
    await log.append([incidentAppend(anIncident())]);
    await until(
      async () => seen,
      (events) => events.includes('event: incident\ndata: {"incident":"7f3a91c2"}'),
    );
    const last = nowSchema.parse(JSON.parse(nows().at(-1)?.split("data: ")[1] ?? ""));
    expect(last.incidents).toHaveLength(1);
    expect(last.cells[0]?.points).toEqual([]);
    stop.abort();
    await reading;
  });
});

describe("the page", () => {
  it("is served with a policy that lets nothing run inline, as modules without types", async () => {
    const url = await open();
    const page = await fetch(`${url}/incidents/7f3a91c2`);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
    expect(await page.text()).toContain('<script type="module" src="/web/app.ts">');
    const module = await fetch(`${url}/web/health.ts`);
    expect(module.headers.get("content-type")).toContain("text/javascript");
    expect(await module.text()).not.toContain("interface");
    expect((await fetch(`${url}/vendor/uplot.js`)).status).toBe(200);
    expect((await fetch(`${url}/web/../routes.ts`)).status).toBe(404);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});
