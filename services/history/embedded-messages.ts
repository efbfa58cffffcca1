import type { Account } from "./http-interface/authentication.ts";
import type { BodyLimits } from "./http-interface/request-body.ts";
import type { QueryLimits } from "./http-interface/request-settings.ts";

/** What the parent tells the child, once, over the channel between them: passwords are in no argument or environment. */
export interface StartMessage {
  readonly type: "start";
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly accounts: readonly Account[];
  /** For requests that name no database, or `default`. */
  readonly database: string;
  readonly queryLimits: QueryLimits;
  readonly bodyLimits: BodyLimits;
}

/** Finish what runs, then exit. */
export interface StopMessage {
  readonly type: "stop";
}

export type ToChild = StartMessage | StopMessage;

export type FromChild =
  | { readonly type: "ready"; readonly port: number; readonly version: string }
  | {
      readonly type: "failed";
      readonly reason: "engine" | "port";
      readonly message: string;
    };
