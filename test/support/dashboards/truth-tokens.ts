import { priceOf } from "../../../dashboards/prices.ts";
import {
  callWindow,
  type Expectation,
  knownSeconds,
  long,
  modelCalls,
  share,
  single,
  sum,
  wide,
} from "./truth.ts";
import { countOk } from "./truth-cell.ts";
import type { Call } from "./world.ts";

/** USD by the price list; the fleet's providers tell of no cached tokens. */
function costOf(calls: readonly Call[]): number | null {
  const priced = calls.flatMap((call) => {
    const price = priceOf(call.model);
    return price === undefined
      ? []
      : [(call.inputTokens * price.inputUsd + call.outputTokens * price.outputUsd) / 1e6];
  });
  return priced.length === 0 ? null : sum(priced);
}

const input = (calls: readonly Call[]) => sum(calls.map(({ inputTokens }) => inputTokens));
/** Embeddings have no output, whatever the fleet counts for them. */
const output = (calls: readonly Call[]) =>
  sum(calls.map(({ isEmbedding, outputTokens }) => (isEmbedding ? 0 : outputTokens)));
const priced = (calls: readonly Call[]) =>
  calls.filter(({ model }) => priceOf(model) !== undefined).length;
const thousandfold = (cost: number | null, calls: number) =>
  cost === null ? null : share(1000 * cost, calls);

export const tokensTruth: Readonly<Record<string, Expectation>> = {
  "Cost in the range": (scene) => single("usd", "real", costOf(modelCalls(scene))),
  "Cost of 1,000 calls": (scene) => {
    const calls = modelCalls(scene);
    return single("usd", "real", thousandfold(costOf(calls), priced(calls)));
  },
  "Input tokens": (scene) => single("tokens", "exact", input(modelCalls(scene))),
  "Output tokens": (scene) => single("tokens", "exact", output(modelCalls(scene))),
  "Input from cache": (scene) => single("share", "ratio", share(0, input(modelCalls(scene)))),
  "Calls without a price": (scene) => {
    const calls = modelCalls(scene);
    return single("share", "ratio", share(calls.length - priced(calls), calls.length));
  },
  "Cost an hour by model": (scene) =>
    long(scene, modelCalls(scene), {
      atMs: callWindow,
      series: ({ model }) => model,
      value: [
        "real",
        (calls, step) => {
          const cost = costOf(calls);
          return cost === null ? null : (cost / knownSeconds(scene, step)) * 3600;
        },
      ],
    }),
  "Tokens a second": (scene) => {
    const rate =
      (of: (calls: readonly Call[]) => number) => (calls: readonly Call[], step: number) =>
        of(calls) / knownSeconds(scene, step);
    return wide(scene, modelCalls(scene), {
      atMs: callWindow,
      values: {
        input: ["real", rate(input)],
        "input from cache": ["exact", () => 0],
        output: ["real", rate(output)],
        reasoning: ["exact", () => 0],
      },
    });
  },
  "Tokens a call": (scene) =>
    wide(scene, modelCalls(scene), {
      atMs: callWindow,
      values: {
        input: ["real", (calls) => share(input(calls), countOk(calls))],
        output: ["real", (calls) => share(output(calls), countOk(calls))],
      },
    }),
  "By model": (scene) => {
    const byModel = Map.groupBy(modelCalls(scene), ({ model }) => model);
    return {
      columns: {
        provider: "text",
        model: "text",
        calls: "exact",
        input: "exact",
        output: "exact",
        cost: "real",
        "cost of 1,000 calls": "real",
      },
      rows: [...byModel]
        .map(([model, calls]) => ({
          provider: calls[0]?.provider ?? "",
          model,
          calls: calls.length,
          input: input(calls),
          output: output(calls),
          cost: costOf(calls),
          "cost of 1,000 calls": thousandfold(costOf(calls), calls.length),
        }))
        .sort((a, b) => (b.cost ?? -1) - (a.cost ?? -1)),
    };
  },
};
