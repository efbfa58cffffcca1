import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dashboards } from "../../dashboards/all.ts";
import { alertRules } from "../../dashboards/prometheus/rules.ts";
import { rulesFile } from "../../dashboards/prometheus/rules-file.ts";
import { metricDefinitions } from "../../services/contracts/metrics.ts";
import { needs } from "../support/needs.ts";

const run = promisify(execFile);
const root = new URL("../../", import.meta.url).pathname;
const tests = join(root, "dashboards/prometheus/rules.test.yml");
const missing = needs("promtool");
if (missing !== undefined) console.warn(`SKIPPED: rules were not run, ${missing}`);

describe.skipIf(missing !== undefined)(
  `Prometheus' rules${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "foreshock-rules-"));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    /** The rule tests on other rules than the committed ones. */
    async function testOn(rules: string) {
      await writeFile(join(folder, "rules.yml"), rules);
      await writeFile(join(folder, "rules.test.yml"), readFileSync(tests, "utf8"));
      return run("promtool", ["test", "rules", "rules.test.yml"], { cwd: folder });
    }

    it("are valid", async () => {
      const { stdout } = await run(
        "promtool",
        ["check", "rules", "dashboards/prometheus/rules.yml"],
        {
          cwd: root,
        },
      );
      expect(stdout).toContain(`${alertRules.length} rules found`);
    });

    it("and so is every expression of a panel", async () => {
      const expressions = dashboards.flatMap(({ rows }) =>
        rows.flatMap(({ panels }) =>
          panels.flatMap((panel) =>
            panel.type !== "text" && panel.source.from === "prometheus"
              ? panel.source.queries.map(({ expression }) => expression)
              : [],
          ),
        ),
      );
      const rules = expressions.map((expression, i) => ({
        record: `panel:expression:${i}`,
        expr: expression.replaceAll("$__rate_interval", "1m"),
      }));
      await writeFile(
        join(folder, "panels.yml"),
        JSON.stringify({ groups: [{ name: "panels", rules }] }),
      );
      const { stdout } = await run("promtool", ["check", "rules", "panels.yml"], { cwd: folder });
      expect(stdout).toContain(`${expressions.length} rules found`);
    });

    it("fire and stay silent as their tests say", async () => {
      const { stdout } = await testOn(rulesFile);
      expect(stdout).toContain("SUCCESS");
    });

    it("are each missed by their tests when they never fire", async () => {
      const never = alertRules.reduce(
        (text, { expression }) => text.replace(JSON.stringify(expression), '"vector(0) > 1"'),
        rulesFile,
      );
      const failed = await testOn(never).catch((error: { readonly stderr: string }) => error);
      for (const { alert } of alertRules) expect(failed.stderr).toContain(alert);
    });
  },
);

describe("alert rules", () => {
  it.each(alertRules)("$alert has a runbook that names it", ({ alert, runbook }) => {
    const file = join(root, "docs/runbooks", `${runbook}.md`);
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, "utf8")).toContain(alert);
  });

  it.each(alertRules)(
    "$alert names the metrics that it says, with labels that they have",
    (rule) => {
      const named = [
        ...rule.expression.matchAll(/foreshock_[a-z_]+?(?=_bucket|_count|[^a-z_]|$)/g),
      ];
      expect([...new Set(named.map(([name]) => name))]).toEqual([...rule.metrics]);
      for (const [, name, labels] of rule.expression.matchAll(/(foreshock_[a-z_]+)\{([^}]*)\}/g))
        for (const [, label] of (labels ?? "").matchAll(/(\w+)(?==|!=|=~|!~)/g))
          expect(metricDefinitions[name as keyof typeof metricDefinitions].labels).toContain(label);
    },
  );
});
