/** The incident task's whole memory. Everything in it survives JSON, so a snapshot is the state itself. */
import type { CellKey } from "../contracts/cell.ts";
import type { SignalName } from "../contracts/frame.ts";
import type { Incident, Severity } from "../contracts/incident.ts";
import type { Family } from "./families.ts";
import type { GroupTrack } from "./group-track.ts";
import { initialJoin, type JoinState } from "./join.ts";
import type { SilenceMemory } from "./silence-memory.ts";
import type { Slices } from "./slices.ts";
import type { CellTrack } from "./track.ts";
import { initialDecline, type TrafficDecline } from "./traffic-decline.ts";
import { initialFlaps, type TrafficFlaps } from "./traffic-flaps.ts";
import type { TrafficLevels } from "./traffic-surge.ts";

/** Requests that no longer come, see `traffic-loss.ts`. */
export interface TrafficLoss {
  /** Requests a window before it. */
  readonly usual: number;
  readonly sinceMs: number;
  /** Share that is missing now, 0 … 1. */
  readonly share: number;
  /** Traffic fell, came back and fell again, see `traffic-flaps.ts`. */
  readonly isRepeated: boolean;
}

export interface IncidentState {
  readonly join: JoinState;
  readonly cells: Record<CellKey, CellTrack>;
  readonly groups: Record<string, GroupTrack>;
  readonly silences: Record<CellKey, SilenceMemory>;
  readonly slices: Slices;
  /** Open ones, and those resolved so short ago that they may open again. In order of opening. */
  episodes: Episode[];
  /** Windows in a row in which nothing at all was seen of any cell. */
  silentWindows: number;
  /** Requests of all cells a window, for some minutes, oldest first. */
  readonly recentRequests: number[];
  /** A loss of traffic everywhere at once, while it lasts. */
  trafficLoss: TrafficLoss | null;
  /** Levels of the last hours; absent in older checkpoints. */
  trafficLevels?: TrafficLevels;
  readonly flaps: TrafficFlaps;
  readonly decline: TrafficDecline;
  windows: number;
}

export interface EpisodeEvidence {
  readonly signal: SignalName;
  readonly cell: CellKey;
  readonly sinceMs: number;
  bad: number;
  of: number;
  surprise: number;
  seen: number | null;
  expected: number | null;
  low: number | null;
  high: number | null;
  detector: string;
}

/** Which kind of signal an incident is told by. */
export type Leads = "outright" | "failing" | "lasting" | "slice" | "latency" | "stragglers" | "any";

export interface ValueCounts {
  bad: number;
  of: number;
  /** Bad requests if the value did not matter: each cell's bad requests, spread over values by requests. */
  expected: number;
}

export interface Member {
  readonly sinceMs: number;
  /** Start of the last window in which it was degraded. */
  lastMs: number;
  /** Whether what its frames told of further dimensions before was taken over. */
  hasDimensions: boolean;
}

/** One incident from its opening to its end; a reopened one begins again under the same id. */
export interface Episode {
  readonly incident: string;
  readonly family: Family;
  revision: number;
  phase: Incident["phase"];
  severity: Severity;
  /** Why the severity is what it is, and which kind of signal says so. */
  reason: string;
  leads: Leads;
  /** Start of the first unusual window. */
  sinceMs: number;
  openedMs: number;
  resolvedMs: number | null;
  readonly members: Record<CellKey, Member>;
  readonly evidence: Record<string, EpisodeEvidence>;
  /** Windows with evidence since it opened, and with requests but without evidence in a row. */
  unusualWindows: number;
  healthyWindows: number;
  /** How often it has come again after it was resolved. */
  returns: number;
  /** Page's CUSUM over all members, see `severity.ts`. */
  pressure: number;
  /** What was said last, for telling growth. */
  saidCells: number;
  saidShare: number;
  /** Failing ratio beyond the usual; absent in older checkpoints. */
  saidFailing?: number;
  saidMs: number;
  /** Whether any of it said how long is left; in states from before it was kept: no. */
  hasSaidForecast?: boolean;
  /** Places that were told since it was paged, and one that was not, with the minutes that it has been so; absent in older checkpoints. */
  toldPlaces?: readonly Readonly<Record<string, string>>[];
  /** Since when it is twice as much as was said; absent: it is not. */
  grownMs?: number;
  untoldPlace?: { readonly name: string; readonly minutes: number };
  /** Degraded share a minute, for the doubling time: the last half hour. */
  shares: number[];
  totals: { bad: number; of: number; tenants: number };
  /** Counts by value of the other dimensions, over members, since it opened. */
  readonly dimensions: Record<string, Record<string, ValueCounts>>;
  examples: Incident["examples"];
  /** What the last record said; kept for resolving, when there is nothing left to look at. */
  said: Incident | null;
}

export function initialState(): IncidentState {
  return {
    join: initialJoin(),
    cells: {},
    groups: {},
    silences: {},
    slices: {},
    episodes: [],
    silentWindows: 0,
    recentRequests: [],
    trafficLoss: null,
    flaps: initialFlaps(),
    decline: initialDecline(),
    windows: 0,
  };
}

export const isOpen = (episode: Episode): boolean => episode.phase !== "resolved";
