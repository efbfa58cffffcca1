/** The same rules judged by Prometheus itself, through promtool's engine: slow, and what the fast evaluation is held against. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RequestSeries, scrapeMs, seriesWidth, ttftBounds } from "./request-series.ts";
import type { RivalName, RivalPage } from "./rules.ts";

const evaluationMs = 30_000;

/** When Prometheus begins to fire each alert of `rules.yml`. Throws with promtool's words when it can't judge. */
export function judgeWithPrometheus(
  series: RequestSeries,
  rivals: readonly RivalName[],
): readonly RivalPage[] {
  const folder = mkdtempSync(join(tmpdir(), "foreshock-rivals-"));
  try {
    const file = join(folder, "test.json");
    writeFileSync(file, JSON.stringify(ruleTest(series, rivals)));
    const ran = spawnSync("promtool", ["test", "rules", file], {
      encoding: "utf8",
      maxBuffer: 1 << 30,
    });
    if (ran.error !== undefined) throw ran.error;
    const output = ran.stdout + ran.stderr;
    // Nothing is expected to fire, so whatever fires is told as a failure; an empty run is a success.
    if (ran.status !== 0 && !output.includes("alertname:")) throw new Error(output.slice(0, 2000));
    return beginnings(output, series);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A rule test (JSON is YAML) that expects silence at every evaluation. */
function ruleTest(series: RequestSeries, rivals: readonly RivalName[]): unknown {
  const steps = Math.floor((series.scrapes * scrapeMs) / evaluationMs);
  return {
    rule_files: [join(import.meta.dirname, "rules.yml")],
    evaluation_interval: "30s",
    // Without an order promtool takes the groups in any, and bands may see the values of 30 s before.
    group_eval_order: ["slo", "first-tokens", "bands"],
    tests: [
      {
        interval: "15s",
        input_series: series.cells.flatMap((cell, index) => {
          const labels = `what="${cell.what}",region="${cell.region}"`;
          const counter = (columns: readonly number[]) => counterText(series, index, columns);
          const made = [
            { series: `requests_total{${labels}}`, values: counter([0]) },
            { series: `request_errors_total{${labels}}`, values: counter([1]) },
          ];
          if (!cell.isModel) return made;
          const all = [...ttftBounds.keys(), ttftBounds.length].map((bucket) => 2 + bucket);
          return [
            ...made,
            ...all.map((column, bucket) => ({
              series: `ttft_seconds_bucket{${labels},le="${ttftBounds[bucket] ?? "+Inf"}"}`,
              values: counter(all.slice(0, all.indexOf(column) + 1)),
            })),
          ];
        }),
        alert_rule_test: Array.from({ length: steps + 1 }, (_, step) => step).flatMap((step) =>
          rivals.map((alertname) => ({
            eval_time: `${step * 30}s`,
            alertname,
            exp_alerts: [],
          })),
        ),
      },
    ],
  };
}

/** Running sum of some columns of a cell, from 0 at the first scrape. */
function counterText(series: RequestSeries, cell: number, columns: readonly number[]): string {
  const texts = ["0"];
  let sum = 0;
  for (let scrape = 0; scrape < series.scrapes; scrape++) {
    const at = (scrape * series.cells.length + cell) * seriesWidth;
    for (const column of columns) sum += series.values[at + column] as number;
    texts.push(String(sum));
  }
  return texts.join(" ");
}

/** Reads promtool's list of what fired when, and keeps the first time of each unbroken stretch. */
function beginnings(output: string, series: RequestSeries): RivalPage[] {
  const firing = new Map<string, number[]>();
  let alert = "";
  let atMs = 0;
  for (const line of output.split("\n")) {
    const head = /alertname: ?(\S+), time: ?([\dhms.]+)/.exec(line);
    if (head !== null) {
      alert = head[1]?.replace(/,$/, "") ?? "";
      atMs = durationMs(head[2] ?? "");
      continue;
    }
    const labels = /Labels: ?\{(.*?)\}/.exec(line)?.[1];
    if (labels === undefined) continue;
    const name = `${alert}|${labels}`;
    firing.set(name, [...(firing.get(name) ?? []), atMs]);
  }
  const pages: RivalPage[] = [];
  for (const [name, times] of firing) {
    const [rival = "", labels = ""] = name.split("|");
    const sorted = times.sort((a, b) => a - b);
    sorted.forEach((time, index) => {
      if (index > 0 && time - (sorted[index - 1] as number) <= evaluationMs) return;
      pages.push({
        rival: rival as RivalName,
        atMs: series.startMs + time,
        place: placeOf(labels, series),
      });
    });
  }
  return pages.sort((a, b) => a.atMs - b.atMs || (a.rival < b.rival ? -1 : 1));
}

function placeOf(labels: string, series: RequestSeries): Readonly<Record<string, string>> {
  const read = (name: string) => new RegExp(`(?:^|[ ,])${name}="([^"]*)"`).exec(labels)?.[1];
  const what = read("what");
  const region = read("region");
  if (what === undefined) return {};
  const isModel = series.cells.some((cell) => cell.what === what && cell.isModel);
  return {
    [isModel ? "gen_ai.request.model" : "http.route"]: what,
    ...(region === undefined ? {} : { "cloud.region": region }),
  };
}

function durationMs(text: string): number {
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/([\d.]+)([hms])/g))
    ms += Number(count) * ({ h: 3_600_000, m: 60_000, s: 1000 }[unit ?? "s"] ?? 0);
  return ms;
}
