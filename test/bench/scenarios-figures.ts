/** The figures of `bench:scenarios` out of its runs. */
import { type RivalName, rivalNames } from "./rivals/rules.ts";
import type { Outcome } from "./scenarios-job.ts";
import type { Score } from "./scenarios-score.ts";

type Row = Readonly<Record<string, string | number | null>>;

export interface ScenarioFigures {
  readonly figures: Readonly<Record<string, number>>;
  readonly absent: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
}

/** Rivals in figures; the others are the same rules for each cell. */
const named = rivalNames.filter((name) => !name.endsWith("_cell"));
/** A rival counts as best only up to this many false pages a fleet-week. */
const allowedFalse = 1;
const weekHours = 168;

export function figuresOf(outcomes: readonly Outcome[]): ScenarioFigures {
  const faults = outcomes.filter(({ kind, onsetMin }) => kind === "fault" && onsetMin !== null);
  const hours = outcomes.reduce((sum, outcome) => sum + outcome.hours, 0);
  const figures: Record<string, number> = {};
  const absent: Record<string, string> = {};
  const set = (name: string, value: number | undefined, reason: string) => {
    if (value === undefined || !Number.isFinite(value)) absent[name] = reason;
    else figures[name] = Math.round(value * 1000) / 1000;
  };
  const noFault = "no fault scenario was run";
  const paged = faults.filter(({ foreshock }) => foreshock.pageMin !== null);
  set("detected_ratio", ratio(paged.length, faults.length), noFault);
  set(
    "noticed_ratio",
    ratio(faults.filter(({ noticedMin }) => noticedMin !== null).length, faults.length),
    noFault,
  );
  set(
    "right_dimension_ratio",
    ratio(paged.filter(({ foreshock }) => foreshock.isExact === true).length, paged.length),
    "nothing was paged",
  );
  const falsePages = outcomes.reduce((sum, { foreshock }) => sum + foreshock.falsePages, 0);
  set("fleet_weeks", hours / weekHours, "nothing was run");
  set("false_pages_per_fleet_week", perWeek(falsePages, hours), "nothing was run");
  set("false_pages_upper95", perWeek(upperPoisson(falsePages), hours), "nothing was run");
  const led = faults.filter(({ lead, outageMin }) => lead === "large" && outageMin !== null);
  const leads = led.map(({ foreshock, outageMin }) => foreshock.leadMin ?? -(outageMin ?? 0));
  set("lead_median_min_outage", quantile(leads, 0.5), "no outage with a large lead was run");
  set("lead_p10_min_outage", quantile(leads, 0.1), "no outage with a large lead was run");
  set("lead_positive_ratio", ratio(leads.filter((lead) => lead > 0).length, leads.length), noFault);
  set("lead_5min_ratio", ratio(leads.filter((lead) => lead >= 5).length, leads.length), noFault);
  set("lead_10min_ratio", ratio(leads.filter((lead) => lead >= 10).length, leads.length), noFault);
  const rates = falseRates(outcomes, hours);
  for (const rival of named) {
    set(`false_pages_per_fleet_week_${rival}`, rates[rival], "nothing was run");
    setLeads(rival, (outcome) => outcome.rivals[rival].pageMin);
  }
  const quiet = rivalNames.filter((rival) => rates[rival] <= allowedFalse);
  setLeads("best_rival", (outcome) => bestPage(outcome, quiet));
  const delayed = faults.filter(({ lead }) => lead === "none" || lead === "detect_only");
  const against = delayed.map((outcome) => advantage(outcome, bestPage(outcome, quiet)));
  set("delay_advantage_median_min_best_rival", quantile(against, 0.5), noFault);
  set("delay_advantage_p10_min_best_rival", quantile(against, 0.1), noFault);
  setForecasts();

  function setLeads(name: string, pageOf: (outcome: Outcome) => number | null): void {
    const values = led.map((outcome) => advantage(outcome, pageOf(outcome)));
    set(`lead_median_min_${name}`, quantile(values, 0.5), "no outage with a large lead was run");
    set(`lead_p10_min_${name}`, quantile(values, 0.1), "no outage with a large lead was run");
  }

  function setForecasts(): void {
    const known = faults.flatMap(({ forecasts }) =>
      forecasts.filter(({ isCovered }) => isCovered !== null),
    );
    const covered = known.filter(({ isCovered }) => isCovered === true).length;
    const none = "no forecast was made before an outage";
    set("forecasts", known.length, none);
    set("forecast_coverage_80", ratio(covered, known.length), none);
    set(
      "forecast_width_ratio",
      quantile(defined(known.map(({ widthRatio }) => widthRatio)), 0.5),
      none,
    );
    set(
      "forecast_median_ratio",
      quantile(defined(known.map(({ medianRatio }) => medianRatio)), 0.5),
      none,
    );
    const calm = outcomes.filter(({ hasEbbed }) => hasEbbed);
    set(
      "forecasts_without_breach_per_run",
      ratio(
        calm.filter(({ forecasts }) => forecasts.some(({ isCovered }) => isCovered === null))
          .length,
        calm.length,
      ),
      "every run and every wave had an outage",
    );
  }

  return { figures, absent, rows: rowsOf(outcomes, quiet, rates) };
}

const defined = (values: readonly (number | null)[]): number[] =>
  values.filter((value) => value !== null);

function ratio(part: number, of: number): number | undefined {
  return of === 0 ? undefined : part / of;
}

const perWeek = (count: number, hours: number) => (count * weekHours) / hours;

/** Minutes by which Foreshock pages before a rival; one that never pages counts as the end of the run: at least so much. */
export function advantage(outcome: Outcome, rivalMin: number | null): number {
  const endMin = outcome.hours * 60;
  return (rivalMin ?? endMin) - (outcome.foreshock.pageMin ?? endMin);
}

function bestPage(outcome: Outcome, rivals: readonly RivalName[]): number | null {
  const pages = defined(rivals.map((rival) => outcome.rivals[rival].pageMin));
  return pages.length === 0 ? null : Math.min(...pages);
}

function falseRates(outcomes: readonly Outcome[], hours: number): Record<RivalName, number> {
  const count = (rival: RivalName) =>
    outcomes.reduce((sum, { rivals }) => sum + rivals[rival].falsePages, 0);
  return Object.fromEntries(
    rivalNames.map((rival) => [rival, perWeek(count(rival), hours)]),
  ) as Record<RivalName, number>;
}

/** By linear interpolation between order statistics. */
export function quantile(values: readonly number[], q: number): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low + (high - low) * (at - Math.floor(at));
}

/** Upper 95 % bound of a Poisson mean after `count` events: 3.0 for none. */
export function upperPoisson(count: number): number {
  const atMost = (mean: number) => {
    let term = Math.exp(-mean);
    let sum = term;
    for (let k = 1; k <= count; k++) {
      term *= mean / k;
      sum += term;
    }
    return sum;
  };
  let low = count;
  let high = 10 + 4 * count;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (atMost(middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

/** A row for each scenario with Foreshock, one for each scenario and rival. */
function rowsOf(
  outcomes: readonly Outcome[],
  quiet: readonly RivalName[],
  rates: Readonly<Record<RivalName, number>>,
): Row[] {
  const rows: Row[] = [];
  for (const scenario of new Set(outcomes.map((outcome) => outcome.scenario))) {
    const runs = outcomes.filter((outcome) => outcome.scenario === scenario);
    const base = {
      scenario,
      kind: runs[0]?.kind ?? "",
      runs: runs.length,
      outages: runs.filter(({ outageMin }) => outageMin !== null).length,
      hours: round(runs.reduce((sum, { hours }) => sum + hours, 0)),
    };
    const scores = (of: (outcome: Outcome) => Score) => {
      const all = runs.map(of);
      const median = (values: readonly (number | null)[]) => round(quantile(defined(values), 0.5));
      return {
        detected: all.filter(({ pageMin }) => pageMin !== null).length,
        delay_median_min: median(all.map(({ delayMin }) => delayMin)),
        lead_median_min: median(all.map(({ leadMin }) => leadMin)),
        false_pages: all.reduce((sum, { falsePages }) => sum + falsePages, 0),
      };
    };
    rows.push({
      ...base,
      by: "foreshock",
      ...scores(({ foreshock }) => foreshock),
      right_place: runs.filter(({ foreshock }) => foreshock.isExact === true).length,
      noticed_median_min: round(quantile(defined(runs.map(({ noticedMin }) => noticedMin)), 0.5)),
      tickets: runs.reduce((sum, { tickets }) => sum + tickets, 0),
      ahead_of_best_rival_median_min: round(
        quantile(
          runs.map((outcome) => advantage(outcome, bestPage(outcome, quiet))),
          0.5,
        ),
      ),
    });
    for (const rival of rivalNames)
      rows.push({
        ...base,
        by: rival,
        ...scores(({ rivals }) => rivals[rival]),
        may_be_best: Number(rates[rival] <= allowedFalse),
      });
  }
  return rows;
}

function round(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 10) / 10;
}
