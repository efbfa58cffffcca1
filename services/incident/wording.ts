/** Titles of incidents, and what spoke for them, in a reader's words. */
import { formatRatio, formatSpan } from "../contracts/format.ts";
import { type SignalName, signalCatalog } from "../contracts/frame.ts";

export interface TitleFacts {
  readonly dimensions: readonly Readonly<Record<string, string>>[];
  /** Places where requests are only slow yet. */
  readonly slower?: TitleFacts["dimensions"];
  readonly signal: SignalName;
  /** How many times slower, for latencies. */
  readonly slowdown: number;
  /** Bad ratio now, for ratios. */
  readonly ratio: number;
  /** For silence: how long, ms. */
  readonly quietMs: number;
  readonly isFleetSilent: boolean;
  /** Share of traffic that is missing everywhere at once. */
  readonly trafficLoss: number | undefined;
  /** Share of what this time of the week usually has that is missing. */
  readonly decline: number | undefined;
  readonly trend: "spreading" | "growing" | "steady";
}

/** `claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading`. */
export function titleOf(facts: TitleFacts): string {
  if (facts.isFleetSilent)
    return `Foreshock sees no telemetry at all, for ${formatSpan(facts.quietMs)}`;
  if (facts.trafficLoss !== undefined)
    return `${placeWords(facts.dimensions)}: ${formatRatio(facts.trafficLoss)} of the traffic gone at once`;
  if (facts.decline !== undefined)
    return `${placeWords(facts.dimensions)}: ${formatRatio(facts.decline)} fewer requests than usual at this time`;
  const trend = facts.trend === "steady" ? "" : `, ${facts.trend}`;
  const { slower = [] } = facts;
  const others = slower.length === 0 ? "" : `; ${inSentence(placeWords(slower))} slower`;
  return `${placeWords(facts.dimensions)}: ${symptomOf(facts)}${trend}${others}`;
}

function placeWords(dimensions: TitleFacts["dimensions"]): string {
  if (dimensions.length === 0) return "Everywhere";
  const words = dimensions.map(onePlace).map((one, at) => (at === 0 ? one : inSentence(one)));
  return words.length <= 3
    ? words.join(" and ")
    : `${words.slice(0, 2).join(", ")} and ${words.length - 2} more`;
}

/** Models keep their names; only our own first word begins small after another place. */
const inSentence = (place: string): string => place.replace(/^All of /, "all of ");

function onePlace(place: Readonly<Record<string, string>>): string {
  const { "gen_ai.request.model": model, "cloud.region": region, "http.route": route } = place;
  const { "gen_ai.provider.name": provider, "service.name": service } = place;
  const operation = place["gen_ai.operation.name"];
  const what = model ?? route ?? provider ?? service;
  const named = new Set([
    "gen_ai.request.model",
    "cloud.region",
    "http.route",
    "gen_ai.provider.name",
    "service.name",
    "gen_ai.operation.name",
  ]);
  const others = Object.entries(place)
    .filter(([name]) => !named.has(name))
    .map(([name, value]) => `${name} ${value}`);
  const parts = [
    [what, operation].filter((part) => part !== undefined).join(" "),
    others.join(", "),
  ].filter((part) => part !== "");
  if (parts.length === 0) return region === undefined ? "Everywhere" : `All of ${region}`;
  return parts.join(", ") + (region === undefined ? "" : ` in ${region}`);
}

function symptomOf({ signal, slowdown, ratio, quietMs }: TitleFacts): string {
  const share = formatRatio(ratio);
  switch (signal) {
    case "failures":
      return `${share} of requests failing`;
    case "rate_limited":
      return `${share} of requests rate-limited`;
    case "auth_failures":
      return `${share} of logins and keys refused`;
    case "cancelled":
      return `${share} of requests given up by the caller`;
    case "client_errors":
      return `${share} of requests invalid`;
    case "traffic":
      return `no requests for ${formatSpan(quietMs)}`;
    case "ttft":
    case "duration":
    case "time_per_output_token":
      return `${signalCatalog[signal].words} ${Math.max(1, slowdown).toFixed(1)}× slower`;
    case "retries":
    case "empty_answers":
    case "truncated_answers":
    case "refused_answers":
    case "missing_finish":
    case "substituted":
    case "log_errors":
    case "stragglers":
      return `${signalCatalog[signal].words} at ${share}`;
    case "output_tokens":
    case "in_flight":
    case "queued":
    case "stalled":
      return `${signalCatalog[signal].words} unusual`;
  }
}

/** `1 in 40,000 windows`, rounded to one digit. */
export function rarity(surprise: number): string {
  const exponent = Math.floor(surprise);
  if (exponent >= 9) return "less than once in a billion windows";
  const lead = Math.max(1, Math.round(10 ** (surprise - exponent)));
  const text = (lead * 10 ** exponent).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return `1 in ${text} windows`;
}
