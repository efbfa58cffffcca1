/** What a view of the page is. */
import type { Connection } from "./connection.ts";

export interface View {
  readonly element: HTMLElement;
  /** Called on news and every second. */
  update(connection: Connection): void;
  /** Called when an incident changed. */
  onIncident?(incident: string): void;
  /** The incident that `a` and `s` speak of. */
  incidentInFocus(): string | undefined;
  /** Name of the view in the window's title. */
  title(): string;
  dispose(): void;
}

export interface Actions {
  readonly open: (path: string) => void;
  readonly acknowledge: (incident: string) => void;
  readonly silence: (incident: string | undefined) => void;
  readonly lift: (silence: string) => void;
}
