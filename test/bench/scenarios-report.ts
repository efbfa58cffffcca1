/** A page to look at: what the figures say, leads as dots, and a timeline for each scenario. One file, nothing loaded. */
import { rivalNames } from "./rivals/rules.ts";
import type { ScenarioFigures } from "./scenarios-figures.ts";
import type { Outcome } from "./scenarios-job.ts";
import { leadsSvg, timelineSvg } from "./scenarios-pictures.ts";
import { median } from "./support/report.ts";

const kinds: readonly Outcome["kind"][] = ["fault", "confounder", "clean"];

export function reportHtml(
  outcomes: readonly Outcome[],
  { figures }: ScenarioFigures,
  conditions: Readonly<Record<string, string | number | boolean>>,
): string {
  // What must page first, then what must not.
  const ordered = outcomes.toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
  const names = [...new Set(ordered.map(({ scenario }) => scenario))];
  const sections = names.map((name) => {
    const runs = outcomes.filter(({ scenario }) => scenario === name);
    return scenarioSection(runs, representative(runs));
  });
  const seeds = new Set(outcomes.map(({ seed }) => seed)).size;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Foreshock: scenarios</title><style>${style}</style></head><body><main>
<h1>How early, how right, how quiet</h1>
<p class="lead">${outcomes.length} simulated runs (${seeds} seed${seeds === 1 ? "" : "s"} each, ${Math.round(outcomes.reduce((sum, { hours }) => sum + hours, 0))} hours of traffic),
judged by Foreshock as it runs live and, on the same requests, by the rules that people use today. ${escapeHtml(String(conditions["date"]))}, Node ${escapeHtml(String(conditions["node"]))}.</p>
<ul class="tiles">${tiles(figures)}</ul>
<h2>Before the outage</h2>
<p>Each dot is a run: when the page came, in minutes before (right) or after (left) the outage began. A run without a page has no dot.</p>
${leadsSvg(outcomes)}
<h2>Scenario by scenario</h2>
<p class="key"><i class="failing"></i> requests failing <i class="slow"></i> time to first token, × usual <i class="onset"></i> the fault begins <i class="outage"></i> outage <i class="page"></i> Foreshock pages <i class="ticket"></i> ticket <i class="rival"></i> a rival pages</p>
${sections.join("\n")}
</main></body></html>
`;
}

/** The run whose page (or outage) lies in the middle. */
function representative(runs: readonly Outcome[]): Outcome {
  const size = ({ foreshock, outageMin, hours }: Outcome) =>
    foreshock.leadMin ?? foreshock.delayMin ?? outageMin ?? hours;
  const middle = median(runs.map(size));
  return runs.toSorted(
    (a, b) => Math.abs(size(a) - middle) - Math.abs(size(b) - middle),
  )[0] as Outcome;
}

function scenarioSection(runs: readonly Outcome[], shown: Outcome): string {
  const page = shown.told.find(({ transition }) => transition === "paged");
  const said =
    page === undefined
      ? "No page."
      : `<b>${escapeHtml(page.title)}</b><br><small>${escapeHtml(page.reason)}</small>`;
  return `<section><h3><span>${escapeHtml(shown.scenario)}</span> ${escapeHtml(shown.title)}</h3>
<p class="sum">${escapeHtml(summary(runs))}</p>${timelineSvg(shown, rivalNames)}<p class="said">${said}</p></section>`;
}

function summary(runs: readonly Outcome[]): string {
  const falsePages = runs.reduce((sum, { foreshock }) => sum + foreshock.falsePages, 0);
  const wrong =
    falsePages === 0 ? "no false page" : `${falsePages} false page${falsePages > 1 ? "s" : ""}`;
  const count = runs.length === 1 ? "One run" : `${runs.length} runs`;
  if (runs[0]?.kind !== "fault") return `Must not page. ${count}: ${wrong}.`;
  const paged = runs.filter(({ foreshock }) => foreshock.pageMin !== null);
  const leads = paged.flatMap(({ foreshock }) => foreshock.leadMin ?? []);
  const delays = paged.flatMap(({ foreshock }) => foreshock.delayMin ?? []);
  const time =
    leads.length > 0
      ? outageWords(median(leads))
      : delays.length > 0
        ? `${median(delays).toFixed(1)} min after the onset (median)`
        : "";
  return `${count}, paged in ${paged.length}${time === "" ? "" : `, ${time}`}; ${wrong}.`;
}

function outageWords(lead: number): string {
  return `${Math.abs(lead).toFixed(1)} min ${lead >= 0 ? "before" : "after"} the outage began (median)`;
}

function tiles(figures: Readonly<Record<string, number>>): string {
  // Nearly all is not all.
  const percent = (value: number) =>
    `${value < 1 && value > 0.99 ? (Math.floor(1_000 * value) / 10).toFixed(1) : Math.round(100 * value)} %`;
  const shown: readonly [string, string, (value: number) => string][] = [
    ["detected_ratio", "of faults paged", percent],
    ["right_dimension_ratio", "named exactly the right place", percent],
    ["lead_median_min_outage", "min before the outage, median", (value) => value.toFixed(1)],
    ["lead_median_min_burn_999", "min ahead of burn rate 99.9 %", (value) => value.toFixed(1)],
    ["lead_median_min_best_rival", "min ahead of the best rival", (value) => value.toFixed(1)],
    [
      "false_pages_per_fleet_week",
      `false pages a fleet-week; at most ${(figures["false_pages_upper95"] ?? Number.NaN).toFixed(1)} with 95 % confidence`,
      (value) => value.toFixed(1),
    ],
  ];
  return shown
    .flatMap(([name, words, format]) => {
      const value = figures[name];
      return value === undefined ? [] : `<li><b>${format(value)}</b>${words}</li>`;
    })
    .join("");
}

function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c,
  );
}

const style = `
:root{color-scheme:light dark;--ink:#1d2430;--dim:#677084;--line:#d9dde5;--paper:#fff;--fail:#d64545;--slow:#e0952b;--page:#0c8f6f;--outage:#1d2430;--rival:#7d6bd6}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebf1;--dim:#98a1b3;--line:#363d4a;--paper:#14181f;--fail:#f07070;--slow:#f0b050;--page:#3fd0a8;--outage:#e8ebf1;--rival:#a99af2}}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1000px;margin:0 auto;padding:32px 20px 80px}
h1{font-size:30px;margin:0 0 4px}h2{margin:44px 0 6px;font-size:20px}h3{margin:0;font-size:16px}h3 span{color:var(--dim);font-weight:500;margin-right:6px}
.lead,.sum,.said,.key{color:var(--dim);margin:4px 0 10px}.said b{color:var(--ink);font-weight:600}
.tiles{list-style:none;display:flex;flex-wrap:wrap;gap:10px;padding:0;margin:20px 0}.tiles li{flex:1 1 120px;border:1px solid var(--line);border-radius:8px;padding:10px 14px;color:var(--dim);font-size:13px}.tiles b{display:block;font-size:26px;color:var(--ink);font-weight:650}
section{border-top:1px solid var(--line);padding:18px 0 6px}svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:var(--dim)}svg .name{fill:var(--ink)}
.grid{stroke:var(--line)}.f{fill:var(--fail);fill-opacity:.35;stroke:var(--fail);stroke-width:1}.s{fill:none;stroke:var(--slow);stroke-width:1.4}.o{stroke:var(--outage);stroke-width:1.6}.n{stroke:var(--dim);stroke-dasharray:3 3}.p{stroke:var(--page);stroke-width:2.4}.pf{fill:var(--page)}.t{fill:none;stroke:var(--page)}.r{fill:var(--rival)}.d{fill:var(--page);fill-opacity:.75}.dr{fill:var(--rival);fill-opacity:.45}
.key i{display:inline-block;width:12px;height:12px;margin:0 4px 0 14px;vertical-align:-1px;border-radius:2px}.key .failing{background:var(--fail)}.key .slow{background:var(--slow)}.key .onset{background:var(--dim);width:2px}.key .outage{background:var(--outage);width:3px}.key .page{background:var(--page);width:4px}.key .ticket{border:1.5px solid var(--page);border-radius:50%;width:8px;height:8px}.key .rival{background:var(--rival);border-radius:50%;width:8px;height:8px}`;
