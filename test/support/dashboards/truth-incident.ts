import { type CellKey, parseCellKey } from "../../../services/contracts/cell.ts";
import type { Incident } from "../../../services/contracts/incident.ts";
import {
  cellTitle,
  type Expectation,
  type Expected,
  isWithin,
  long,
  type Scene,
  severityNumber,
  share,
  single,
  sum,
  toMs,
  verdictWindow,
} from "./truth.ts";
import { beganMs, lastMs } from "./truth-fleet.ts";
import { stateNumber, stepState } from "./truth-verdicts.ts";
import type { CellVerdict } from "./world.ts";

const recordsOf = (scene: Scene): readonly Incident[] =>
  scene.world.incidents
    .filter(({ incident }) => incident === scene.chosen["incident"])
    .toSorted((a, b) => a.revision - b.revision);

function newestOf(scene: Scene): Incident {
  const newest = recordsOf(scene).at(-1);
  if (newest === undefined) throw new Error(`no incident ${String(scene.chosen["incident"])}`);
  return newest;
}

function itsVerdicts(scene: Scene): readonly CellVerdict[] {
  const cells = new Set<CellKey>(recordsOf(scene).flatMap((record) => record.cells));
  return scene.world.verdicts.filter(
    ({ key, windowStartMs }) => cells.has(key) && isWithin(scene, windowStartMs),
  );
}

function anyTitle(cell: CellVerdict): string {
  if (cell.kind !== "http") return cellTitle(cell);
  return `${cell.provider} ${cell.operation}${cell.region === "" ? "" : ` in ${cell.region}`}`;
}

const keyTitle = (key: CellKey) => {
  const { model, operation, region } = parseCellKey(key);
  return `${model} ${operation}${region === "" ? "" : ` in ${region}`}`.trim();
};

export const incidentTruth: Readonly<Record<string, Expectation>> = {
  Severity: (scene) =>
    single(
      "severity",
      "exact",
      Math.max(...recordsOf(scene).map(({ severity }) => severityNumber(severity))),
    ),
  Lasts: (scene) => {
    const records = recordsOf(scene);
    const end = newestOf(scene).phase === "resolved" ? lastMs(records) : toMs(scene);
    return single("seconds", "exact", Math.floor(end / 1000) - Math.floor(beganMs(records) / 1000));
  },
  "Cells at most": (scene) =>
    single(
      "cells",
      "exact",
      Math.max(...recordsOf(scene).map(({ degradedCells }) => degradedCells)),
    ),
  "Traffic at most": (scene) =>
    single(
      "share",
      "ratio",
      Math.max(...recordsOf(scene).map(({ degradedShare }) => degradedShare)),
    ),
  "Requests hit": (scene) => single("requests", "exact", Math.floor(newestOf(scene).totals.bad)),
  "Tenants touched": (scene) =>
    single("tenants", "exact", Math.floor(newestOf(scene).totals.tenants)),
  Spread: (scene) =>
    long(scene, itsVerdicts(scene), {
      atMs: verdictWindow,
      series: anyTitle,
      value: ["exact", stepState],
    }),
  "What moved first": (scene) =>
    long(
      scene,
      itsVerdicts(scene).flatMap(({ windowStartMs, signals }) =>
        signals.map(({ signal, surprise }) => ({ windowStartMs, signal, surprise })),
      ),
      {
        atMs: ({ windowStartMs }) => windowStartMs,
        series: ({ signal }) => signal,
        value: ["real", (all) => Math.max(...all.map(({ surprise }) => surprise))],
      },
    ),
  "Leading signal, times expected": (scene) => {
    const leading = newestOf(scene).leadingSignal;
    const known = itsVerdicts(scene).flatMap((verdict) =>
      verdict.signals
        .filter(
          ({ signal, seen, expected }) =>
            signal === leading && seen !== null && (expected ?? 0) > 0,
        )
        .map(({ seen, expected, of }) => ({ verdict, times: (seen ?? 0) / (expected ?? 1), of })),
    );
    return long(scene, known, {
      atMs: ({ verdict }) => verdict.windowStartMs,
      series: ({ verdict }) => anyTitle(verdict),
      value: [
        "real",
        (all) => share(sum(all.map(({ times, of }) => times * of)), sum(all.map(({ of }) => of))),
      ],
    });
  },
  "How it went": (scene): Expected => ({
    columns: {
      at: "time",
      transition: "text",
      severity: "exact",
      title: "text",
      cells: "exact",
      traffic: "ratio",
      reason: "text",
    },
    rows: recordsOf(scene).map((record) => ({
      at: record.atMs,
      transition: record.transition,
      severity: severityNumber(record.severity),
      title: record.title,
      cells: record.degradedCells,
      traffic: record.degradedShare,
      reason: record.reason,
    })),
  }),
  Explanation: (scene): Expected => ({
    columns: {
      dimension: "text",
      value: "text",
      "of the bad": "ratio",
      "of all": "ratio",
      bad: "real",
      of: "real",
      place: "text",
    },
    key: ["dimension", "value"],
    rows: newestOf(scene).attribution.map((part) => ({
      dimension: part.dimension,
      value: part.value,
      "of the bad": part.share,
      "of all": part.expectedShare,
      bad: part.bad,
      of: part.of,
      place: part.isNamed ? "named" : "",
    })),
  }),
  Evidence: (scene): Expected => ({
    columns: {
      signal: "text",
      cell: "text",
      seen: "real",
      expected: "real",
      low: "real",
      high: "real",
      bad: "real",
      of: "real",
      since: "time",
    },
    rows: newestOf(scene)
      .evidence.toSorted(
        (a, b) =>
          b.surprise - a.surprise ||
          (a.signal < b.signal ? -1 : a.signal > b.signal ? 1 : 0) ||
          (keyTitle(a.cell) < keyTitle(b.cell) ? -1 : 1),
      )
      .slice(0, 50)
      .map((part) => ({
        signal: part.signal,
        cell: keyTitle(part.cell),
        seen: part.seen,
        expected: part.expected,
        low: part.low,
        high: part.high,
        bad: part.bad,
        of: part.of,
        since: part.sinceMs,
      })),
  }),
  Examples: (scene): Expected => ({
    columns: { trace: "text", why: "text" },
    rows: newestOf(scene).examples.map(({ traceId, why }) => ({ trace: traceId, why })),
  }),
  "Who was told": (scene): Expected => ({
    columns: {
      at: "time",
      transition: "text",
      sink: "text",
      severity: "text",
      outcome: "text",
      attempts: "exact",
      "delay, s": "real",
      detail: "text",
    },
    rows: scene.world.deliveries
      .filter(({ incident }) => incident === scene.chosen["incident"])
      .toSorted((a, b) => a.atMs - b.atMs)
      .map((delivery) => ({
        at: delivery.atMs,
        transition: delivery.transition,
        sink: delivery.sink,
        severity: delivery.severity,
        outcome: delivery.outcome,
        attempts: delivery.attempts,
        "delay, s": delivery.delayMs / 1000,
        detail: delivery.detail,
      })),
  }),
  "Degraded cells": (scene) =>
    long(scene, itsVerdicts(scene), {
      atMs: verdictWindow,
      series: () => "anomalous",
      value: [
        "exact",
        (verdicts) =>
          new Set(verdicts.filter((one) => stateNumber(one) === 4).map(({ key }) => key)).size,
      ],
    }),
};
