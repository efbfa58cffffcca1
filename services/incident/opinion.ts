/** What is known of an incident when it is decided how loud it is, and what is then thought of it. */
import type { Judgement } from "../contracts/config.ts";
import type { SignalName } from "../contracts/frame.ts";
import type { Eta } from "./forecast.ts";
import type { Scope } from "./scopes.ts";
import type { Leads } from "./state.ts";
import type { EpisodeView } from "./view.ts";

/** What an episode looks like, and what else its severity depends on. */
export interface SeverityInput
  extends Pick<
    EpisodeView,
    | "degradedShare"
    | "outright"
    | "surelyFailing"
    | "slice"
    | "farSlower"
    | "refusal"
    | "promptGrowth"
    | "slowdown"
    | "isSpreading"
  > {
  readonly judgement: Judgement;
  readonly family: string;
  readonly scopes: readonly Scope[];
  /** CUSUM over the incident's own cells, and their failing ratio. */
  readonly pressure: number;
  readonly failingRatio: number;
  /** Signals with evidence now, and rungs of the ladder among them. */
  readonly signals: readonly SignalName[];
  readonly unusualWindows: number;
  readonly windowMs: number;
}

export interface Opinion {
  readonly severity: "none" | "ticket" | "page";
  readonly reason: string;
  /** Which kind of signal it rests on. */
  readonly leads: Leads;
  readonly forecast: { readonly eta: Eta; readonly what: string } | undefined;
}

export type Forecast = Opinion["forecast"];
