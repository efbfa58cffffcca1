/** Why what lasts is a ticket and not a page, and the words for ratios and times in it. */
import { leastToldMinutes } from "./forecast.ts";
import type { Forecast, SeverityInput } from "./opinion.ts";

export const percent = (ratio: number) =>
  `${(100 * ratio).toFixed(ratio < 0.1 ? 1 : 0).replace(/\.0$/, "")} %`;

export function inMinutes(median: number): string {
  return median < leastToldMinutes ? "within minutes" : `in about ${Math.round(median)} min`;
}

export function ticketReason(input: SeverityInput, forecast: Forecast): string {
  const { pageFailureRatio, pageTrafficShare, forecastHorizonMinutes } = input.judgement.incident;
  switch (input.family) {
    case "client":
      return "Not a page: callers' own mistakes, the service answers them correctly";
    case "quota":
      return "Not a page: as far as telemetry names tenants, the rate limits hit few, not the service's users at large";
    default:
  }
  const reasons: string[] = [];
  if (input.promptGrowth >= Math.log(1.25))
    reasons.push(`prompts are ${Math.exp(input.promptGrowth).toFixed(1)}× longer than usual`);
  if (input.degradedShare < pageTrafficShare)
    reasons.push(
      `it touches ${percent(input.degradedShare)} of traffic, below ${percent(pageTrafficShare)}`,
    );
  else if (input.failingRatio < pageFailureRatio)
    reasons.push(
      `${percent(input.failingRatio)} of requests fail beyond the usual, below ${percent(pageFailureRatio)}`,
    );
  else reasons.push("failing requests have not lasted yet");
  reasons.push(
    forecast === undefined
      ? "nothing is surely rising"
      : forecast.eta.median > forecastHorizonMinutes
        ? `${forecast.what} is more than ${forecastHorizonMinutes} min away`
        : "what rises has not lasted yet",
  );
  return `Not a page: ${reasons.join(", ")}`;
}
