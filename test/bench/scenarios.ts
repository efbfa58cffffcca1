/**
 * Early, right and quiet: every scenario and confounder in simulated time, through the deciding stages as live, against the rules that
 * people use today on the same requests.
 *   npm run bench:scenarios -- [--scenarios DIR] [--only S04,C02] [--seeds N] [--first-seed N] [--clean-days N] [--quick]
 *     [--waves 1|drawn] [--quiet-hours H] [--hours H] [--full] [--spans] [--workers N] [--films DIR [--stale-films]]
 *     [--json FILE] [--report FILE.html] [--verbose] [--ablate]
 * `--ablate` runs everything again with each detector silenced, and says what gets worse. `--films` keeps what does not depend on a decision (see scenarios-film.ts); `--spans` takes every run over spans and aggregation.
 */
import { fork } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { scenarioNames } from "../../services/chatbot/chatbot.ts";
import { scriptFlags } from "../support/script-flags.ts";
import { ablationTable, detectorIds } from "./scenarios-ablate.ts";
import { figuresOf } from "./scenarios-figures.ts";
import { type Job, type Outcome, runAblated, runJob } from "./scenarios-job.ts";
import { reportHtml } from "./scenarios-report.ts";
import { benchOptions, conditions, publish } from "./support/report.ts";

if (process.send !== undefined && process.argv[2] === "--worker") {
  const silenced = process.argv.slice(3);
  process.on("message", (job: Job) =>
    process.send?.(silenced.length === 0 ? [["", runJob(job)]] : runAblated(job, silenced)),
  );
} else await main();

/** Enough for CI: one of each kind. */
const quickOnly = ["S01", "S05", "S14", "C01", "C07"];

async function main(): Promise<void> {
  const values = scriptFlags(import.meta.filename, {
    ...benchOptions,
    scenarios: { type: "string" },
    only: { type: "string" },
    seeds: { type: "string" },
    "first-seed": { type: "string", default: "1" },
    "clean-days": { type: "string" },
    "quiet-hours": { type: "string", default: "1" },
    hours: { type: "string", default: "12" },
    waves: { type: "string", default: "drawn" },
    workers: { type: "string", default: "2" },
    films: { type: "string" },
    report: { type: "string" },
    full: { type: "boolean", default: false },
    spans: { type: "boolean", default: false },
    "stale-films": { type: "boolean", default: false },
    ablate: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  });
  const only =
    values.only?.split(",") ??
    (values.quick && values.scenarios === undefined ? quickOnly : undefined);
  const seeds = Number(values.seeds ?? (values.quick ? 1 : 3));
  const cleanDays = Number(values["clean-days"] ?? (values.quick ? 0.1 : 1));
  const firstSeed = Number(values["first-seed"]);
  const names = scenarioFiles(values.scenarios).filter(
    (file) => only === undefined || only.includes(basename(file).replace(/\.ya?ml$/, "")),
  );
  const isCleanWanted =
    cleanDays > 0 && (only === undefined || only.includes("clean") || values.quick);
  if (isCleanWanted && !names.includes("clean")) names.push("clean");
  const jobs: Job[] = Array.from({ length: seeds }, (_, index) => firstSeed + index).flatMap(
    (seed) =>
      names.map((scenario) => ({
        scenario,
        seed,
        quietHours: Number(values["quiet-hours"]),
        hours: scenario === "clean" ? 24 * cleanDays : Number(values.hours),
        waves: values.waves === "1" || values.quick ? 1 : ("drawn" as const),
        isWhole: values.spans,
        isFull: values.full,
        films: values.films,
        isStaleAllowed: values["stale-films"],
      })),
  );
  const silenced = values.ablate ? detectorIds() : [];
  const ran = await runAll(jobs, { workers: Number(values.workers), silenced }, (outcome) =>
    show(outcome, values.verbose),
  );
  const outcomes = ran.get("") ?? [];
  outcomes.sort((a, b) =>
    a.scenario < b.scenario ? -1 : a.scenario > b.scenario ? 1 : a.seed - b.seed,
  );
  if (values.ablate) process.stdout.write(ablationTable(ran));
  const flags = { json: values.json, seed: firstSeed, isQuick: values.quick };
  publish(flags, "scenarios", figuresOf(outcomes));
  if (values.report !== undefined)
    writeFileSync(values.report, reportHtml(outcomes, figuresOf(outcomes), conditions(flags)));
}

/** Shipped names but `clean`, which has its own length, or the files of a folder. */
function scenarioFiles(folder: string | undefined): string[] {
  if (folder === undefined) return scenarioNames().filter((name) => name !== "clean");
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

function show(outcome: Outcome, isVerbose: boolean): void {
  const { foreshock, rivals } = outcome;
  const cell = (value: number | null) => (value === null ? "–" : value.toFixed(1)).padStart(6);
  const best = Math.min(
    ...Object.values(rivals).map(({ pageMin }) => pageMin ?? Number.POSITIVE_INFINITY),
  );
  process.stdout.write(
    `${outcome.scenario.padEnd(11)} ${String(outcome.seed).padStart(2)}${outcome.waves === 2 ? "²" : " "} onset ${cell(outcome.onsetMin)} outage ${cell(outcome.outageMin)} page ${cell(foreshock.pageMin)} lead ${cell(foreshock.leadMin)} noticed ${cell(outcome.noticedMin)} first rival ${cell(best === Number.POSITIVE_INFINITY ? null : best)} burn_995 ${cell(rivals.burn_995.pageMin)} false ${foreshock.falsePages} tickets ${outcome.tickets} ${foreshock.isExact === null ? " " : foreshock.isExact ? "✓" : "✗"} ${outcome.told.find(({ transition }) => transition === "paged")?.named ?? ""}\n`,
  );
  if (!isVerbose) return;
  for (const { madeMin, isCovered, widthRatio, medianRatio } of outcome.forecasts)
    process.stdout.write(
      `    ${cell(madeMin)} forecast ${isCovered === null ? "of no outage" : isCovered ? "covered" : "missed"}, width ${cell(widthRatio)}, median ${cell(medianRatio)} × what was left\n`,
    );
  for (const { transition, atMin, title, reason, incident } of outcome.told)
    if (transition !== "opened" && transition !== "grew")
      process.stdout.write(
        `    ${cell(atMin)} ${incident} ${transition.padEnd(8)} ${title}\n                    ${reason}\n`,
      );
}

/** Outcomes by the detector that was silenced, "" for none. */
async function runAll(
  jobs: readonly Job[],
  how: { readonly workers: number; readonly silenced: readonly string[] },
  report: (outcome: Outcome) => void,
): Promise<Map<string, Outcome[]>> {
  const outcomes = new Map<string, Outcome[]>(["", ...how.silenced].map((id) => [id, []]));
  let next = 0;
  let done = 0;
  const isTerminal = process.stderr.isTTY;
  await Promise.all(
    Array.from({ length: Math.min(how.workers, jobs.length) }, async () => {
      const child = fork(import.meta.filename, ["--worker", ...how.silenced]);
      for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
        const { scenario, seed } = job;
        const sent = job;
        const ran = await new Promise<[string, Outcome][]>((resolve, reject) => {
          child.once("message", (message) => resolve(message as [string, Outcome][]));
          child.once("exit", (code) =>
            reject(new Error(`${scenario}, seed ${seed}: the worker ended with ${code}`)),
          );
          child.send(sent);
        });
        child.removeAllListeners("exit");
        for (const [id, outcome] of ran) {
          outcomes.get(id)?.push(outcome);
          if (id === "") report(outcome);
        }
        if (isTerminal) process.stderr.write(`${++done}/${jobs.length}\r`);
      }
      child.disconnect();
    }),
  );
  return outcomes;
}
