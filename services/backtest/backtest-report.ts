import type { IncidentEpisode } from "./episodes.ts";
import type { GateResult } from "./gates.ts";
import { htmlPage, htmlTable } from "./html-page.ts";
import type { Labels } from "./labels.ts";
import type { Score } from "./score.ts";
import { type Bar, escapeHtml, timelineSvg } from "./timeline-svg.ts";

export interface BacktestReport {
  readonly fromMs: number;
  readonly toMs: number;
  readonly windows: number;
  readonly configuration: string;
  readonly episodes: readonly IncidentEpisode[];
  readonly live: readonly IncidentEpisode[];
  readonly labels: Labels | undefined;
  readonly score: Score;
  readonly gates: readonly GateResult[];
}

/** One HTML file: what it would have been, beside what it was. */
export function backtestHtml(report: BacktestReport): string {
  const { fromMs, toMs, episodes, live, labels, score, gates } = report;
  const bars = (each: readonly IncidentEpisode[]) => each.map((episode) => barOf(episode, toMs));
  const lanes = [
    ...(labels === undefined
      ? []
      : [
          {
            title: "what happened",
            bars: labels.incidents.map(
              ({ name, fromMs: from, toMs: to }): Bar => ({
                fromMs: from,
                toMs: to,
                title: name,
                kind: "label",
              }),
            ),
          },
        ]),
    { title: "alerted live", bars: bars(live) },
    { title: "backtest", bars: bars(episodes) },
  ];
  const failed = gates.filter(({ passed }) => !passed);
  const sections = [
    `<h1>Backtest ${escapeHtml(iso(fromMs))} to ${escapeHtml(iso(toMs))} UTC</h1>`,
    `<p>${report.windows} windows, configuration ${escapeHtml(report.configuration)}. ${gates.length === 0 ? "No gates." : failed.length === 0 ? `All ${gates.length} gates hold.` : `<span class="failed">${failed.length} of ${gates.length} gates fail.</span>`}</p>`,
    timelineSvg(lanes, fromMs, toMs),
    ...(gates.length === 0
      ? []
      : [
          "<h2>Gates</h2>",
          htmlTable(
            ["gate", "value", "holds"],
            gates.map(({ gate, value, passed }) => [gate.text, value, passed ? "yes" : "no"]),
          ),
        ]),
    "<h2>Figures</h2>",
    htmlTable(["figure", "value"], Object.entries(score.metrics)),
    ...(labels === undefined
      ? []
      : [
          "<h2>What happened, and when a page came</h2>",
          htmlTable(
            ["label", "from", "to", "lead, min"],
            score.labels.map(({ label, leadMinutes }) => [
              label.name,
              iso(label.fromMs),
              iso(label.toMs),
              leadMinutes ?? "missed",
            ]),
          ),
        ]),
    "<h2>Incidents of the backtest</h2>",
    episodesTable(episodes),
    "<h2>Incidents as they were live</h2>",
    episodesTable(live),
  ];
  return htmlPage("Backtest", sections.join("\n"));
}

const episodesTable = (episodes: readonly IncidentEpisode[]) =>
  htmlTable(
    ["opened", "paged", "resolved", "severity", "title"],
    episodes.map(({ openedMs, pagedMs, resolvedMs, severity, title }) => [
      iso(openedMs),
      pagedMs === undefined ? undefined : iso(pagedMs),
      resolvedMs === undefined ? "open" : iso(resolvedMs),
      severity,
      title,
    ]),
  );

const barOf = (episode: IncidentEpisode, endMs: number): Bar => ({
  fromMs: episode.openedMs,
  toMs: episode.resolvedMs ?? endMs,
  title: `${episode.severity} ${iso(episode.openedMs)} ${episode.title}`,
  kind: episode.severity,
});

const iso = (ms: number) => new Date(ms).toISOString().replace("T", " ").slice(0, 19);
