/**
 * The rivals' rules, as `rules.yml` has them for Prometheus, evaluated every 30 s. Prometheus itself would take longer than the
 * simulation for every run; that it fires at the same times is tested (`test/integration/rivals-prometheus.test.ts`).
 */
import {
  type Counters,
  countersBy,
  errorRatio,
  increase,
  slowRatio,
  ttftQuantile,
} from "./counters.ts";
import { type RequestSeries, scrapeMs } from "./request-series.ts";

const evaluationMs = 30_000;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export const rivalNames = [
  "burn_999",
  "burn_995",
  "burn_fair",
  "ttft_burn",
  "ttft_double",
  "static_5pct",
  "bands",
  "burn_999_cell",
  "burn_995_cell",
  "burn_fair_cell",
  "ttft_double_cell",
  "static_5pct_cell",
] as const;
export type RivalName = (typeof rivalNames)[number];

export interface RivalPage {
  readonly rival: RivalName;
  readonly atMs: number;
  /** Labels of the alert, by the names of the telemetry; empty: the whole fleet. */
  readonly place: Readonly<Record<string, string>>;
}

/** Budget of a fair SLO: twice the base error of the simulated fleet (.3 %). */
const fairBudget = 0.006;
/** First tokens later than this are bad; healthy fleets stay below half of the budget. */
const slowTtft = { bound: 20, budget: 0.001 };

/** An alert of one label set: true where its expression holds at a scrape. */
interface Alert {
  readonly rival: RivalName;
  readonly place: Readonly<Record<string, string>>;
  readonly forMs: number;
  readonly holds: (at: number) => boolean;
}

/** When each alert begins to fire. */
export function judgeRivals(series: RequestSeries): readonly RivalPage[] {
  const fleet = countersBy(series, () => ({}))[0];
  if (fleet === undefined || series.scrapes === 0) return [];
  const byModel = countersBy(series, (cell) =>
    cell.isModel ? { "gen_ai.request.model": cell.what } : undefined,
  );
  const byCell = countersBy(series, ({ isModel, what, region }) => ({
    [isModel ? "gen_ai.request.model" : "http.route"]: what,
    "cloud.region": region,
  }));
  const alerts: Alert[] = [];
  for (const [name, budget] of [
    ["burn_999", 0.001],
    ["burn_995", 0.005],
    ["burn_fair", fairBudget],
  ] as const) {
    alerts.push(burnAlert(name, fleet, (at, ms) => errorRatio(fleet, at, ms), budget));
    for (const cell of byCell)
      alerts.push(burnAlert(`${name}_cell`, cell, (at, ms) => errorRatio(cell, at, ms), budget));
  }
  alerts.push(
    burnAlert(
      "ttft_burn",
      fleet,
      (at, ms) => slowRatio(fleet, at, ms, slowTtft.bound),
      slowTtft.budget,
    ),
    staticAlert("static_5pct", fleet),
    ...byCell.map((cell) => staticAlert("static_5pct_cell", cell)),
  );
  const steps = evaluationMs / scrapeMs;
  const every = (value: (at: number) => number) =>
    Array.from({ length: Math.floor(series.scrapes / steps) + 1 }, (_, step) =>
      value(step * steps),
    );
  for (const model of byModel) {
    const p95 = every((at) => ttftQuantile(model, at, 5 * minuteMs, 0.95));
    alerts.push(doubleAlert("ttft_double", model, p95), bandsAlert(model, p95));
  }
  for (const cell of byCell)
    if (cell.labels["gen_ai.request.model"] !== undefined)
      alerts.push(
        doubleAlert(
          "ttft_double_cell",
          cell,
          every((at) => ttftQuantile(cell, at, 5 * minuteMs, 0.95)),
        ),
      );
  alerts.push(
    bandsAlert(
      fleet,
      every((at) => errorRatio(fleet, at, 5 * minuteMs)),
    ),
    bandsAlert(
      fleet,
      // Bands are relative, so that the increase is as good as the rate.
      every((at) => increase(fleet, at, 5 * minuteMs, 0)),
    ),
  );
  return alerts
    .flatMap((alert) => firings(alert, series))
    .sort((a, b) => a.atMs - b.atMs || (a.rival < b.rival ? -1 : 1));
}

function firings(alert: Alert, series: RequestSeries): RivalPage[] {
  const pages: RivalPage[] = [];
  const steps = evaluationMs / scrapeMs;
  let since = -1;
  let isFiring = false;
  for (let at = 0; at <= series.scrapes; at += steps) {
    if (!alert.holds(at)) {
      since = -1;
      isFiring = false;
      continue;
    }
    if (since < 0) since = at;
    if (isFiring || (at - since) * scrapeMs < alert.forMs) continue;
    isFiring = true;
    pages.push({
      rival: alert.rival,
      atMs: series.startMs + at * scrapeMs,
      place: alert.place,
    });
  }
  return pages;
}

/** SRE workbook, table 5-8: 14.4 × over 1 h and 5 min, or 6 × over 6 h and 30 min. */
function burnAlert(
  rival: RivalName,
  of: Counters,
  ratio: (at: number, windowMs: number) => number,
  budget: number,
): Alert {
  return {
    rival,
    place: of.labels,
    forMs: 0,
    holds: (at) =>
      (ratio(at, hourMs) > 14.4 * budget && ratio(at, 5 * minuteMs) > 14.4 * budget) ||
      (ratio(at, 6 * hourMs) > 6 * budget && ratio(at, 30 * minuteMs) > 6 * budget),
  };
}

function staticAlert(rival: RivalName, of: Counters): Alert {
  return {
    rival,
    place: of.labels,
    forMs: 5 * minuteMs,
    holds: (at) => errorRatio(of, at, minuteMs) > 0.05,
  };
}

/** Mean of what `of` makes of positive values at evaluations from `fromMs` to `toMs` before `step`, both ends included; NaN without any. */
function meanOfPast(
  values: readonly number[],
  at: { readonly step: number; readonly fromMs: number; readonly toMs: number },
  of: (value: number) => number = (value) => value,
): number {
  let sum = 0;
  let count = 0;
  const last = at.step - at.toMs / evaluationMs;
  for (let i = Math.max(0, at.step - at.fromMs / evaluationMs); i <= last; i++) {
    const value = values[i] as number;
    if (!(value > 0)) continue;
    sum += of(value);
    count++;
  }
  return sum / count;
}

/** The 95th percentile is twice its mean of the hour that ended ten minutes ago, for five minutes. */
function doubleAlert(rival: RivalName, of: Counters, p95: readonly number[]): Alert {
  return {
    rival,
    place: of.labels,
    forMs: 5 * minuteMs,
    holds: (at) => {
      const step = (at * scrapeMs) / evaluationMs;
      const usual = meanOfPast(p95, { step, fromMs: 70 * minuteMs, toMs: 10 * minuteMs });
      return (p95[step] as number) > 2 * usual;
    },
  };
}

/**
 * Grafana's adaptive bands: mean of an hour ± the wider of half of it and twice the smoothed standard deviation, which counts only while
 * it exceeds half of the mean. Its bands of the same time a day or week before need longer runs and are left out.
 */
function bandsAlert(of: Counters, values: readonly number[]): Alert {
  const filtered: number[] = [];
  const means: number[] = [];
  values.forEach((_, step) => {
    const hour = { step, fromMs: hourMs, toMs: 0 };
    const middle = meanOfPast(values, hour);
    const deviation = Math.sqrt(meanOfPast(values, hour, (value) => (value - middle) ** 2));
    means.push(middle);
    filtered.push(deviation > 0.5 * middle ? deviation : Number.NaN);
  });
  return {
    rival: "bands",
    place: of.labels,
    forMs: 5 * minuteMs,
    holds: (at) => {
      const step = (at * scrapeMs) / evaluationMs;
      const value = values[step] as number;
      const middle = means[step] as number;
      const deviation = meanOfPast(filtered, { step, fromMs: 26 * hourMs, toMs: 0 });
      const half = Math.max(0.5 * middle, Number.isNaN(deviation) ? 0 : 2 * deviation);
      return value > 0 && (value > middle + half || value < Math.max(0, middle - half));
    },
  };
}
