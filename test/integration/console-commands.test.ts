import { describe, expect, it } from "vitest";
import { acceptedSchema, apiErrorSchema, nowSchema } from "../../services/contracts/http-api.ts";
import { commandRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import {
  appendFrames,
  getDetail,
  getNow,
  log,
  nowMs,
  open,
  post,
  statusWith,
  until,
} from "../support/console-open.ts";
import { incidentAppend } from "../support/console-scene.ts";
import { anIncident } from "../support/incidents.ts";

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
