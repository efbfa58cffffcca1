/** Who is told what, and why: a pure decision over an incident, what a sink was told before, silences and the time. */
import type { Incident, Severity, Transition } from "../contracts/incident.ts";
import { type Attributes, holds, placesOf } from "../contracts/place.ts";
import { isSilenced, type Silence } from "../contracts/silence.ts";

export type NotifiedTransition = Transition | "renotified";

/** What one sink was told of one incident. "Told" is the decision to tell; whether it arrived is the task's matter. */
export interface Told {
  /** Every severity told so far, oldest first; the last one stands. */
  readonly severities: Severity[];
  /** Size at the last telling: growth beyond it is news. */
  readonly degradedCells: number;
  readonly degradedShare: number;
  /** Absent where it was not known, and of states from before it was kept: then it is no news. */
  readonly failing?: number | undefined;
  /** Every place named so far, `[{}]` for everywhere. Absent as above. */
  readonly places?: readonly Attributes[] | undefined;
  /** Whether any telling since it opened had a forecast. */
  readonly hasForecast: boolean;
  /** Last page or renotification, Unix ms. */
  readonly atMs: number;
  readonly renotified: number;
  readonly isResolved: boolean;
  /** Times that it opened again after the end was told: each is told under keys of its own. */
  readonly reopened: number;
  /** Last upkeep of a sink that forgets, Unix ms. */
  readonly keptAliveMs: number;
  /** Tellings that a silence held back and that are on record as such. */
  readonly silencedKeys: string[];
}

export interface Tracked {
  readonly incident: Incident;
  /** Place named when someone was first told; it names the alert to receivers, so it never changes afterwards. */
  readonly place: Readonly<Record<string, string>>;
  /** By sink. */
  readonly told: Record<string, Told>;
}

/** Why something is sent. */
export type SendReason =
  | "severity_rose"
  | "grew_much"
  | "place_named"
  | "forecast_made"
  | "resolved"
  | "not_acknowledged_in_time"
  | "silence_over";

/** Why nothing is sent. */
type HoldReason =
  | "nobody_to_be_told"
  | "below_minimum_severity"
  | "silenced"
  | "already_told"
  | "never_told"
  | "acknowledged";

export type Decision =
  | {
      readonly send: true;
      readonly why: SendReason;
      readonly transition: NotifiedTransition;
      readonly key: string;
    }
  | { readonly send: false; readonly why: Exclude<HoldReason, "silenced"> }
  /** Held back; `record` when this silence of this telling is not on record yet. */
  | {
      readonly send: false;
      readonly why: "silenced";
      readonly transition: NotifiedTransition;
      readonly key: string;
      readonly record: boolean;
    };

export interface SinkRule {
  readonly name: string;
  readonly minimumSeverity: Severity;
}

export interface RouteInput {
  readonly tracked: Tracked;
  readonly sink: SinkRule;
  readonly silences: readonly Silence[];
  readonly isAcknowledged: boolean;
  readonly renotifyMs: number;
  readonly nowMs: number;
}

const rank: Readonly<Record<Severity, number>> = { none: 0, ticket: 1, page: 2 };

/** Growth that is news: half as many cells again since the sink was last told, or three times the failing ratio, if that is one to page for. */
const newsFactor = { cells: 1.5, failing: 3 } as const;
const leastFailing = 0.05;

/** What this sink is owed now. The same input gives the same decision, so asking twice tells nobody twice. */
export function route(input: RouteInput): Decision {
  const { tracked, sink } = input;
  const { incident } = tracked;
  const told = standing(tracked, sink.name);
  const toldSeverity = told?.severities.at(-1) ?? "none";
  const nth = told === undefined || told.reopened === 0 ? "" : `-${told.reopened + 1}`;

  if (incident.phase === "resolved") {
    if (told === undefined || toldSeverity === "none") return hold("never_told");
    if (told.isResolved) return hold("already_told");
    return send(input, "resolved", "resolved", `resolved${nth}`);
  }
  if (incident.severity === "none") return hold("nobody_to_be_told");
  if (rank[incident.severity] < rank[sink.minimumSeverity]) return hold("below_minimum_severity");

  if (rank[incident.severity] > rank[toldSeverity]) {
    const transition = incident.severity === "page" ? "paged" : "ticketed";
    const keyPart = `${transition}${nth}`;
    const wasSilenced = told?.silencedKeys.some((key) => key.includes(`/${keyPart}/`)) ?? false;
    return unlessSilenced(
      input,
      wasSilenced ? "silence_over" : "severity_rose",
      transition,
      keyPart,
    );
  }
  if (told === undefined) return hold("already_told");
  if (hasGrownMuch(incident, told))
    return unlessSilenced(input, "grew_much", "grew", `r${incident.revision}`);
  if (toldSeverity === "page" && told.places && newPlaces(incident, told.places).length > 0)
    return unlessSilenced(input, "place_named", "grew", `r${incident.revision}`);
  // Who was paged without one wants to know how long is left; a ticket can wait.
  if (toldSeverity === "page" && incident.forecast !== null && !told.hasForecast)
    return unlessSilenced(input, "forecast_made", "grew", `r${incident.revision}`);
  if (toldSeverity === "page" && input.nowMs - told.atMs >= input.renotifyMs) {
    if (input.isAcknowledged) return hold("acknowledged");
    const count = told.renotified + 1;
    return unlessSilenced(
      input,
      "not_acknowledged_in_time",
      "renotified",
      count === 1 ? "renotified" : `renotified-${count}`,
    );
  }
  return hold("already_told");
}

/** What the sink has been told once `decision` is carried out. */
export function toldAfter(tracked: Tracked, sink: string, sent: SentDecision): Told {
  const { incident } = tracked;
  const before = standing(tracked, sink) ?? untold;
  const severities =
    before.severities.at(-1) === incident.severity || sent.transition === "resolved"
      ? before.severities
      : [...before.severities, incident.severity];
  const restartsWait = sent.transition !== "grew" && sent.transition !== "resolved";
  return {
    severities,
    degradedCells: incident.degradedCells,
    degradedShare: incident.degradedShare,
    failing: incident.failing,
    places: [...(before.places ?? []), ...newPlaces(incident, before.places ?? [])],
    hasForecast: before.hasForecast || incident.forecast !== null,
    atMs: restartsWait ? sent.nowMs : before.atMs,
    renotified: before.renotified + (sent.transition === "renotified" ? 1 : 0),
    isResolved: sent.transition === "resolved",
    keptAliveMs: sent.nowMs,
    silencedKeys: before.silencedKeys,
    reopened: before.reopened,
  };
}

/** What the sink was told of the incident since it opened last: after its end was told, that is nothing. */
function standing({ incident, told }: Tracked, sink: string): Told | undefined {
  const last = told[sink];
  if (last === undefined || !last.isResolved || incident.phase === "resolved") return last;
  const { renotified, silencedKeys, reopened } = last;
  return { ...untold, renotified, silencedKeys, reopened: reopened + 1 };
}

export interface SentDecision {
  readonly transition: NotifiedTransition;
  readonly nowMs: number;
}

export const untold: Told = {
  severities: [],
  degradedCells: 0,
  degradedShare: 0,
  hasForecast: false,
  atMs: 0,
  renotified: 0,
  isResolved: false,
  keptAliveMs: 0,
  silencedKeys: [],
  reopened: 0,
};

function hasGrownMuch(incident: Incident, told: Told): boolean {
  const hasMoreCells =
    incident.degradedCells >= told.degradedCells * newsFactor.cells &&
    incident.degradedCells > told.degradedCells;
  // What was paged as slow, or as little, must not be an outage that nobody was told of.
  if (hasMoreCells || told.failing === undefined) return hasMoreCells;
  return (incident.failing ?? 0) >= Math.max(leastFailing, newsFactor.failing * told.failing);
}

/** Places named that are no part of one that was told: whoever works on the first trouble would not know of another one that joined it. */
function newPlaces({ dimensions }: Incident, told: readonly Attributes[]): Attributes[] {
  return placesOf(dimensions).filter((place) => !told.some((whole) => holds(whole, place)));
}

function hold(why: Exclude<HoldReason, "silenced">): Decision {
  return { send: false, why };
}

function send(
  { tracked, sink }: RouteInput,
  why: SendReason,
  transition: NotifiedTransition,
  keyPart: string,
): Decision {
  return {
    send: true,
    why,
    transition,
    key: `${tracked.incident.incident}/${keyPart}/${sink.name}`,
  };
}

function unlessSilenced(
  input: RouteInput,
  why: SendReason,
  transition: NotifiedTransition,
  keyPart: string,
): Decision {
  const { incident, told } = input.tracked;
  if (!isSilenced(incident, input.silences, input.nowMs))
    return send(input, why, transition, keyPart);
  // The telling itself may still follow when the silence ends, so being held back has a key of its own.
  const key = `${incident.incident}/silenced/${keyPart}/${input.sink.name}`;
  const isOnRecord = told[input.sink.name]?.silencedKeys.includes(key) ?? false;
  return { send: false, why: "silenced", transition, key, record: !isOnRecord };
}
