/**
 * How loud. A page needs a user-visible failure that matters, or a precursor that has a forecast, or one that is
 * large, lasting and spreading. Everything else that lasts is a ticket, which says why it is not a page.
 */
import type { SignalName } from "../contracts/frame.ts";
import { slownessSignals } from "./families.ts";
import {
  type Eta,
  forecastOutage,
  foretellByFailing,
  foretellByLatency,
  isRising,
} from "./forecast.ts";
import type { Minute } from "./group-track.ts";
import { isPlainlyLasting, ratioLately } from "./lasting.ts";
import type { Forecast, Opinion, SeverityInput } from "./opinion.ts";
import { lastingRatio, lastingShare, lastingToPage, pressureToPage } from "./pressure.ts";
import type { Scope } from "./scopes.ts";
import { beyondPrompts } from "./slowness.ts";
import { inMinutes, percent, ticketReason } from "./ticket-reason.ts";

/** Slow-down from which latency foretells, and from which it is bad in itself. */
const tellingSlowdown = Math.log(1.35);
/** An HTTP route is a part of what users wait for: a precursor when it takes twice as long. */
const tellingSlowdownHttp = Math.log(2);
const largeSlowdown = Math.log(2);
/** Full minutes after which a large slow-down needs nothing else: no cold cache and no restart takes so long. */
const lastingSlowMinutes = 5;
export const lastingSlowShare = 0.05;
export const lastingSlowdown = Math.log(1.75);
/** Share of traffic that a precursor must touch: users of one small model are told by failures. */
const precursorShare = 0.1;

export function judgeSeverity(input: SeverityInput): Opinion {
  const known = bestForecast(input);
  const isNear =
    known !== undefined && known.eta.median <= input.judgement.incident.forecastHorizonMinutes;
  // What lies beyond the horizon is not told: so far, growth of some minutes does not carry.
  const forecast = isNear ? known : undefined;
  const outright = outrightReason(input);
  if (outright !== undefined)
    // What fails outright is there already.
    return { severity: "page", reason: outright, leads: "outright", forecast: undefined };
  const visible = visibleReason(input);
  if (visible !== undefined) return { severity: "page", ...visible, forecast };
  const refusal = refusalReason(input);
  if (refusal !== undefined)
    return { severity: "page", reason: refusal, leads: "any", forecast: undefined };
  const slice = sliceReason(input);
  if (slice !== undefined) return { severity: "page", reason: slice, leads: "slice", forecast };
  const precursor = precursorReason(input, forecast);
  if (precursor !== undefined) return { severity: "page", ...precursor, forecast };
  const slower = farSlowerReason(input);
  if (slower !== undefined)
    return { severity: "page", reason: slower, leads: "stragglers", forecast };
  const lasted = (input.unusualWindows * input.windowMs) / 60_000;
  const least = isMild(input, known) ? mildMinutes : 1;
  if (lasted < least)
    return {
      severity: "none",
      reason: `Watching: not yet ${least === 1 ? "a minute" : `${least} min`} old`,
      leads: "any",
      forecast,
    };
  return {
    severity: "ticket",
    reason: ticketReason(input, known),
    leads: ticketLeads(input),
    forecast,
  };
}

/**
 * A page is worth `pageFailureRatio` failing over `pageTrafficShare` of traffic. What fails outright is so much more for each request that a
 * smaller share will do: five times that product, 0.5 % of traffic by default.
 */
const outrightFactor = 5;

function outrightReason(input: SeverityInput): string | undefined {
  const { judgement, family, outright } = input;
  if (family !== "service") return undefined;
  const { pageFailureRatio, pageTrafficShare } = judgement.incident;
  if (outright.outright < outrightFactor * pageFailureRatio * pageTrafficShare) return undefined;
  // A place is named right once most of it is known; a part that fails everywhere is told by its ratio.
  if (outright.unfolding > outright.outright) return undefined;
  return `Users feel it: most requests fail, from one moment to the next, in cells with ${percent(outright.outright)} of traffic`;
}

/** Callers' mistakes are theirs; what nearly all of them are told from one moment to the next is not. */
function refusalReason({ judgement, family, refusal }: SeverityInput): string | undefined {
  if (family !== "client" || refusal.share < judgement.incident.pageTrafficShare) return undefined;
  return `Users feel it: ${percent(refusal.ratio)} of requests are refused as invalid in cells with ${percent(refusal.share)} of traffic, whoever sends them`;
}

/** What surely fails of one version, instance or tier is worth as much as if it were a place of its own. */
function sliceReason({ judgement, family, slice }: SeverityInput): string | undefined {
  const { pageFailureRatio, pageTrafficShare } = judgement.incident;
  if (family !== "service" || slice === undefined) return undefined;
  if (slice.ofAll < pageFailureRatio * pageTrafficShare) return undefined;
  return `Users feel it: requests with ${slice.dimension} ${slice.value} fail for minutes, far more often than others in the same cells`;
}

function farSlowerReason(input: SeverityInput): string | undefined {
  const { judgement, family, farSlower, signals, promptGrowth } = input;
  // Where everything is slower, or prompts are longer, so are the slowest: that has rules of its own.
  const isAlone = signals.every((signal) => signal === "stragglers");
  if (family !== "service" || !isAlone || promptGrowth >= Math.log(1.25)) return undefined;
  const { share, ratio, longestMs, weight } = farSlower;
  const { pageTrafficShare } = judgement.incident;
  // In less than a quarter of that share they are few however long it lasts.
  if (weight < pageTrafficShare || share < pageTrafficShare / 4) return undefined;
  return `Users feel it: ${percent(ratio)} of answers are far slower than usual in cells with ${percent(share)} of traffic, for ${Math.round(longestMs / 60_000)} min in all`;
}

function visibleReason(input: SeverityInput): Pick<Opinion, "reason" | "leads"> | undefined {
  const { judgement, family } = input;
  if (family !== "service" && family !== "quality") return undefined;
  const { pageTrafficShare, pageFailureRatio } = judgement.incident;
  const { share, ratio, isUnfolding } = input.surelyFailing;
  if (family === "service" && share >= pageTrafficShare && !isUnfolding)
    return {
      reason: `Users feel it: ${percent(ratio)} of requests fail in cells with ${percent(share)} of traffic`,
      leads: "failing",
    };
  if (input.pressure >= pressureToPage && input.degradedShare >= pageTrafficShare)
    return {
      reason: `Users feel it: ${percent(input.failingRatio)} of requests beyond the usual fail in cells with ${percent(input.degradedShare)} of traffic`,
      leads: "failing",
    };
  const still = (scope: Scope, ratio: number) => scope.failing >= stillPart * ratio;
  const pressed = widest(
    input.scopes.filter(
      (scope) =>
        scope.isFilled &&
        scope.track.pressure >= pressureToPage &&
        scope.share >= pageTrafficShare &&
        still(scope, pageFailureRatio),
    ),
  );
  if (pressed !== undefined)
    return {
      reason: `Users feel it: failing requests stay above ${percent(pageFailureRatio)} over ${pressed.name}, ${percent(pressed.share)} of traffic`,
      leads: "failing",
    };
  const lasting = widest(
    input.scopes.filter(
      (scope) =>
        scope.track.lastingPressure >= lastingToPage &&
        scope.share >= lastingShare &&
        isPlainlyLasting(scope.track) &&
        still(scope, lastingRatio),
    ),
  );
  if (lasting !== undefined)
    return {
      reason: `Users feel it: ${percent(Math.max(0, ratioLately(lasting.track)))} of requests beyond the usual fail over ${lasting.name}, ${percent(lasting.share)} of traffic, and it does not end`,
      leads: "lasting",
    };
  return undefined;
}

/** Part of a paging ratio that a place must show now: pressure fades more slowly than what made it. */
const stillPart = 0.5;

/** Failing ratio of a place from which its latency no longer says when users are hurt: they are. */
const hurtRatio = 0.1;

function bestForecast(input: SeverityInput): Forecast {
  if (input.family !== "service") return undefined;
  const { breachFailureRatio } = input.judgement.incident;
  const scopes = input.scopes.filter(({ isFilled, share }) => isFilled && share >= precursorShare);
  const isHurt = scopes.some(({ track }) => (track.minutes.at(-1)?.failing ?? 0) >= hurtRatio);
  const latency: Eta[] = [];
  const failing: Eta[] = [];
  const told: Scope[] = [];
  for (const scope of scopes) {
    const { minutes } = scope.track;
    const full =
      !isHurt && isSlow(minutes, 2, tellingOf(scope))
        ? foretellByLatency(minutes, scope.isHttp ? "queue" : "batch")
        : undefined;
    const breach = isFailing(minutes)
      ? foretellByFailing(minutes, breachRatioOf(scope, breachFailureRatio))
      : undefined;
    if (full !== undefined) latency.push(full);
    if (breach !== undefined) failing.push(breach);
    if (full !== undefined || breach !== undefined) told.push(scope);
  }
  const eta = forecastOutage({ latency, failing });
  const place = widest(told);
  if (eta === undefined || place === undefined) return undefined;
  const what = place.isWhole
    ? `${percent(breachFailureRatio)} of users failing`
    : `${percent(breachRatioOf(place, breachFailureRatio))} failing over ${place.name}`;
  return { eta, what };
}

/** Half of a place's requests, or so many that of all users the stated ratio fails: whichever comes first. */
function breachRatioOf(scope: Scope, breachFailureRatio: number): number {
  return Math.min(Math.max(0.5, breachFailureRatio), breachFailureRatio / scope.share);
}

function widest(scopes: readonly Scope[]): Scope | undefined {
  let found: Scope | undefined;
  for (const scope of scopes) if (isWider(scope, found)) found = scope;
  return found;
}

function isWider(scope: Scope, than: Scope | undefined): boolean {
  if (than === undefined || scope.isWhole !== than.isWhole)
    return than === undefined || scope.isWhole;
  return scope.share > than.share;
}

function tellingOf(scope: Scope): number {
  return scope.isHttp ? tellingSlowdownHttp : tellingSlowdown;
}

/** Whether at least 1 % of requests beyond the usual failed in each of the last 3 minutes. */
function isFailing(minutes: readonly Minute[]): boolean {
  const last = minutes.slice(-3);
  return last.length === 3 && last.every(({ failing }) => (failing ?? 0) >= 0.01);
}

function isSlow(minutes: readonly Minute[], count: number, atLeast: number): boolean {
  const last = minutes.slice(-count);
  return last.length === count && last.every(({ slowdown }) => (slowdown ?? 0) >= atLeast);
}

/** Signals further up the ladder than latency. */
const rungs: readonly SignalName[] = [
  "failures",
  "rate_limited",
  "auth_failures",
  "cancelled",
  "retries",
  "in_flight",
  "substituted",
];

function precursorReason(
  input: SeverityInput,
  forecast: Forecast,
): Pick<Opinion, "reason" | "leads"> | undefined {
  if (input.family !== "service") return undefined;
  const isNear = forecast !== undefined;
  const left = isNear ? `; ${forecast.what} ${inMinutes(forecast.eta.median)}` : "";
  for (const scope of input.scopes) {
    if (!scope.isFilled || scope.share < lastingSlowShare) continue;
    const { minutes } = scope.track;
    const place = `${scope.name}, ${percent(scope.share)} of traffic`;
    const factor = Math.exp(median(minutes.slice(-3).map((m) => m.slowdown ?? 0))).toFixed(1);
    const rises = isRising(minutes.map((minute) => minute.slowdown));
    if (isNear && rises && isSlow(minutes, 2, tellingOf(scope)))
      return { reason: `Latency ${factor}× and rising over ${place}${left}`, leads: "latency" };
    const hasRung = input.signals.some((signal) => rungs.includes(signal)) && isFailing(minutes);
    if (isSlow(minutes, 3, largeSlowdown) && (hasRung || (rises && input.isSpreading)))
      return {
        reason: `Latency ${factor}× for 3 min over ${place}, and ${hasRung ? "requests begin to fail" : "spreading"}${left}`,
        leads: "latency",
      };
    if (isSlow(minutes, lastingSlowMinutes, lastingSlowdown))
      return {
        reason: `Latency ${factor}× for ${lastingSlowMinutes} min over ${place}${left}`,
        leads: "latency",
      };
    if (isNear && isFailing(minutes) && isRising(minutes.map((minute) => minute.failing)))
      return { reason: `Failing requests rise over ${place}${left}`, leads: "failing" };
  }
  return undefined;
}

function ticketLeads({ signals, scopes }: SeverityInput): Opinion["leads"] {
  if (signals.some((signal) => slownessSignals.some((slow) => slow === signal))) return "any";
  const isLasting = scopes.some(({ track, share }) => track.isLasting && share >= lastingShare);
  return isLasting ? "lasting" : "any";
}

/** Nothing but slower, little or in few requests, and nothing rises: busy hours do that, so it must last before anybody is told. */
function isMild(input: SeverityInput, known: Forecast): boolean {
  const { signals, slowdown, promptGrowth, degradedShare, judgement } = input;
  return (
    known === undefined &&
    signals.every((signal) => slownessSignals.some((slow) => slow === signal)) &&
    (beyondPrompts(slowdown, promptGrowth) < mildSlowdown ||
      degradedShare < judgement.incident.pageTrafficShare)
  );
}

const mildSlowdown = Math.log(1.5);
const mildMinutes = 10;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
