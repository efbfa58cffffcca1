/** What is known of an incident when it is decided how loud it is, and what is then thought of it. */
import type { Judgement } from "../contracts/config.ts";
import type { SignalName } from "../contracts/frame.ts";
import type { RefusalShare } from "./broad-refusal-share.ts";
import type { FailingSlice } from "./failing-slices.ts";
import type { FarSlower } from "./far-slower-share.ts";
import type { Eta } from "./forecast.ts";
import type { OutrightShares } from "./outright-share.ts";
import type { Scope } from "./scopes.ts";
import type { Leads } from "./state.ts";
import type { SurelyFailing } from "./surely-failing.ts";

export interface SeverityInput {
  readonly judgement: Judgement;
  readonly family: string;
  readonly scopes: readonly Scope[];
  /** CUSUM over the incident's own cells, and their failing ratio and share of usual traffic. */
  readonly pressure: number;
  readonly failingRatio: number;
  readonly degradedShare: number;
  readonly outright: OutrightShares;
  readonly surelyFailing: SurelyFailing;
  readonly slice: FailingSlice | undefined;
  readonly farSlower: FarSlower;
  readonly refusal: RefusalShare;
  /** ln of how many times longer prompts are than usual. */
  readonly promptGrowth: number;
  /** Signals with evidence now, and rungs of the ladder among them. */
  readonly signals: readonly SignalName[];
  readonly unusualWindows: number;
  readonly windowMs: number;
  readonly isSpreading: boolean;
}

export interface Opinion {
  readonly severity: "none" | "ticket" | "page";
  readonly reason: string;
  /** Which kind of signal it rests on. */
  readonly leads: Leads;
  readonly forecast: { readonly eta: Eta; readonly what: string } | undefined;
}

export type Forecast = Opinion["forecast"];
