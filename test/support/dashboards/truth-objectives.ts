import {
  type Expectation,
  failuresOf,
  firstTokensOf,
  fromMs,
  modelCalls,
  perScene,
  type Scene,
  servedOf,
  share,
  single,
  stepOf,
  stepsOf,
  sum,
  toMs,
  windowOf,
} from "./truth.ts";
import type { Call } from "./world.ts";

const hourMs = 3_600_000;
const choice = ({ chosen }: Scene, name: string) => Number(chosen[name]);
const allowed = (scene: Scene) => 1 - choice(scene, "objective");

function burn(scene: Scene, calls: readonly Call[]): number | null {
  const ratio = share(failuresOf(calls), servedOf(calls));
  return ratio === null ? null : ratio / allowed(scene);
}

function left(scene: Scene, calls: readonly Call[]): number | null {
  const rate = burn(scene, calls);
  return rate === null ? null : 1 - rate;
}

/** Values within a bucket's width of the limit may count either way: 1/64 of it. */
function quickOf(scene: Scene, calls: readonly Call[]): number | null {
  const first = firstTokensOf(calls).filter((us) => !Number.isNaN(us));
  return share(first.filter((us) => us <= choice(scene, "first_token") * 1e6).length, first.length);
}

const served = (calls: readonly Call[]) => {
  const ratio = share(failuresOf(calls), servedOf(calls));
  return ratio === null ? null : 1 - ratio;
};

interface StepCount {
  readonly step: number;
  readonly failed: number;
  readonly served: number;
}

/** Failures and served calls of each step that has any, from six hours before the range on. */
const countsOf = perScene((scene): readonly StepCount[] =>
  [
    ...Map.groupBy(modelCalls(scene, fromMs(scene) - 6 * hourMs), (call) =>
      stepOf(scene, windowOf(call.endMs)),
    ),
  ].map(([step, calls]) => ({ step, failed: failuresOf(calls), served: servedOf(calls) })),
);

/** Steps of the range with calls in them. */
const presentSteps = perScene(
  (scene) => new Set(modelCalls(scene).map((call) => stepOf(scene, windowOf(call.endMs)))),
);

/** Failures of the counts over what was allowed of them. */
function burnOf(scene: Scene, counts: readonly StepCount[]): number | null {
  const ratio = share(
    sum(counts.map(({ failed }) => failed)),
    sum(counts.map((one) => one.served)),
  );
  return ratio === null ? null : ratio / allowed(scene);
}

/** Burn over the whole steps that begin in the time before each step's end. */
function sliding(scene: Scene, step: number, spanMs: number): number | null {
  if (!presentSteps(scene).has(step)) return null;
  return burnOf(
    scene,
    countsOf(scene).filter((one) => one.step > step - spanMs && one.step <= step),
  );
}

export const objectivesTruth: Readonly<Record<string, Expectation>> = {
  "Served well": (scene) => single("share", "ratio", served(modelCalls(scene))),
  "Budget left in the range": (scene) => single("share", "ratio", left(scene, modelCalls(scene))),
  "Burn rate, last hour": (scene) =>
    single("rate", "real", burn(scene, modelCalls(scene, toMs(scene) - hourMs))),
  "Failures in the range": (scene) => single("failures", "exact", failuresOf(modelCalls(scene))),
  "Failures allowed": (scene) =>
    single("failures", "real", allowed(scene) * servedOf(modelCalls(scene))),
  "First token in time": (scene) => single("share", "bucket", quickOf(scene, modelCalls(scene))),
  "Burn rate": (scene) => ({
    columns: { time: "time", "1 h": "real", "6 h": "real" },
    rows: stepsOf(scene).map((time) => ({
      time,
      "1 h": sliding(scene, time, hourMs),
      "6 h": sliding(scene, time, 6 * hourMs),
    })),
  }),
  "Budget left over the range": (scene) => {
    const counts = [
      ...Map.groupBy(modelCalls(scene), (call) => stepOf(scene, windowOf(call.endMs))),
    ].map(([step, calls]) => ({ step, failed: failuresOf(calls), served: servedOf(calls) }));
    return {
      columns: { time: "time", left: "real" },
      rows: stepsOf(scene).map((time) => {
        const rate = presentSteps(scene).has(time)
          ? burnOf(
              scene,
              counts.filter(({ step }) => step <= time),
            )
          : null;
        return { time, left: rate === null ? null : 1 - rate };
      }),
    };
  },
  "By model and region": (scene) => {
    const cells = Map.groupBy(modelCalls(scene), ({ model, region }) => `${model} ${region}`);
    return {
      columns: {
        model: "text",
        region: "text",
        calls: "exact",
        failures: "exact",
        "served well": "ratio",
        "budget left": "real",
        "first token in time": "bucket",
        "less than wanted": "bucket",
      },
      key: ["model", "region"],
      rows: [...cells.values()].map((calls) => {
        const quick = quickOf(scene, calls);
        return {
          model: calls[0]?.model ?? "",
          region: calls[0]?.region ?? "",
          calls: calls.length,
          failures: failuresOf(calls),
          "served well": served(calls),
          "budget left": left(scene, calls),
          "first token in time": quick,
          "less than wanted":
            quick === null ? null : Math.max(0, choice(scene, "first_token_objective") - quick),
        };
      }),
    };
  },
};
