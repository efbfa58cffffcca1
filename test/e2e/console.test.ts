import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { consoleStage } from "../../services/console/console.ts";
import { commandRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { Log } from "../../services/log/log.ts";
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
import { needs } from "../support/needs.ts";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const missing = needs(executablePath);

describe.skipIf(missing !== undefined)(
  `the page in Chromium${missing ? ` (skipped: ${missing})` : ""}`,
  () => {
    let browser: Browser;
    let log: Log;
    let server: RunningServer;
    let page: Page;
    let url: string;
    let complaints: string[];

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    });
    afterAll(() => browser?.close());

    beforeEach(async () => {
      log = await openTestLog();
      server = await consoleStage.open(anEdgeContext(log, { console: { port: 0 } }));
      url = server.addresses["page"] ?? "";
      page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      complaints = [];
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning")
          complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
    });
    afterEach(async () => {
      await page.close();
      await server[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    });

    const newestStart = () => Math.floor((Date.now() - 15_000) / sceneWindowMs) * sceneWindowMs;
    const appendFrames = (slowness: number, count = 30) => {
      const newest = newestStart();
      return log.append(
        Array.from({ length: count }, (_, index) =>
          frameAppend(
            sceneFrame({ windowStartMs: newest - (count - 1 - index) * sceneWindowMs, slowness }),
          ),
        ),
      );
    };
    const anOpenIncident = () => {
      const sinceMs = newestStart() - 60_000;
      return anIncident({
        cells: [sickCell],
        sinceMs,
        atMs: sinceMs + 30_000,
        evidence: anIncident().evidence.map((one) => ({ ...one, cell: sickCell, sinceMs })),
      });
    };
    const text = async (selector: string) => (await page.locator(selector).textContent()) ?? "";
    const waitForText = (part: string) => page.getByText(part, { exact: false }).first().waitFor();

    it("says how to make data appear when there is none", async () => {
      await page.goto(url);
      await waitForText("No telemetry has arrived yet");
      expect(await text(".empty-state")).toContain(
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
      );
      expect(complaints).toEqual([]);
    });

    it("shows an incident as it comes, opens it and acknowledges it by keyboard", async () => {
      await appendFrames(1);
      await page.goto(url);
      await waitForText("22 of 24 cells normal");
      expect(await page.locator(".cell").count()).toBe(24);
      expect(await page.locator(".incident").count()).toBe(0);

      const incident = anOpenIncident();
      await appendFrames(2.4, 1);
      await log.append([
        incidentAppend(incident),
        deliveryAppend(aDelivery({ atMs: incident.atMs + 500 })),
      ]);
      await waitForText(incident.title);
      await waitForText("1 page open, 1 of 24 cells degraded");
      expect(await page.locator(".cell.page").getAttribute("aria-label")).toContain(
        "claude-sonnet chat eu-west-1: page; first tokens",
      );

      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.waitForURL(`${url}/incidents/7f3a91c2`);
      await waitForText("Why now");
      expect(await text(".alert-text")).toContain("PAGE  claude-sonnet in eu-west-1");
      await page.locator(".chart.signal canvas").waitFor();
      expect(await text(".timeline")).toContain("Told terminal (paged)");

      await page.keyboard.press("a");
      await waitForText("Acknowledged by page");
      const [record] = await log.read({
        topic: topics.commands,
        partition: 0,
        fromOffset: 0,
        waitMs: 0,
      });
      expect(commandRecord.decode(record?.value ?? new Uint8Array())).toMatchObject({
        kind: "acknowledge",
        incident: "7f3a91c2",
        by: "page",
      });

      await log.append([
        incidentAppend({
          ...incident,
          revision: 2,
          transition: "resolved",
          phase: "resolved",
          resolvedMs: Date.now(),
        }),
      ]);
      await waitForText("RESOLVED");
      await page.keyboard.press("Escape");
      await page.waitForURL(`${url}/`);
      await waitForText("Resolved in the last day");
      expect(complaints).toEqual([]);
    });

    it("finds cells, and silences an incident from its dialog", async () => {
      await appendFrames(2.4);
      await log.append([incidentAppend(anOpenIncident())]);
      await page.goto(`${url}/incidents/7f3a91c2`);
      await waitForText("Why now");
      await page.keyboard.press("s");
      await page.locator("dialog select[name=what]").selectOption({ index: 1 });
      await page.locator("dialog input[name=by]").fill("ada");
      await page.getByRole("button", { name: "Silence" }).last().click();
      await page.getByRole("button", { name: "Silenced" }).waitFor();
      await page.keyboard.press("Escape");
      await waitForText(
        "Silence by ada on gen_ai.request.model=claude-sonnet, cloud.region=eu-west-1",
      );
      await page.keyboard.press("/");
      await page.keyboard.type("haiku us-east");
      await page.locator(".cell").nth(1).waitFor();
      await expect.poll(() => page.locator(".cell").count()).toBe(2);
      expect(complaints).toEqual([]);
    });

    it("shows names from telemetry as text, whatever they are", async () => {
      const evil = '<img src=x onerror="document.title=1">';
      const frame = sceneFrame({ windowStartMs: newestStart(), slowness: 1 });
      await log.append([
        frameAppend({
          ...frame,
          cells: frame.cells.map((cell) => ({
            ...cell,
            cell: cell.cell.replace("claude-sonnet", evil) as typeof cell.cell,
          })),
        }),
        incidentAppend(
          anIncident({
            title: evil,
            attribution: [{ ...anIncident().attribution[0], value: evil } as never],
            examples: [{ traceId: evil, spanId: evil, why: evil }],
          }),
        ),
      ]);
      await page.goto(url);
      await waitForText(evil);
      await page.goto(`${url}/incidents/7f3a91c2`);
      await waitForText("Why now");
      expect(await page.locator("img").count()).toBe(0);
      expect(complaints).toEqual([]);
    });

    it("says that it is old when the server goes away", async () => {
      await appendFrames(1);
      await page.goto(url);
      await waitForText("22 of 24 cells normal");
      await server[Symbol.asyncDispose]();
      await waitForText("No connection for");
      expect(await page.locator(".now.unsure").count()).toBe(1);
    });
  },
);
