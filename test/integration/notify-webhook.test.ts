import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { notificationSchema } from "../../services/contracts/notification.ts";
import type { Log } from "../../services/log/log.ts";
import { anEdgeContext, openTestLog } from "../support/edge-context.ts";
import { anIncident } from "../support/incidents.ts";
import { type NotifyHarness, openNotify, recordedDeliveries } from "../support/notify-harness.ts";
import { openReceiver, type Receiver, status } from "../support/receiver.ts";

const nowMs = 1_800_000_000_000;

/** The clock stands still, so that what is due when is exact; waits for answers are real. */
const stillClock = { nowMs: () => nowMs, sleep: () => Promise.resolve() };

let log: Log;
let receiver: Receiver;
let open: AsyncDisposable[];

beforeEach(async () => {
  log = await openTestLog();
  receiver = await openReceiver();
  open = [log, receiver];
});
afterEach(async () => {
  for (const resource of open.reverse()) await resource[Symbol.asyncDispose]();
});

const hook = (name = "hook", url = receiver.url, rest: object = {}) => ({
  kind: "webhook",
  name,
  url,
  ...rest,
});

async function notify(notifyConfig: object, saved?: readonly Uint8Array[]): Promise<NotifyHarness> {
  const context = anEdgeContext(log, { notify: notifyConfig }, { clock: stillClock });
  const harness = await openNotify(context, saved);
  open.push(harness);
  return harness;
}

/** Acts at one time until so many deliveries are on record; each act also waits a little for answers under way. */
async function actUntil(harness: NotifyHarness, count: number, atMs = nowMs): Promise<void> {
  for (let acts = 0; acts < 400; acts++) {
    await harness.act(atMs);
    if ((await recordedDeliveries(log)).length >= count) return;
  }
  throw new Error(`not ${count} deliveries after 400 acts`);
}

/** Acts until the receiver was asked so often and the try is over. */
async function actUntilAsked(harness: NotifyHarness, count: number, atMs: number): Promise<void> {
  for (let acts = 0; acts < 400 && receiver.received.length < count; acts++)
    await harness.act(atMs);
  expect(receiver.received.length).toBe(count);
  await harness.act(nowMs);
  await harness.act(nowMs);
}

describe("webhook", () => {
  it("receives an incident as its schema says, with the key as header, recorded once", async () => {
    const harness = await notify({ sinks: [hook()] });
    await harness.take({ incident: anIncident(), appendMs: nowMs - 40 });
    await actUntil(harness, 1);
    await harness.act(nowMs + 1_000);

    expect(receiver.received).toHaveLength(1);
    const [request] = receiver.received;
    expect(request?.headers["idempotency-key"]).toBe("7f3a91c2/paged/hook");
    const body = notificationSchema.parse(request?.body);
    expect(body).toMatchObject({
      version: 1,
      key: "7f3a91c2/paged/hook",
      transition: "paged",
      severity: "page",
      why: "severity_rose",
      url: "http://127.0.0.1:8080/incidents/7f3a91c2",
      incident: { incident: "7f3a91c2" },
    });
    expect(body.text).toContain(anIncident().title);
    expect(await recordedDeliveries(log)).toEqual([
      {
        key: "7f3a91c2/paged/hook",
        incident: "7f3a91c2",
        transition: "paged",
        sink: "hook",
        severity: "page",
        atMs: nowMs,
        outcome: "delivered",
        attempts: 1,
        delayMs: 40,
        detail: "HTTP 200",
      },
    ]);
  });

  it("sends configured headers", async () => {
    const harness = await notify({
      sinks: [hook("hook", receiver.url, { headers: { "x-team": "sre" } })],
    });
    await harness.take({ incident: anIncident(), appendMs: nowMs });
    await actUntil(harness, 1);
    expect(receiver.received[0]?.headers["x-team"]).toBe("sre");
  });

  it("tries again after 500, 429 and a reset, waiting longer each time, and counts the tries", async () => {
    const harness = await notify({ sinks: [hook()] });
    await harness.take({ incident: anIncident(), appendMs: nowMs });
    receiver.answer = status(500);
    await actUntilAsked(harness, 1, nowMs);
    await harness.act(nowMs + 999);
    expect(receiver.received).toHaveLength(1);

    receiver.answer = status(429, { "retry-after": "60" });
    await actUntilAsked(harness, 2, nowMs + 1_250);
    await harness.act(nowMs + 59_999);
    expect(receiver.received).toHaveLength(2);

    receiver.answer = (response) => response.socket?.resetAndDestroy();
    await actUntilAsked(harness, 3, nowMs + 60_000);

    receiver.answer = status(204);
    await actUntil(harness, 1, nowMs + 10_000);
    expect(await recordedDeliveries(log)).toMatchObject([
      { outcome: "delivered", attempts: 4, detail: "HTTP 204" },
    ]);
    expect(receiver.received.map(({ headers }) => headers["idempotency-key"])).toEqual(
      Array(4).fill("7f3a91c2/paged/hook"),
    );
  });

  it("gives up on what is refused for good, and says what the receiver said", async () => {
    receiver.answer = status(404);
    const harness = await notify({ sinks: [hook()] });
    await harness.take({ incident: anIncident(), appendMs: nowMs });
    await actUntil(harness, 1);
    expect(await recordedDeliveries(log)).toMatchObject([
      { outcome: "failed", attempts: 1, detail: "HTTP 404: said" },
    ]);
  });

  it("records a failure when the tries are used up", async () => {
    receiver.answer = status(503);
    const harness = await notify({ sinks: [hook()], maxAttempts: 2 });
    await harness.take({ incident: anIncident(), appendMs: nowMs });
    await actUntilAsked(harness, 1, nowMs);
    await actUntil(harness, 1, nowMs + 5_000);
    expect(await recordedDeliveries(log)).toMatchObject([{ outcome: "failed", attempts: 2 }]);
  });

  it("gives up waiting for a receiver that never answers", async () => {
    receiver.answer = () => {};
    const harness = await notify({ sinks: [hook()], maxAttempts: 1, attemptTimeoutMs: 100 });
    await harness.take({ incident: anIncident(), appendMs: nowMs });
    await actUntil(harness, 1);
    expect(await recordedDeliveries(log)).toMatchObject([
      { outcome: "failed", detail: "no answer in time" },
    ]);
  });

  it("is not held up by another that is away or slow", async () => {
    const slow = await openReceiver();
    open.push(slow);
    slow.answer = () => {};
    const away = await openReceiver();
    await away[Symbol.asyncDispose]();
    const harness = await notify({
      sinks: [hook("slow", slow.url), hook("away", away.url), hook()],
    });
    await harness.take({ incident: anIncident(), appendMs: nowMs });
    await actUntil(harness, 1);
    expect(await recordedDeliveries(log)).toMatchObject([{ sink: "hook", outcome: "delivered" }]);
  });

  it("gets the things said of one incident in order, though the first has to be tried again", async () => {
    const harness = await notify({ sinks: [hook()] });
    await harness.take({
      incident: anIncident({ severity: "ticket", transition: "ticketed" }),
      appendMs: nowMs,
    });
    receiver.answer = status(500);
    await actUntilAsked(harness, 1, nowMs);
    await harness.take({ incident: anIncident({ revision: 2 }), appendMs: nowMs });
    receiver.answer = status(200);
    await harness.act(nowMs + 500);
    expect(receiver.received).toHaveLength(1);
    await actUntil(harness, 2, nowMs + 5_000);
    expect((await recordedDeliveries(log)).map(({ key }) => key)).toEqual([
      "7f3a91c2/ticketed/hook",
      "7f3a91c2/paged/hook",
    ]);
  });
});

describe("a crash", () => {
  it("between the answer and the record sends again under the same key and records once", async () => {
    const first = await notify({ sinks: [hook()] });
    await first.take({ incident: anIncident(), appendMs: nowMs });
    const saved = first.snapshot();
    while (receiver.received.length === 0) await first.actAndDie(nowMs);

    const second = await notify({ sinks: [hook()] }, saved);
    await actUntil(second, 1);
    expect(receiver.received.map(({ headers }) => headers["idempotency-key"])).toEqual([
      "7f3a91c2/paged/hook",
      "7f3a91c2/paged/hook",
    ]);
    expect(await recordedDeliveries(log)).toHaveLength(1);
  });

  it("between the record and the checkpoint neither sends nor records again", async () => {
    const first = await notify({ sinks: [hook()] });
    await first.take({ incident: anIncident(), appendMs: nowMs });
    const saved = first.snapshot();
    await actUntil(first, 1);

    const second = await notify({ sinks: [hook()] }, saved);
    await second.act(nowMs);
    await second.act(nowMs);
    expect(receiver.received).toHaveLength(1);
    expect(await recordedDeliveries(log)).toHaveLength(1);
  });

  it("before any checkpoint takes the records again without sending twice", async () => {
    const first = await notify({ sinks: [hook()] });
    await first.take({ incident: anIncident(), appendMs: nowMs });
    await actUntil(first, 1);

    const second = await notify({ sinks: [hook()] });
    await second.take({ incident: anIncident(), appendMs: nowMs });
    await second.act(nowMs);
    await second.act(nowMs);
    expect(receiver.received).toHaveLength(1);
  });
});

describe("people", () => {
  it("who acknowledge are not paged again, and that is on record", async () => {
    const harness = await notify({ sinks: [hook()], renotifyMinutes: 10 });
    await harness.take({ incident: anIncident(), appendMs: nowMs });
    await actUntil(harness, 1);
    await actUntil(harness, 2, nowMs + 10 * 60_000);
    await harness.take({
      command: {
        kind: "acknowledge",
        incident: "7f3a91c2",
        by: "ada",
        atMs: nowMs,
        note: "looking",
      },
      appendMs: nowMs + 5,
    });
    await harness.act(nowMs + 20 * 60_000);
    await harness.act(nowMs + 20 * 60_000);
    expect(await recordedDeliveries(log)).toMatchObject([
      { key: "7f3a91c2/paged/hook" },
      { key: "7f3a91c2/renotified/hook", transition: "renotified" },
      {
        key: "7f3a91c2/acknowledged/console",
        outcome: "acknowledged",
        detail: "by ada: looking",
        delayMs: 5,
      },
    ]);
  });

  it("who silence a place hear nothing of it, until the silence is lifted", async () => {
    const harness = await notify({ sinks: [hook()] });
    await harness.take({
      command: {
        kind: "silence",
        id: "s1",
        matchers: { "cloud.region": "eu-west-1" },
        by: "ada",
        atMs: nowMs,
        untilMs: nowMs + 3_600_000,
        note: "",
      },
      appendMs: nowMs,
    });
    await harness.take({ incident: anIncident(), appendMs: nowMs });
    await harness.act(nowMs);
    expect(receiver.received).toEqual([]);
    await harness.take({
      command: { kind: "unsilence", id: "s1", by: "ada", atMs: nowMs },
      appendMs: nowMs,
    });
    await actUntil(harness, 2);
    expect((await recordedDeliveries(log)).map(({ key, outcome }) => [key, outcome])).toEqual([
      ["7f3a91c2/silenced/paged/hook", "silenced"],
      ["7f3a91c2/paged/hook", "delivered"],
    ]);
  });
});

describe("the stage", () => {
  it("refuses a record that does not read, naming what is wrong", async () => {
    const harness = await notify({ sinks: [] });
    await expect(harness.take({ appendMs: nowMs })).rejects.toThrow(
      "record_invalid: command: not JSON",
    );
  });

  it("refuses two sinks of one name", async () => {
    await expect(notify({ sinks: [hook(), hook()] })).rejects.toThrow(
      "notify.sinks.1.name must be unique, got hook a second time",
    );
  });

  it("writes the alert to the terminal without control characters from telemetry", async () => {
    const harness = await notify({ sinks: [{ kind: "terminal" }] });
    await harness.take({
      incident: anIncident({ title: "evil\u001b[2Jmodel: first tokens slower" }),
      appendMs: nowMs,
    });
    await actUntil(harness, 1);
    expect(harness.written.join("")).toContain("evil[2Jmodel: first tokens slower");
    expect(harness.written.join("")).not.toContain("\u001b");
  });
});
