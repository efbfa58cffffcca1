import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { dashboards } from "../../dashboards/all.ts";
import { buildDashboard } from "../../dashboards/build-dashboard.ts";
import { generatedFiles } from "../../dashboards/generated-files.ts";
import { uids } from "../../dashboards/links.ts";
import { priceOf } from "../../dashboards/prices.ts";
import { dataSources } from "../../dashboards/queries.ts";
import { metricDefinitions } from "../../services/contracts/metrics.ts";
import { expandQuery } from "../support/dashboards/expand.ts";
import { schemaMistakes } from "../support/dashboards/schema-check.ts";

const folder = new URL("../../dashboards/", import.meta.url).pathname;
const json = new Map([...generatedFiles()].filter(([path]) => path.endsWith(".json")));

describe("generated files", () => {
  it("are what their sources say", () => {
    for (const [path, text] of generatedFiles())
      expect(readFileSync(join(folder, path), "utf8"), path).toBe(text);
    expect(
      readdirSync(join(folder, "generated"))
        .map((name) => `generated/${name}`)
        .sort(),
    ).toEqual([...json.keys()].sort());
  });

  it("fit Grafana's schema", () => {
    expect(schemaMistakes(json)).toBe("");
  });

  it.each([
    ["a field that Grafana does not know", { surprise: 1 }],
    ["a wrong type", { tags: "foreshock" }],
  ])("would not with %s", (_, change) => {
    const [first] = json.values();
    const changed = JSON.stringify({ ...JSON.parse(first ?? ""), ...change });
    expect(schemaMistakes(new Map([["changed.json", changed]]))).not.toBe("");
  });
});

const panelsOf = (uid: string) =>
  dashboards
    .filter((dashboard) => dashboard.uid === uid)
    .flatMap(({ rows }) => rows.flatMap(({ panels }) => panels));

describe.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))(
  "%s",
  (_, dashboard) => {
    it("has at most twelve panels before a row folds, and in each row", () => {
      expect(dashboard.rows[0]?.title).toBeUndefined();
      for (const { panels } of dashboard.rows) expect(panels.length).toBeLessThanOrEqual(12);
    });

    it("says of every panel what a bad picture looks like", () => {
      for (const panel of panelsOf(dashboard.uid))
        expect(panel.description, panel.title).toMatch(/\bBad\b/);
    });

    it("begins with a row of answers, or with its states, and fits its width", () => {
      const built = buildDashboard(dashboard);
      for (const panel of built.panels ?? []) {
        const { x = 0, w = 0 } = panel.gridPos ?? {};
        expect(x + w).toBeLessThanOrEqual(24);
      }
      const ids = (built.panels ?? []).flatMap((panel) => [
        panel.id,
        ...("panels" in panel ? panel.panels.map(({ id }) => id) : []),
      ]);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it("links only to dashboards that there are, and names only variables that it has", () => {
      const names = new Set(dashboard.variables.map(({ name }) => name));
      const text = JSON.stringify(buildDashboard(dashboard));
      for (const [, uid] of text.matchAll(/\/d\/([\w-]+)/g))
        expect(Object.values(uids)).toContain(uid);
      for (const [, name] of text.matchAll(/\$\{(\w+)(?::\w+)?\}/g))
        if (!(name ?? "").startsWith("__")) expect(names).toContain(name);
    });

    it("never connects over gaps", () => {
      const text = JSON.stringify(buildDashboard(dashboard));
      expect(text).not.toMatch(/"spanNulls":(true|[1-9])/);
    });
  },
);

describe("Prometheus panels", () => {
  const sources = dashboards.flatMap(({ rows }) =>
    rows.flatMap(({ panels }) =>
      panels.flatMap((panel) =>
        panel.type !== "text" && panel.source.from === "prometheus"
          ? [{ title: panel.title, source: panel.source }]
          : [],
      ),
    ),
  );

  it.each(sources)(
    "$title names the metrics that it says, with labels that they have",
    ({ source }) => {
      const text = source.queries.map(({ expression }) => expression).join("\n");
      const named = [...text.matchAll(/foreshock_[a-z_]+?(?=_bucket|_count|[^a-z_]|$)/g)];
      expect([...new Set(named.map(([name]) => name))].sort()).toEqual([...source.metrics].sort());
      const labels = new Set<string>(
        source.metrics.flatMap((name) => metricDefinitions[name].labels),
      );
      for (const { expression, legend } of source.queries) {
        const grouped = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, by]) =>
          (by ?? "").split(", "),
        );
        for (const label of grouped)
          expect(["le", "instance", ...labels], `${expression}: ${label}`).toContain(label);
        for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) expect(grouped).toContain(label);
      }
    },
  );
});

describe("provisioning", () => {
  it("gives the data sources that dashboards ask, under their uids, from the environment", () => {
    const text = readFileSync(join(folder, "provisioning/datasources/foreshock.yaml"), "utf8");
    const { apiVersion, datasources } = parse(text) as {
      apiVersion: number;
      datasources: readonly {
        type: string;
        uid: string;
        url?: string;
        jsonData: { host?: string };
      }[];
    };
    expect(apiVersion).toBe(1);
    expect(datasources.map(({ type, uid }) => ({ type, uid }))).toEqual(Object.values(dataSources));
    for (const { url, jsonData } of datasources)
      expect(url ?? jsonData.host).toMatch(/^\$\{\w+\}$/);
  });

  it("loads the generated dashboards into one folder", () => {
    const text = readFileSync(join(folder, "provisioning/dashboards/foreshock.yaml"), "utf8");
    expect(parse(text)).toMatchObject({
      apiVersion: 1,
      providers: [
        { type: "file", folder: "Foreshock", options: { path: "/var/lib/grafana/dashboards" } },
      ],
    });
  });
});

describe("prices", () => {
  it("are those of a model and of its dated forms, and of no other whose name begins so", () => {
    expect(priceOf("gpt-4o-mini-2024-07-18")?.model).toBe("gpt-4o-mini");
    expect(priceOf("gpt-4o-2024-08-06")?.model).toBe("gpt-4o");
    expect(priceOf("gpt-4o-latest")?.model).toBe("gpt-4o");
    expect(priceOf("claude-haiku-4-5@20251001")?.model).toBe("claude-haiku-4-5");
    expect(priceOf("claude-opus-5-5")?.model).toBe("claude-opus-5-5");
    expect(priceOf("gpt-4o-audio-preview")).toBeUndefined();
    expect(priceOf("gpt-5.4-nano")).toBeUndefined();
    expect(priceOf("gpt-504")).toBeUndefined();
    expect(priceOf("some-model")).toBeUndefined();
  });
});

describe("expanding a query", () => {
  const range = { fromMs: 10_500, toMs: 20_000, intervalSeconds: 15 };

  it("drops a condition when All is chosen, and quotes what is chosen", () => {
    const sql = "$__conditionalAll(model IN (${model:singlequote}), $model)";
    expect(expandQuery(sql, range)).toBe("1=1");
    expect(expandQuery(sql, range, { model: ["a", "it's"] })).toBe("model IN ('a','it\\'s')");
  });

  it("refuses a variable at All that the query does not expect, and a macro that it does not know", () => {
    expect(() => expandQuery("model IN (${model:singlequote})", range)).toThrow("model");
    expect(() => expandQuery("$__lttb(1, 2, 3)", range)).toThrow("$__lttb");
  });

  it("cuts times to seconds as the data source does", () => {
    expect(expandQuery("$__timeInterval(t) > $__fromTime, $__interval_s", range)).toBe(
      "toStartOfInterval(toDateTime(t), INTERVAL 15 second) > toDateTime(10), 15",
    );
  });
});
