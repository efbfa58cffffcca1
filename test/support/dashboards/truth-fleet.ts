import { errorWords } from "../../../dashboards/sql/outcomes.ts";
import type { Incident } from "../../../services/contracts/incident.ts";
import type { Outcome } from "../../../services/contracts/outcomes.ts";
import {
  callWindow,
  cellTitle,
  chosenIncidents,
  count,
  type Expectation,
  type Expected,
  failuresOf,
  fromMs,
  httpRequests,
  inSeconds,
  knownSeconds,
  long,
  modelCalls,
  modelVerdicts,
  perTokenOf,
  quantile,
  type Scene,
  servedOf,
  severityNumber,
  share,
  single,
  toMs,
  verdictWindow,
  wide,
  windowOf,
} from "./truth.ts";
import { bandOf, signalOf, stateOf, stepState, timesExpected } from "./truth-verdicts.ts";

const minuteMs = 60_000;
const lately = (scene: Scene) => modelCalls(scene, toMs(scene) - 5 * minuteMs);
const last = (records: readonly Incident[]) =>
  records.reduce((a, b) => (b.revision > a.revision ? b : a));
export const beganMs = (records: readonly Incident[]) =>
  Math.min(...records.map(({ sinceMs, openedMs }) => (sinceMs > 0 ? sinceMs : openedMs)));
export const lastMs = (records: readonly Incident[]) =>
  Math.max(...records.map(({ atMs }) => atMs));
const isOver = (records: readonly Incident[]) => last(records).phase === "resolved";
const wasOpen = (scene: Scene) => (records: readonly Incident[]) =>
  !isOver(records) || lastMs(records) >= fromMs(scene);
const endMs = (scene: Scene, records: readonly Incident[]) =>
  isOver(records) ? lastMs(records) : toMs(scene);
const highest = (records: readonly Incident[]) =>
  Math.max(...records.map(({ severity }) => severityNumber(severity)));

export const errorClasses: Expectation = (scene) =>
  wide(scene, modelCalls(scene), {
    atMs: callWindow,
    values: Object.fromEntries(
      Object.entries(errorWords).map(([outcome, words]) => [
        words,
        ["ratio", (calls) => count(calls, outcome as Outcome) / calls.length],
      ]),
    ),
  });

export const banded =
  (signal: "ttft" | "duration" | "failures", line: string, unit: "s" | "ratio"): Expectation =>
  (scene) => {
    const bound = (pick: "seen" | "low" | "high") =>
      [
        "real",
        (verdicts: Parameters<typeof bandOf>[0]) => {
          const value = bandOf(verdicts, signal, pick);
          return unit === "s" ? inSeconds(value) : value;
        },
      ] as const;
    return wide(
      scene,
      modelVerdicts(scene).filter((verdict) => signalOf(verdict, signal) !== undefined),
      {
        atMs: verdictWindow,
        values: {
          [line]: bound("seen"),
          "expected, low": bound("low"),
          "expected, high": bound("high"),
        },
      },
    );
  };

export const health: Expectation = (scene) =>
  long(scene, modelVerdicts(scene), {
    atMs: verdictWindow,
    series: cellTitle,
    value: ["exact", stepState],
  });

const route = ({ provider, operation }: { provider: string; operation: string }) =>
  `${provider} ${operation}`;

export const fleetTruth: Readonly<Record<string, Expectation>> = {
  "Worst open incident": (scene) =>
    single(
      "severity",
      "exact",
      Math.max(
        0,
        ...chosenIncidents(scene).map((records) =>
          isOver(records) ? 0 : severityNumber(last(records).severity),
        ),
      ),
    ),
  "Cells anomalous": (scene) => {
    const cells = Map.groupBy(modelVerdicts(scene, toMs(scene) - minuteMs), ({ key }) => key);
    const newest = [...cells.values()].map((verdicts) =>
      verdicts.reduce((a, b) => (b.windowStartMs > a.windowStartMs ? b : a)),
    );
    return single(
      "cells",
      "exact",
      newest.filter((verdict) => stateOf(verdict) === "anomalous").length,
    );
  },
  "Failing, last 5 min": (scene) =>
    single("failing", "ratio", share(failuresOf(lately(scene)), servedOf(lately(scene)))),
  "First token × expected": (scene) =>
    single(
      "times",
      "real",
      timesExpected(modelVerdicts(scene, toMs(scene) - 5 * minuteMs), "ttft"),
    ),
  "Traffic, last 5 min": (scene) => single("requests", "real", lately(scene).length / 300),
  "Age of the newest data": (scene) => {
    const windows = scene.world.calls
      .map(({ endMs: at }) => windowOf(at))
      .filter((window) => window >= fromMs(scene) && window < toMs(scene));
    const newest = windows.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    return single("age", "exact", (toMs(scene) - newest - 5000) / 1000);
  },
  "Health by model and region": health,
  "Traffic by model": (scene) =>
    long(scene, modelCalls(scene), {
      atMs: callWindow,
      series: ({ model }) => model,
      value: ["real", (calls, step) => calls.length / knownSeconds(scene, step)],
    }),
  "Errors by class": errorClasses,
  "First token p95, seen and expected": banded("ttft", "seen", "s"),
  "Answer time p95, seen and expected": banded("duration", "seen", "s"),
  Incidents: (scene): Expected => ({
    columns: {
      worst: "exact",
      title: "text",
      phase: "text",
      began: "time",
      minutes: "exact",
      cells: "exact",
      traffic: "ratio",
      incident: "text",
    },
    rows: chosenIncidents(scene)
      .filter(wasOpen(scene))
      .toSorted((a, b) => beganMs(b) - beganMs(a))
      .map((records) => ({
        worst: highest(records),
        title: last(records).title,
        phase: last(records).phase,
        began: beganMs(records),
        minutes: Math.round(
          (Math.floor(endMs(scene, records) / 1000) - Math.floor(beganMs(records) / 1000)) / 60,
        ),
        cells: Math.max(...records.map(({ degradedCells }) => degradedCells)),
        traffic: Math.max(...records.map(({ degradedShare }) => degradedShare)),
        incident: last(records).incident,
      })),
  }),
  "Retries, cancels and rate limits": (scene) =>
    wide(scene, modelCalls(scene), {
      atMs: callWindow,
      values: {
        // The fleet's libraries tell of no retries.
        "retries a call": ["exact", () => 0],
        "cancelled by caller": [
          "ratio",
          (calls) => count(calls, "client_cancelled") / calls.length,
        ],
        "rate limited": ["ratio", (calls) => count(calls, "rate_limit") / calls.length],
      },
    }),
  "Time per output token, median": (scene) =>
    long(scene, modelCalls(scene), {
      atMs: callWindow,
      series: ({ model }) => model,
      value: ["sketch", (calls) => inSeconds(quantile(perTokenOf(calls), 0.5))],
    }),
  "Requests by route": (scene) =>
    long(scene, httpRequests(scene), {
      atMs: callWindow,
      series: route,
      value: ["real", (calls, step) => calls.length / knownSeconds(scene, step)],
    }),
  "Failing by route": (scene) =>
    long(scene, httpRequests(scene), {
      atMs: callWindow,
      series: route,
      value: ["ratio", (calls) => share(failuresOf(calls), servedOf(calls))],
    }),
};

/** Annotations: incidents that anyone was told of. */
export const incidentSpans: Expectation = (scene) => ({
  columns: { time: "time", timeEnd: "time", text: "text", tags: "text" },
  rows: chosenIncidents(scene)
    .filter(wasOpen(scene))
    .filter((records) => highest(records) > 1)
    .toSorted((a, b) => beganMs(a) - beganMs(b))
    .map((records) => ({
      time: beganMs(records),
      timeEnd: endMs(scene, records),
      text: `<a href="${scene.chosen["console"]}/incidents/${last(records).incident}">${last(records).title}</a>`,
      tags: `${["", "watching", "ticket", "page"][highest(records)]},${last(records).phase}`,
    })),
});

/** Values of a variable: what occurs in the range, narrowed by the provider for models. */
export const variableValues =
  (name: "provider" | "model" | "region" | "operation"): Expectation =>
  (scene) => {
    const provider = scene.chosen["provider"];
    const calls = modelCalls({ ...scene, chosen: {} }).filter(
      (call) => name !== "model" || provider === undefined || provider.includes(call.provider),
    );
    return {
      columns: { [name]: "text" },
      rows: [...new Set(calls.map((call) => call[name]))]
        .sort()
        .map((value) => ({ [name]: value })),
    };
  };

export const incidentChoices: Expectation = (scene) => ({
  columns: { incident: "text", title: "text" },
  rows: chosenIncidents({ ...scene, chosen: {} })
    .filter(wasOpen(scene))
    .toSorted(
      (a, b) => Number(highest(b) === 3) - Number(highest(a) === 3) || beganMs(b) - beganMs(a),
    )
    .map((records) => {
      const at = new Date(beganMs(records)).toISOString();
      return {
        incident: last(records).incident,
        title: `${at.slice(5, 10)} ${at.slice(11, 16)} ${last(records).title}`,
      };
    }),
});
