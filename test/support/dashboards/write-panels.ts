/**
 * `npm run panels`: asks every panel's query of a simulated run, holds the results against the truth, writes `docs/panels.md` and
 * draws `docs/dashboards/*.svg`. Ends with 1 when a panel shows anything but the truth.
 *
 *   --hours N      length of the run (default 24; the last hour and a quarter are an overload)
 *   --requests N   requests a second, mean (default 1)
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboards } from "../../../dashboards/all.ts";
import { type PanelQuery, panelQueries } from "../../../dashboards/panel-queries.ts";
import { scriptFlags } from "../script-flags.ts";
import { askPanel } from "./ask.ts";
import { type Comparison, compare, type Result } from "./compare.ts";
import { drawDashboard } from "./draw/draw-dashboard.ts";
import { expectationOf } from "./expectations.ts";
import { panelsDocument } from "./panels-document.ts";
import { type FilledHistory, fillSmallHistory, scenesOf } from "./scenes.ts";
import type { Expected, Scene } from "./truth.ts";

export interface Checked {
  readonly query: PanelQuery;
  readonly expected: Expected;
  readonly result: Result;
  readonly comparison: Comparison;
  readonly milliseconds: number;
}

const values = scriptFlags(import.meta.filename, {
  hours: { type: "string", default: "24" },
  requests: { type: "string", default: "1" },
});
const span = { hours: Number(values.hours), requestsPerSecond: Number(values.requests) };
const docs = new URL("../../../docs/", import.meta.url).pathname;

async function check(filled: FilledHistory, scene: Scene): Promise<readonly Checked[]> {
  const all: Checked[] = [];
  for (const query of panelQueries) {
    const startedMs = performance.now();
    const result = await askPanel(filled.server, query, scene);
    const milliseconds = performance.now() - startedMs;
    const expected = expectationOf(query)(scene);
    all.push({ query, expected, result, comparison: compare(expected, result), milliseconds });
  }
  return all;
}

async function draw(filled: FilledHistory, whole: Scene): Promise<void> {
  mkdirSync(join(docs, "dashboards"), { recursive: true });
  // The last hours: where there is something to see.
  const hours = Math.min(4, span.hours);
  const range = {
    fromMs: whole.range.toMs - hours * 3_600_000,
    toMs: whole.range.toMs,
    intervalSeconds: 60 * Math.max(1, Math.round(hours / 3)),
  };
  const incidents = filled.world.incidents
    .filter(({ severity, phase }) => severity !== "none" && phase === "resolved")
    .map(({ openedMs, atMs }) => ({ fromMs: openedMs, toMs: atMs }));
  for (const dashboard of dashboards) {
    const queries = panelQueries.filter(
      ({ dashboard: uid, type }) =>
        uid === dashboard.uid && type !== "variable" && type !== "annotation",
    );
    if (queries.length === 0) continue;
    const results = new Map<string, Result>();
    for (const query of queries)
      results.set(query.panel, await askPanel(filled.server, query, { ...whole, range }));
    const picture = drawDashboard({
      dashboard,
      range,
      incidents: dashboard.annotations.length === 0 ? [] : incidents,
      results,
      note: `Drawn from a simulated fleet (scenario S05, ${span.requestsPerSecond} requests a second), its last ${hours} hours; not a screenshot of Grafana. All times UTC.`,
    });
    writeFileSync(join(docs, "dashboards", `${dashboard.uid}.svg`), picture);
  }
}

await using filled = await fillSmallHistory(span);
const [whole] = scenesOf(filled);
if (whole === undefined) throw new Error("no scene");
const scene = { ...whole, range: { ...whole.range, intervalSeconds: span.hours > 6 ? 300 : 60 } };
const checked = await check(filled, scene);
writeFileSync(join(docs, "panels.md"), panelsDocument(checked, { ...span, filled, scene }));
await draw(filled, whole);
const wrong = checked.filter(({ comparison }) => comparison.differences.length > 0);
for (const { query, comparison } of wrong)
  console.error(
    `${query.dashboard}, ${query.panel}:\n  ${comparison.differences.slice(0, 5).join("\n  ")}`,
  );
console.log(
  `${checked.length - wrong.length} of ${checked.length} panels show the truth: docs/panels.md, docs/dashboards/`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
