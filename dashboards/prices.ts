/**
 * What a million tokens cost, USD: an example to be replaced by your own. Lists change, contracts differ, and what depends on a prompt's
 * length, on batches or on writing to a cache is not in it. Change it and run `npm run generate`.
 *
 * Checked on 2026-11-29 against two public copies: Anthropic's page platform.claude.com/docs/en/about-claude/pricing (autumn 2026), and
 * LiteLLM's list `model_prices_and_context_window.json` as of 2026-07-24 (OpenAI's chat models, Claude up to 4.5). The embedding's price
 * is as several price comparisons of 2026 have it.
 */
export interface Price {
  /** Also a dated or `latest` form of it (`gpt-4o-2024-08-06`, `claude-opus-4-1@20250805`), but no other name that begins so. */
  readonly model: string;
  readonly inputUsd: number;
  readonly cachedInputUsd: number;
  readonly outputUsd: number;
}

export const pricesAsOf = "2026";

export const prices: readonly Price[] = [
  { model: "gpt-5.5", inputUsd: 5, cachedInputUsd: 0.5, outputUsd: 30 },
  { model: "gpt-5.4-mini", inputUsd: 0.75, cachedInputUsd: 0.075, outputUsd: 4.5 },
  { model: "gpt-4o", inputUsd: 2.5, cachedInputUsd: 1.25, outputUsd: 10 },
  { model: "gpt-4o-mini", inputUsd: 0.15, cachedInputUsd: 0.075, outputUsd: 0.6 },
  { model: "o4-mini", inputUsd: 1.1, cachedInputUsd: 0.275, outputUsd: 4.4 },
  { model: "text-embedding-3-small", inputUsd: 0.02, cachedInputUsd: 0.02, outputUsd: 0 },
  { model: "claude-opus-5-5", inputUsd: 4, cachedInputUsd: 0.2, outputUsd: 20 },
  { model: "claude-sonnet-5-5", inputUsd: 2, cachedInputUsd: 0.1, outputUsd: 10 },
  { model: "claude-haiku-4-5", inputUsd: 1, cachedInputUsd: 0.1, outputUsd: 5 },
  { model: "claude-sonnet-4-5", inputUsd: 3, cachedInputUsd: 0.3, outputUsd: 15 },
  { model: "claude-opus-4-1", inputUsd: 15, cachedInputUsd: 1.5, outputUsd: 75 },
];

/** As a regular expression of JavaScript and RE2. */
const namePattern = ({ model }: Price) =>
  `^${model.replaceAll(".", "[.]")}([-@:](latest|20[0-9]{2}.*))?$`;

/** The price of a model, or undefined for one that is not listed. The SQL below does the same. */
export function priceOf(model: string): Price | undefined {
  return prices.find((price) => new RegExp(namePattern(price)).test(model));
}

const isModel = (price: Price) => `match(model, '${namePattern(price)}')`;

const perMillion = (pick: (price: Price) => number) =>
  `multiIf(${prices.map((price) => `${isModel(price)}, ${pick(price)}`).join(", ")}, NULL)`;

/** USD for the tokens of a row; NULL for a model without a price. Input tokens include cached ones. */
export const rowCost = `((greatest(0, toInt64(input_tokens) - toInt64(cached_input_tokens)) * ${perMillion((price) => price.inputUsd)} + cached_input_tokens * ${perMillion((price) => price.cachedInputUsd)} + output_tokens * ${perMillion((price) => price.outputUsd)}) / 1e6)`;

export const hasPrice = `(${prices.map(isModel).join(" OR ")})`;
