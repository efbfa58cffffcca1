import { outcomeGroup } from "../../../services/contracts/outcomes.ts";
import {
  callWindow,
  count,
  durationsOf,
  type Expectation,
  firstTokensOf,
  inSeconds,
  knownSeconds,
  modelCalls,
  type Nearness,
  perTokenOf,
  quantile,
  type Scene,
  share,
  sum,
  wide,
  windowOf,
} from "./truth.ts";
import { banded, errorClasses, health } from "./truth-fleet.ts";
import type { Call } from "./world.ts";

type Column = readonly [Nearness, (calls: readonly Call[], step: number) => number | null];

const overCalls =
  (values: (scene: Scene) => Readonly<Record<string, Column>>): Expectation =>
  (scene) =>
    wide(scene, modelCalls(scene), { atMs: callWindow, values: values(scene) });

const quantiles = (
  pick: (calls: readonly Call[]) => readonly number[],
  of: readonly number[],
  scale: (value: number | null) => number | null = inSeconds,
) =>
  overCalls(() =>
    Object.fromEntries(
      of.map((q) => [`p${q * 100}`, ["sketch", (calls) => scale(quantile(pick(calls), q))]]),
    ),
  );

const ok = (calls: readonly Call[]) => calls.filter(({ outcome }) => outcome === "ok");
const finished = (calls: readonly Call[], finish: Call["finish"]) =>
  ok(calls).filter((call) => !call.isEmbedding && call.finish === finish).length;

/** Mean over windows and cells of the tenants in them. */
function tenantsAWindow(calls: readonly Call[], isMeant: (call: Call) => boolean): number {
  const windows = Map.groupBy(
    calls,
    (call) => `${windowOf(call.endMs)} ${call.model} ${call.region} ${call.operation}`,
  );
  const tenants = [...windows.values()].map(
    (inWindow) => new Set(inWindow.filter(isMeant).map(({ tenant }) => tenant)).size,
  );
  return sum(tenants) / tenants.length;
}

export const cellTruth: Readonly<Record<string, Expectation>> = {
  State: health,
  "First token p95, seen and expected": banded("ttft", "seen", "s"),
  "Failing, seen and expected": banded("failures", "seen", "ratio"),
  "First token": quantiles(firstTokensOf, [0.5, 0.95, 0.99]),
  "Answer time": quantiles(durationsOf, [0.5, 0.95, 0.99]),
  Traffic: overCalls((scene) => ({
    calls: ["real", (calls, step) => calls.length / knownSeconds(scene, step)],
    streamed: [
      "real",
      (calls, step) =>
        calls.filter(({ isStreamed }) => isStreamed).length / knownSeconds(scene, step),
    ],
  })),
  "Errors by class": errorClasses,
  "Time per output token": quantiles(perTokenOf, [0.5, 0.95]),
  "How answers end": overCalls(() => ({
    // Answers of the fleet are never empty, and complete ones always say how they ended.
    empty: ["ratio", (calls) => (ok(calls).length === 0 ? null : 0)],
    "cut at the token limit": [
      "ratio",
      (calls) => share(finished(calls, "length"), ok(calls).length),
    ],
    refused: ["ratio", (calls) => share(finished(calls, "content_filter"), ok(calls).length)],
    "no reason given": ["ratio", (calls) => (ok(calls).length === 0 ? null : 0)],
  })),
  "Answer length": quantiles(
    (calls) =>
      ok(calls)
        .filter(({ isEmbedding }) => !isEmbedding)
        .map(({ outputTokens }) => outputTokens),
    [0.5, 0.95],
    (tokens) => tokens,
  ),
  "Prompt length": quantiles(
    (calls) => ok(calls).map(({ inputTokens }) => inputTokens),
    [0.5, 0.95],
    (tokens) => tokens,
  ),
  "Retries and substitutions": overCalls(() => ({
    "retries a call": ["exact", () => 0],
    "other model": ["ratio", (calls) => (ok(calls).length === 0 ? null : 0)],
  })),
  "Tenants a window": overCalls(() => ({
    seen: ["estimate", (calls) => tenantsAWindow(calls, () => true)],
    failed: [
      "estimate",
      (calls) => tenantsAWindow(calls, ({ outcome }) => outcomeGroup[outcome] === "failure"),
    ],
    "rate limited": [
      "estimate",
      (calls) => tenantsAWindow(calls, ({ outcome }) => outcome === "rate_limit"),
    ],
  })),
};

export const countOk = (calls: readonly Call[]) => count(calls, "ok");
