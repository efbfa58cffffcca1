/**
 * What a million tokens cost, USD, as the providers listed it on the given day; a model's name may go on after the one here
 * (`gpt-4o-2024-08-06`), and the longest that fits counts. Lists change, contracts differ: put your own prices here and run
 * `npm run generate`.
 */
export interface Price {
  readonly model: string;
  readonly inputUsd: number;
  readonly cachedInputUsd: number;
  readonly outputUsd: number;
}

export const pricesAsOf = "October 2025";

export const prices: readonly Price[] = [
  { model: "gpt-4o", inputUsd: 2.5, cachedInputUsd: 1.25, outputUsd: 10 },
  { model: "gpt-4o-mini", inputUsd: 0.15, cachedInputUsd: 0.075, outputUsd: 0.6 },
  { model: "o4-mini", inputUsd: 1.1, cachedInputUsd: 0.275, outputUsd: 4.4 },
  { model: "text-embedding-3-small", inputUsd: 0.02, cachedInputUsd: 0.02, outputUsd: 0 },
  { model: "claude-haiku-4-5", inputUsd: 1, cachedInputUsd: 0.1, outputUsd: 5 },
  { model: "claude-sonnet-4-5", inputUsd: 3, cachedInputUsd: 0.3, outputUsd: 15 },
  { model: "claude-opus-4-1", inputUsd: 15, cachedInputUsd: 1.5, outputUsd: 75 },
];

/** The price of a model, or undefined for one that is not listed. The SQL below does the same. */
export function priceOf(model: string): Price | undefined {
  return prices
    .filter((price) => model.startsWith(price.model))
    .sort((a, b) => b.model.length - a.model.length)[0];
}

/** Longest names first, so that the first that fits is the one. */
const ordered = [...prices].sort((a, b) => b.model.length - a.model.length);

const perMillion = (pick: (price: Price) => number) =>
  `multiIf(${ordered.map((price) => `startsWith(model, '${price.model}'), ${pick(price)}`).join(", ")}, NULL)`;

/** USD for the tokens of a row; NULL for a model without a price. Input tokens include cached ones. */
export const rowCost = `((greatest(0, toInt64(input_tokens) - toInt64(cached_input_tokens)) * ${perMillion((price) => price.inputUsd)} + cached_input_tokens * ${perMillion((price) => price.cachedInputUsd)} + output_tokens * ${perMillion((price) => price.outputUsd)}) / 1e6)`;

export const hasPrice = `(${ordered.map((price) => `startsWith(model, '${price.model}')`).join(" OR ")})`;
