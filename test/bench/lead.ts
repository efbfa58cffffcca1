/**
 * How long before the outage the page comes: scenarios × seeds in simulated time, and how often clean traffic and confounders page.
 * `node test/bench/lead.ts --scenarios S04,S05 --seeds 20 [--first-seed 1] [--quiet-hours 1] [--hours 5] [--direct] [--json FILE] [--quick]`
 * `--direct` leaves out spans and aggregation; `--hours` ends a run early; both for tuning.
 */
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { loadScenario } from "../../services/chatbot/chatbot.ts";
import { runScenario } from "../support/run-scenario.ts";
import { scriptFlags } from "../support/script-flags.ts";

export interface LeadRow {
  readonly scenario: string;
  readonly kind: string;
  readonly seed: number;
  /** Minutes after the run began; null: none. */
  readonly onsetMin: number | null;
  readonly outageMin: number | null;
  readonly pageMin: number | null;
  readonly leadMin: number | null;
  readonly falsePages: number;
  readonly tickets: number;
  readonly hours: number;
  /** What the first page named, what it said, and what it should have named. */
  readonly named: string;
  readonly isRight: boolean | null;
  readonly title: string;
  readonly reason: string;
}

interface Job {
  readonly scenario: string;
  readonly seed: number;
  readonly quietHours: number;
  readonly hours: number | undefined;
  readonly isDirect: boolean;
}

const minutes = (ms: number) => Math.round(ms / 6_000) / 10;

function runJob(job: Job): LeadRow {
  const scenario = loadScenario(job.scenario);
  const { truth, incidents } = runScenario(
    {
      scenario,
      seed: job.seed,
      quietMs: job.quietHours * 3_600_000,
      ...(job.hours === undefined ? {} : { durationMs: job.hours * 3_600_000 }),
    },
    { isDirect: job.isDirect },
  );
  const pages = incidents.filter(({ transition }) => transition === "paged");
  const tickets = incidents.filter(({ transition }) => transition === "ticketed").length;
  const isFault = truth.kind === "fault";
  // From when the fault acts: a page before its first user notices is early, not false.
  const from = truth.faultStartMs ?? Number.POSITIVE_INFINITY;
  const until = (truth.faultEndMs ?? Number.NEGATIVE_INFINITY) + 15 * 60_000;
  const isTrue = (ms: number) => isFault && ms >= from && ms <= until;
  const first = pages.find(({ atMs }) => isTrue(atMs)) ?? pages[0];
  const outageMs = truth.outage.pointMs;
  const page = pages.find(({ atMs }) => isTrue(atMs));
  return {
    scenario: job.scenario,
    kind: truth.kind,
    seed: job.seed,
    onsetMin: truth.onsetMs === null ? null : minutes(truth.onsetMs - truth.startMs),
    outageMin: outageMs === null ? null : minutes(outageMs - truth.startMs),
    pageMin: first === undefined ? null : minutes(first.atMs - truth.startMs),
    leadMin: page === undefined || outageMs === null ? null : minutes(outageMs - page.atMs),
    falsePages: pages.filter(({ atMs }) => !isTrue(atMs)).length,
    tickets,
    hours: (truth.endMs - truth.startMs) / 3_600_000,
    named:
      first === undefined ? "" : first.dimensions.map((d) => Object.values(d).join("&")).join("|"),
    isRight: page === undefined ? null : namesRight(page.dimensions, truth.faults),
    title: first?.title ?? "",
    reason: first?.reason ?? "",
  };
}

/** Every named value must be one that a fault was aimed at, where faults were aimed at the attribute; naming nothing fits uniform faults. */
function namesRight(
  dimensions: readonly Readonly<Record<string, string>>[],
  faults: readonly { readonly dimensions: Readonly<Record<string, readonly string[]>> }[],
): boolean {
  const aimed = new Map<string, Set<string>>();
  for (const fault of faults)
    for (const [name, values] of Object.entries(fault.dimensions))
      aimed.set(name, new Set([...(aimed.get(name) ?? []), ...values]));
  if (dimensions.length === 0)
    return !["gen_ai.provider.name", "gen_ai.request.model", "cloud.region"].some((n) =>
      aimed.has(n),
    );
  return dimensions.some((place) =>
    Object.entries(place).some(([name, value]) =>
      [...(aimed.get(name) ?? [])].some((aim) => value === aim || value.endsWith(` ${aim}`)),
    ),
  );
}

if (process.send !== undefined && process.argv[2] === "--worker") {
  process.on("message", (job: Job) => process.send?.(runJob(job)));
} else await main();

async function main(): Promise<void> {
  const values = scriptFlags(import.meta.filename, {
    scenarios: { type: "string", default: "S04,S05,S07,S13" },
    seeds: { type: "string", default: "20" },
    "first-seed": { type: "string", default: "1" },
    "quiet-hours": { type: "string", default: "1" },
    hours: { type: "string" },
    workers: { type: "string", default: "2" },
    json: { type: "string" },
    quick: { type: "boolean", default: false },
    direct: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  });
  const seeds = values.quick ? 2 : Number(values.seeds);
  const firstSeed = Number(values["first-seed"]);
  const jobs: Job[] = values.scenarios.split(",").flatMap((scenario) =>
    Array.from({ length: seeds }, (_, index) => ({
      scenario,
      seed: firstSeed + index,
      quietHours: Number(values["quiet-hours"]),
      hours: values.hours === undefined ? undefined : Number(values.hours),
      isDirect: values.direct,
    })),
  );
  const rows = await runAll(jobs, Math.min(2, Number(values.workers)), (row) => {
    const show = (value: number | null) => (value === null ? "–" : value.toFixed(1)).padStart(7);
    console.log(
      `${row.scenario} ${String(row.seed).padStart(3)} onset ${show(row.onsetMin)} outage ${show(row.outageMin)} page ${show(row.pageMin)} lead ${show(row.leadMin)} false ${row.falsePages} tickets ${row.tickets} ${row.isRight === null ? " " : row.isRight ? "✓" : "✗"} ${row.named}`,
    );
    if (values.verbose) console.log(`      ${row.title}\n      ${row.reason}`);
  });
  summarize(rows);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ bench: "lead", rows }, null, 2)}\n`);
}

function summarize(rows: readonly LeadRow[]): void {
  for (const scenario of new Set(rows.map((row) => row.scenario))) {
    const own = rows.filter((row) => row.scenario === scenario);
    const leads = own
      .flatMap(({ leadMin }) => (leadMin === null ? [] : [leadMin]))
      .sort((a, b) => a - b);
    const outages = own.filter(({ outageMin }) => outageMin !== null).length;
    const hours = own.reduce((sum, row) => sum + row.hours, 0);
    const falsePages = own.reduce((sum, row) => sum + row.falsePages, 0);
    console.log(
      `${scenario}: outages ${outages}/${own.length}, page first ${leads.filter((lead) => lead > 0).length}, lead median ${leads[leads.length >> 1] ?? "–"} min, p10 ${leads[Math.floor(leads.length / 10)] ?? "–"}, false pages ${falsePages} in ${hours.toFixed(0)} h (${((falsePages * 168) / hours).toFixed(2)} a week), right place ${own.filter(({ isRight }) => isRight === true).length}/${own.filter(({ isRight }) => isRight !== null).length}`,
    );
  }
}

async function runAll(
  jobs: readonly Job[],
  workers: number,
  report: (row: LeadRow) => void,
): Promise<LeadRow[]> {
  const rows: LeadRow[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      const child = fork(import.meta.filename, ["--worker"]);
      for (;;) {
        const job = jobs[next++];
        if (job === undefined) break;
        const row = await new Promise<LeadRow>((resolve, reject) => {
          child.once("message", (message) => resolve(message as LeadRow));
          child.once("exit", (code) =>
            reject(new Error(`worker ended with ${code} on ${job.scenario} ${job.seed}`)),
          );
          child.send(job);
        });
        child.removeAllListeners("exit");
        rows.push(row);
        report(row);
      }
      child.disconnect();
    }),
  );
  return rows;
}
