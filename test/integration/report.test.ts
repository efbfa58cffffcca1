import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportHtml, reportMarkdown } from "../../services/command/report-text.ts";
import { configSchema } from "../../services/contracts/config.ts";
import { outcomeGroup } from "../../services/contracts/outcomes.ts";
import {
  type IncidentReport,
  readIncidentReport,
  sectionNames,
} from "../../services/history/incident-report.ts";
import { type HistoryReader, openReader } from "../../services/history/reader.ts";
import type { World } from "../support/dashboards/world.ts";
import { fillScene } from "../support/history-scene.ts";
import { type HistoryServer, startHistoryServer } from "../support/history-server.ts";

describe("a post-incident report", () => {
  let server: HistoryServer;
  let reader: HistoryReader;
  let world: World;
  let report: IncidentReport;
  beforeAll(async () => {
    server = await startHistoryServer();
    world = await fillScene(server);
    const { history } = configSchema.parse({ history: { httpPort: server.server.port } });
    reader = await openReader({ history, dataDir: server.directory, password: "" });
    const incident = world.incidents.find(({ transition }) => transition === "paged")?.incident;
    report = await readIncidentReport(reader, {
      incident: (incident ?? "none").slice(0, 6),
      errorBudget: 0.005,
    });
  }, 300_000);
  afterAll(async () => {
    await reader?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it("tells the transitions and deliveries as they were", () => {
    const own = world.incidents.filter(({ incident }) => incident === report.incident);
    expect(report.sections.timeline.rows.map((row) => row[1])).toEqual(
      own.map(({ transition }) => transition),
    );
    expect(report.sections.deliveries.rows).toHaveLength(
      world.deliveries.filter(({ incident }) => incident === report.incident).length,
    );
    expect(report.sinceMs).toBe(Math.min(...own.map(({ sinceMs }) => sinceMs)));
  });

  it("names as first mover what was first unusual in the verdicts", () => {
    const [first] = report.sections["first-movers"].rows;
    const unusual = world.verdicts.filter(
      ({ key, windowStartMs, signals }) =>
        report.parameters["cells"]?.includes(key) === true &&
        windowStartMs >= report.sinceMs - 300_000 &&
        signals.some(({ state }) => state === "anomalous"),
    );
    const firstMs = Math.min(...unusual.map(({ windowStartMs }) => windowStartMs));
    expect(Date.parse(`${String(first?.[0]).replace(" ", "T")}Z`)).toBe(firstMs);
  });

  it("counts requests as the fleet made them", () => {
    const rows = report.sections.requests.rows;
    expect(rows.length).toBeGreaterThan(0);
    for (const [provider, model, region, operation, requests, failed, limited] of rows) {
      // Windows go by the end of a span.
      const calls = world.calls.filter(
        (call) =>
          call.provider === provider &&
          call.model === model &&
          call.region === region &&
          call.operation === operation &&
          call.endMs >= report.sinceMs &&
          call.endMs < report.endMs,
      );
      const group = (name: string) => calls.filter(({ outcome }) => outcomeGroup[outcome] === name);
      expect([requests, failed, limited]).toEqual([
        calls.length,
        group("failure").length,
        group("limit").length,
      ]);
    }
  });

  it("says when a burn-rate alert would have paged, from the same windows", () => {
    const { columns, rows } = report.sections["burn-rate"];
    expect(columns).toEqual([
      "fast_page_at",
      "slow_page_at",
      "highest_5_min_burn",
      "highest_1_h_burn",
    ]);
    expect(Number(rows[0]?.[2])).toBeGreaterThan(14.4);
  });

  it("stands in Markdown and HTML with the statement under every section, and no tenant's name", () => {
    const markdown = reportMarkdown(report);
    const html = reportHtml(report);
    expect(markdown.match(/```sql/g)).toHaveLength(sectionNames.length);
    expect(html.match(/<details><summary>SQL/g)).toHaveLength(sectionNames.length);
    expect(html).toContain("<svg");
    for (const { tenant } of world.calls.slice(0, 500)) {
      if (String(tenant).length < 6) continue;
      expect(markdown.includes(String(tenant))).toBe(false);
    }
  });

  it("says so when there is no such incident", async () => {
    await expect(
      readIncidentReport(reader, { incident: "zzzz", errorBudget: 0.005 }),
    ).rejects.toMatchObject({ code: "usage" });
  });
});
