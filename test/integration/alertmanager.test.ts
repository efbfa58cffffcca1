import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Alertmanager,
  needsAlertmanager,
  startAlertmanager,
} from "../support/alertmanager.ts";
import { anEdgeContext, openTestLog } from "../support/edge-context.ts";
import { anIncident } from "../support/incidents.ts";
import { openNotify, recordedDeliveries } from "../support/notify-harness.ts";

/** Alertmanager compares with the real time, so the incident began a minute ago. */
const sinceMs = Date.now() - 60_000;
const missing = needsAlertmanager();

describe.skipIf(missing !== undefined)(
  `Alertmanager${missing ? ` (skipped: ${missing})` : ""}`,
  () => {
    let alertmanager: Alertmanager;
    beforeAll(async () => {
      alertmanager = await startAlertmanager();
    });
    afterAll(() => alertmanager?.[Symbol.asyncDispose]());

    const query = (incident: string) => alertmanager.alerts(`incident=${incident}`);

    async function open(incident: string) {
      const log = await openTestLog();
      const context = anEdgeContext(log, {
        notify: { sinks: [{ kind: "alertmanager", url: alertmanager.url }], resendSeconds: 60 },
      });
      const harness = await openNotify(context);
      let revision = 0;
      return {
        log,
        harness,
        say: (overrides: Parameters<typeof anIncident>[0]) =>
          harness.take({
            incident: anIncident({
              incident,
              revision: ++revision,
              sinceMs,
              atMs: sinceMs + 30_000,
              ...overrides,
            }),
            appendMs: Date.now(),
          }),
        async actUntil(count: number) {
          for (let acts = 0; acts < 200; acts++) {
            await harness.act(Date.now());
            if ((await recordedDeliveries(log)).length >= count) return;
          }
          throw new Error(`not ${count} deliveries after 200 acts`);
        },
        async [Symbol.asyncDispose]() {
          await harness[Symbol.asyncDispose]();
          await log[Symbol.asyncDispose]();
        },
      };
    }

    it("takes a page, which amtool reads back with place, text and link", async () => {
      await using notify = await open("a1");
      await notify.say({});
      await notify.actUntil(1);
      const [alert, ...more] = await query("a1");
      expect(more).toEqual([]);
      expect(alert).toMatchObject({
        labels: {
          alertname: "ForeshockIncident",
          incident: "a1",
          severity: "page",
          gen_ai_request_model: "claude-sonnet",
          cloud_region: "eu-west-1",
        },
        annotations: { summary: anIncident().title, delivery_key: "a1/paged/alertmanager" },
        generatorURL: "http://127.0.0.1:8080/incidents/a1",
        status: { state: "active" },
      });
      expect(Date.parse(alert?.startsAt ?? "")).toBe(sinceMs);
    });

    it("shows one alert when a ticket becomes a page, and none when that is resolved", async () => {
      await using notify = await open("a2");
      await notify.say({ severity: "ticket", transition: "ticketed" });
      await notify.actUntil(1);
      expect((await query("a2")).map(({ labels }) => labels["severity"])).toEqual(["ticket"]);
      await notify.say({});
      await notify.actUntil(2);
      expect((await query("a2")).map(({ labels }) => labels["severity"])).toEqual(["page"]);
      await notify.say({
        transition: "resolved",
        phase: "resolved",
        resolvedMs: Date.now() - 1,
      });
      await notify.actUntil(3);
      expect(await query("a2")).toEqual([]);
      expect((await recordedDeliveries(notify.log)).map(({ key }) => key)).toEqual([
        "a2/ticketed/alertmanager",
        "a2/paged/alertmanager",
        "a2/resolved/alertmanager",
      ]);
    });

    it("is sent an open incident again in time, with news in it, unrecorded", async () => {
      await using notify = await open("a3");
      await notify.say({});
      await notify.actUntil(1);
      await notify.say({
        transition: "grew",
        title: "claude-sonnet everywhere: first tokens slower",
      });
      await notify.harness.act(Date.now() + 59_000);
      expect((await query("a3"))[0]?.annotations["summary"]).toBe(anIncident().title);
      for (let acts = 0; acts < 100; acts++) {
        await notify.harness.act(Date.now() + 60_000);
        if ((await query("a3"))[0]?.annotations["summary"] !== anIncident().title) break;
      }
      const alerts = await query("a3");
      expect(alerts.map(({ annotations }) => annotations["summary"])).toEqual([
        "claude-sonnet everywhere: first tokens slower",
      ]);
      expect(await recordedDeliveries(notify.log)).toHaveLength(1);
    });

    it("silences by the labels that Foreshock sends", async () => {
      await using notify = await open("a4");
      await notify.say({});
      await notify.actUntil(1);
      await alertmanager.amtool(
        "silence",
        "add",
        "--comment=planned",
        "--author=test",
        "incident=a4",
        "cloud_region=eu-west-1",
      );
      for (let tries = 0; tries < 100; tries++) {
        if ((await query("a4"))[0]?.status.state === "suppressed") break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect((await query("a4"))[0]?.status).toMatchObject({
        state: "suppressed",
        silencedBy: [expect.any(String)],
      });
    });
  },
);
