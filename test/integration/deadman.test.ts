import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frameRecord } from "../../services/contracts/frame.ts";
import { noMetrics } from "../../services/contracts/metrics.ts";
import { headers, topics } from "../../services/contracts/topics.ts";
import type { Log } from "../../services/log/log.ts";
import {
  type Alertmanager,
  needsAlertmanager,
  startAlertmanager,
} from "../support/alertmanager.ts";
import { anEdgeContext, openTestLog } from "../support/edge-context.ts";
import { anIncident } from "../support/incidents.ts";
import { type NotifyHarness, openNotify } from "../support/notify-harness.ts";
import { openReceiver, type Receiver, status } from "../support/receiver.ts";
import { aFrame } from "../support/records.ts";

const windowMs = 5_000;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Both detect tasks, or those named, have judged the window that ended at `untilMs`; incident has decided on it. */
async function judge(log: Log, untilMs: number, tasks = ["detect/0", "detect/1"]): Promise<void> {
  await log.append(
    tasks.map((task, sequence) => ({
      topic: topics.frames,
      partition: 0,
      value: frameRecord.encode(aFrame({ task, windowStartMs: untilMs - windowMs, windowMs })),
      headers: { [headers.task]: task, [headers.sequence]: String(sequence) },
    })),
  );
}

async function decide(log: Log): Promise<void> {
  const { end: offset } = await log.offsets(topics.frames, 0);
  await log.commit("incident", [{ topic: topics.frames, partition: 0, offset, metadata: "" }]);
}

describe("signs of life", () => {
  let receiver: Receiver;
  let log: Log;
  let notify: NotifyHarness;
  const said: string[] = [];
  /** How each beat that was due ended. */
  const beats: string[] = [];
  /** Far from the real time: only what is given counts. */
  let nowMs = 1_800_000_000_000;

  async function open(): Promise<void> {
    receiver = await openReceiver();
    log = await openTestLog();
    said.length = 0;
    beats.length = 0;
    const context = anEdgeContext(
      log,
      {
        notify: {
          heartbeat: { url: receiver.url, intervalSeconds: 60, staleAfterSeconds: 180 },
          sinks: [{ kind: "webhook", name: "deaf", url: "http://127.0.0.1:1/" }],
        },
        checkpoint: { intervalMs: 60_000 },
      },
      {
        report: (level, message) => void said.push(`${level}: ${message}`),
        metrics: {
          ...noMetrics,
          add: (name, _, labels) => {
            if (name === "foreshock_heartbeats_total") beats.push(labels?.["outcome"] ?? "");
          },
        },
      },
    );
    notify = await openNotify(context);
  }

  /** Acts after so long: how the beat ended, or that none was due. */
  async function beatAfter(ms: number): Promise<string> {
    const before = beats.length;
    nowMs += ms;
    await notify.act(nowMs);
    for (let tries = 0; tries < 20 && beats.length === before; tries++) await wait(10);
    return beats[before] ?? "not due";
  }

  async function close(): Promise<void> {
    await notify[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  }

  it("are given once an interval while windows are judged and decided on", async () => {
    await open();
    expect(await beatAfter(0)).toBe("held_back");
    expect(said).toEqual([
      "warn: notify: no sign of life is given: not every detect task has judged a window yet",
    ]);
    await judge(log, nowMs);
    await decide(log);
    expect(await beatAfter(59_000)).toBe("not due");
    expect(await beatAfter(1_000)).toBe("delivered");
    expect(await beatAfter(59_000)).toBe("not due");
    expect(await beatAfter(1_000)).toBe("delivered");
    expect(receiver.received).toHaveLength(2);
    await close();
  });

  it("stop when one detect task of two stands still, and come back with it", async () => {
    await open();
    await judge(log, nowMs);
    await decide(log);
    const ends: string[] = [];
    for (let minute = 0; minute < 4; minute++) {
      await judge(log, nowMs, ["detect/0"]);
      await decide(log);
      ends.push(await beatAfter(60_000));
    }
    expect(ends).toEqual(["delivered", "delivered", "delivered", "held_back"]);
    expect(said.at(-1)).toBe(
      "warn: notify: no sign of life is given: no window has been judged that ended within 180 s",
    );
    await judge(log, nowMs);
    await decide(log);
    expect(await beatAfter(60_000)).toBe("delivered");
    expect(said.at(-1)).toBe("info: notify: signs of life are given");
    await close();
  });

  it("stop when windows are judged and nobody decides on them", async () => {
    await open();
    await judge(log, nowMs);
    await decide(log);
    const ends: string[] = [];
    for (let minute = 0; minute < 6; minute++) {
      await judge(log, nowMs);
      ends.push(await beatAfter(60_000));
    }
    expect(ends.slice(0, 4)).toEqual(["delivered", "delivered", "delivered", "delivered"]);
    expect(ends.slice(4)).toEqual(["held_back", "held_back"]);
    expect(said).toEqual([
      "warn: notify: no sign of life is given: no window has been decided on that ended within 240 s",
    ]);
    await close();
  });

  it("stop when a sink has not taken a page for too long: the way out is broken", async () => {
    await open();
    await notify.take({ incident: anIncident(), appendMs: nowMs });
    const ends: string[] = [];
    for (let minute = 0; minute < 4; minute++) {
      await judge(log, nowMs);
      await decide(log);
      ends.push(await beatAfter(60_000));
    }
    expect(ends).toEqual(["delivered", "delivered", "delivered", "held_back"]);
    expect(said).toContain(
      "warn: notify: no sign of life is given: a sink has not taken what it was owed 180 s ago",
    );
    await close();
  });

  it("go on after one that the receiver did not take", async () => {
    await open();
    await judge(log, nowMs);
    await decide(log);
    receiver.answer = status(503);
    expect(await beatAfter(60_000)).toBe("failed");
    expect(said).toEqual([
      "warn: notify: notify.heartbeat.url did not take a sign of life: HTTP 503: said",
    ]);
    receiver.answer = status(200);
    expect(await beatAfter(60_000)).toBe("delivered");
    await close();
  });
});

const missing = needsAlertmanager();

describe.skipIf(missing !== undefined)(
  `a dead Foreshock, seen by Alertmanager${missing ? ` (skipped: ${missing})` : ""}`,
  () => {
    let alertmanager: Alertmanager;
    let deadMan: Receiver;
    beforeAll(async () => {
      deadMan = await openReceiver();
      // What is sent without an end is resolved after a second here, so waiting shows what holds.
      alertmanager = await startAlertmanager(`
global: { resolve_timeout: 1s }
route:
  receiver: nobody
  routes:
    - { matchers: ['alertname="Watchdog"', 'service="foreshock"'], receiver: dead-man,
        group_wait: 0s, group_interval: 1s, repeat_interval: 1s }
receivers:
  - { name: nobody }
  - { name: dead-man, webhook_configs: [{ url: "${deadMan.url}", send_resolved: true }] }
`);
    });
    afterAll(async () => {
      await alertmanager?.[Symbol.asyncDispose]();
      await deadMan?.[Symbol.asyncDispose]();
    });

    const statesHeard = () =>
      deadMan.received.map(({ body }) => (body as { readonly status: string }).status);

    it("is missed by the receiver of the watchdog, and its outage stays firing", async () => {
      await using log = await openTestLog();
      const notify = await openNotify(
        anEdgeContext(log, {
          notify: {
            sinks: [{ kind: "alertmanager", url: alertmanager.url }],
            heartbeat: { watchdog: true, intervalSeconds: 1, staleAfterSeconds: 10 },
          },
        }),
      );
      const sinceMs = Date.now() - 60_000;
      await notify.take({ incident: anIncident({ sinceMs, atMs: sinceMs }), appendMs: Date.now() });
      // Alive: it is told again and again, and never that it ended.
      for (let told = 0; told < 3; told = statesHeard().length) {
        await judge(log, Date.now());
        await decide(log);
        await notify.act(Date.now());
        await wait(200);
      }
      expect(new Set(statesHeard())).toEqual(new Set(["firing"]));
      expect(await alertmanager.alerts("alertname=Watchdog")).toMatchObject([
        { labels: { service: "foreshock", severity: "none" }, status: { state: "active" } },
      ]);

      await notify[Symbol.asyncDispose]();
      while (statesHeard().at(-1) !== "resolved") await wait(200);
      expect(await alertmanager.alerts("alertname=Watchdog")).toEqual([]);
      const [outage, ...more] = await alertmanager.alerts("alertname=ForeshockIncident");
      expect(more).toEqual([]);
      expect(outage).toMatchObject({ labels: { severity: "page" }, status: { state: "active" } });
      expect(Date.parse(outage?.endsAt ?? "") - Date.now()).toBeGreaterThan(11 * 3_600_000);
    });
  },
);
