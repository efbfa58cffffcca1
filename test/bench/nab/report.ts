/** A page to look at: every series with its labelled windows, its alerts, and what is said of it in numbers. */
import type { LabelledSeries, Scored } from "./scoring.ts";

const width = 300;
const height = 64;
const columns = 150;

/** Published results on the same corpus, standard / low FP / low FN; source: the benchmark's scoreboard. */
const published = [
  ["ARTime", 74.9, 65.1, 80.4],
  ["Numenta HTM", 70.1, 63.1, 74.3],
  ["CAD OSE", 69.9, 67.0, 73.2],
  ["Relative Entropy", 54.6, 47.6, 58.8],
  ["Windowed Gaussian", 39.6, 20.9, 47.4],
] as const;

export function reportOf(
  all: readonly (Scored & { readonly alerts: Uint8Array })[],
  figures: Readonly<Record<string, number>>,
): string {
  const figure = (name: string) => figures[name]?.toFixed(1) ?? "–";
  const ours = (suffix: string) =>
    `<td>${figure(`standard${suffix}`)}</td><td>${figure(`low_fp${suffix}`)}</td><td>${figure(`low_fn${suffix}`)}</td>`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Foreshock on the Numenta benchmark</title>
<style>
body{font:14px/1.5 system-ui,sans-serif;margin:32px auto;max-width:1000px;padding:0 16px;color:#1c2430;background:#fff}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:16px 0}td,th{padding:4px 12px;text-align:right;border-bottom:1px solid #d8dee6}td:first-child,th:first-child{text-align:left}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:16px}figure{margin:0}figcaption{font-size:12px;color:#56606e}
.ours{font-weight:600}
</style>
<h1>Series scored by the default detection</h1>
<p>Grey: the values. Shaded: windows that the benchmark labels as anomalous. Marks: rows that alert. One configuration for all.</p>
<table><tr><th></th><th>standard</th><th>low FP</th><th>low FN</th></tr>
<tr class="ours"><td>Foreshock, threshold swept as the benchmark does</td>${ours("")}</tr>
<tr class="ours"><td>Foreshock, leave one category out</td>${ours("_loco")}</tr>
<tr class="ours"><td>Foreshock, fixed threshold 0.5</td>${ours("_fixed")}</tr>
${published.map(([name, ...scores]) => `<tr><td>${name} (published, swept)</td>${scores.map((score) => `<td>${score.toFixed(1)}</td>`).join("")}</tr>`).join("\n")}
</table>
<div class="grid">
${all.map(({ series, alerts }) => figureOf(series, alerts)).join("\n")}
</div></html>
`;
}

function figureOf(series: LabelledSeries, alerts: Uint8Array): string {
  const { values, windowOf } = series;
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const y = (value: number) =>
    Math.round(height - 2 - ((value - low) / (high - low || 1)) * (height - 8));
  const x = (row: number) => Math.round((row / values.length) * width);
  const perColumn = Math.ceil(values.length / columns);
  // A column shows its lowest and highest value, so that no spike is lost.
  const line = Array.from({ length: columns }, (_, column) => {
    const some = values.slice(column * perColumn, (column + 1) * perColumn);
    if (some.length === 0) return "";
    const at = x(column * perColumn);
    return `${at},${y(Math.min(...some))} ${at},${y(Math.max(...some))}`;
  }).join(" ");
  const shades: string[] = [];
  for (let window = 0; window < series.windows; window++) {
    const first = windowOf.indexOf(window);
    const last = windowOf.lastIndexOf(window);
    shades.push(
      `<rect x="${x(first)}" width="${Math.max(2, x(last) - x(first))}" height="${height}" fill="#f2c14e" opacity=".4"/>`,
    );
  }
  const marks: string[] = [];
  for (const [row, isAlert] of alerts.entries())
    if (isAlert === 1) {
      const fill = (windowOf[row] as number) >= 0 ? "#0b7a4b" : "#b3261e";
      marks.push(`<circle cx="${x(row)}" cy="${y(values[row] as number)}" r="3" fill="${fill}"/>`);
    }
  return `<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${series.name}">${shades.join("")}<polyline points="${line}" fill="none" stroke="#8a94a3"/>${marks.join("")}</svg><figcaption>${series.name.replace("/", " / ")}</figcaption></figure>`;
}
