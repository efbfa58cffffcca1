/** `docs/panels.md`: panel, truth, result. */
import { dashboards } from "../../../dashboards/all.ts";
import { asValue, limits, nearnessWords } from "./compare.ts";
import type { FilledHistory } from "./scenes.ts";
import type { Expected, Scene, Value } from "./truth.ts";
import type { Checked } from "./write-panels.ts";

export interface Run {
  readonly hours: number;
  readonly requestsPerSecond: number;
  readonly filled: FilledHistory;
  readonly scene: Scene;
}

export function panelsDocument(checked: readonly Checked[], run: Run): string {
  const { filled, hours, requestsPerSecond, scene } = run;
  const { world } = filled;
  const right = checked.filter(({ comparison }) => comparison.differences.length === 0).length;
  const values = checked.reduce((sum, { comparison }) => sum + comparison.values, 0);
  const count = (number: number) => number.toLocaleString("en-GB");
  return `# What panels show, beside the truth

Made by \`npm run panels -- --hours ${hours} --requests ${requestsPerSecond}\`: a fleet of four models in two regions is simulated for ${hours} hours, ending in an overload (scenario S05,
seed 3: ${count(world.calls.filter(({ kind }) => kind === "genai").length)} model calls, ${count(world.calls.filter(({ kind }) => kind === "http").length)} HTTP requests, ${new Set(world.incidents.map(({ incident }) => incident)).size} incidents). Its spans go through aggregation, detection, incidents and the archive's
rows into the embedded engine, and all but the last 17 minutes are added up, so that windows, minutes and hours are all read. Every query of every panel, variable and annotation is then asked over its HTTP interface as an outsider's, with
the data source's macros expanded (All chosen, steps of ${scene.range.intervalSeconds} s), and each value of the result is held against what is worked out from
the fleet's events, and from the records of detection and incidents where a panel shows those.

**${right} of ${checked.length} queries show the truth, in all of their ${count(values)} values.** \`test/integration/dashboards-truth.test.ts\` does the same with two hours, steps
from 15 s to an hour and four choices of variables, and once more through clickhouse-go, the client of Grafana's data source. Truth and result below are a row near
the end; "off by" is the largest distance of all rows, and what is allowed stands behind it.

| nearness | allowed |
| --- | --- |
${Object.entries(nearnessWords)
  .map(([nearness, words]) => `| ${nearness} | ${words} |`)
  .join("\n")}

${dashboards
  .map(({ uid, title }) => ({ title, own: checked.filter(({ query }) => query.dashboard === uid) }))
  .filter(({ own }) => own.length > 0)
  .map(
    ({ title, own }) => `## ${title}

| panel | type | rows | truth | result | off by |
| --- | --- | ---: | --- | --- | --- |
${own.map(line).join("\n")}`,
  )
  .join("\n\n")}
`;
}

function line({ query, expected, result, comparison }: Checked): string {
  const names = Object.keys(expected.columns);
  const nearEnd = Math.floor(expected.rows.length * 0.97);
  const wanted = expected.rows[nearEnd];
  const found = rowLike(expected, wanted, result);
  const kind = query.type === "variable" ? "variable" : query.type;
  return `| ${query.panel} | ${kind} | ${comparison.rows} | ${wanted === undefined ? "nothing" : cells(names, wanted)} | ${found === undefined ? "nothing" : cells(names, found)} | ${offBy(comparison)} |`;
}

/** The row of the result that stands for one of the truth: by its key, or by its place. */
function rowLike(
  expected: Expected,
  wanted: Expected["rows"][number] | undefined,
  { columns, rows }: Checked["result"],
): Readonly<Record<string, Value>> | undefined {
  if (wanted === undefined) return undefined;
  const read = (row: readonly unknown[]) =>
    Object.fromEntries(
      Object.entries(expected.columns).map(([name, nearness]) => [
        name,
        asValue(row[columns.findIndex((column) => column.name === name)], nearness),
      ]),
    );
  const { key } = expected;
  if (key === undefined) return read(rows[expected.rows.indexOf(wanted)] ?? []);
  return rows.map(read).find((row) => key.every((name) => row[name] === wanted[name]));
}

const mostColumns = 4;

function cells(names: readonly string[], row: Readonly<Record<string, Value>>): string {
  const shown = names.slice(0, mostColumns).map((name) => written(name, row[name] ?? null));
  return `${shown.join(", ")}${names.length > mostColumns ? ", …" : ""}`.replaceAll("|", "\\|");
}

function written(name: string, value: Value): string {
  if (value === null) return "–";
  if (["time", "timeEnd", "at", "began", "since"].includes(name) && typeof value === "number")
    return new Date(value).toISOString().slice(5, 16).replace("T", " ");
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  const text = String(value).replaceAll(/<[^>]*>/g, "");
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function offBy({ differences, worst }: Checked["comparison"]): string {
  if (differences.length > 0) return `**wrong**: ${differences[0]}`;
  if (worst === undefined) return "0";
  const { nearness, distance } = worst;
  return `${distance.toPrecision(2)} of ${limits[nearness].toPrecision(2)} (${nearness})`;
}
