/** What a sink is. A new one is a file beside this, a line in `registry.ts`, and its settings in the configuration schema. */
import type { Incident, Severity } from "../../contracts/incident.ts";
import type { NotifiedTransition, SendReason } from "../route.ts";

export interface Notification {
  /** `incident/transition-or-revision/sink`: the same again on every repeat. */
  readonly key: string;
  readonly transition: NotifiedTransition;
  /** A `keep_alive` says nothing new and is not recorded. */
  readonly why: SendReason | "keep_alive";
  readonly incident: Incident;
  /** Every severity this sink was told, oldest first; the last one stands. Never empty. */
  readonly severities: readonly Severity[];
  /** Attribute names and values that name the place; fixed from the first telling on. */
  readonly place: Readonly<Record<string, string>>;
  /** The alert as people read it. */
  readonly text: string;
  /** The incident on the page, if anything says how the page is reached. */
  readonly url: string | undefined;
}

export type SinkAnswer =
  | { readonly outcome: "delivered"; readonly detail: string }
  /** May go through later. */
  | {
      readonly outcome: "retry";
      readonly detail: string;
      readonly retryAfterMs?: number | undefined;
    }
  /** Will never go through as it is. */
  | { readonly outcome: "refused"; readonly detail: string };

export interface Sink {
  readonly name: string;
  readonly minimumSeverity: Severity;
  /** The receiver forgets what it is not told again, so open incidents are sent again every `resendSeconds`. */
  readonly forgets: boolean;
  /** Never throws for what the receiver does; `signal` ends the try. */
  deliver(notification: Notification, signal: AbortSignal): Promise<SinkAnswer>;
  /** Tells the receiver that Foreshock lives, to be believed for `holdMs` from now on; only where it can notice the end. */
  readonly beat?: (holdMs: number, signal: AbortSignal) => Promise<SinkAnswer>;
}

export interface SinkContext {
  readonly nowMs: () => number;
  /** How long a receiver that forgets is to remember an open incident, ms. */
  readonly holdMs: number;
  /** Writes to the terminal. */
  readonly write: (text: string) => void;
  /** Whether the terminal takes colours. */
  readonly hasColor: boolean;
}
