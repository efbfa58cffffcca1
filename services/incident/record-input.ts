/** What the record of a transition is made from. */
import type { Degraded } from "./degraded-signal.ts";
import type { FleetWindow } from "./join.ts";
import type { Opinion } from "./opinion.ts";
import type { Episode, IncidentState } from "./state.ts";
import type { EpisodeView } from "./view.ts";

export interface RecordInput {
  readonly state: IncidentState;
  readonly window: FleetWindow;
  readonly degraded: Degraded;
  readonly episode: Episode;
  readonly view: EpisodeView;
  readonly opinion: Opinion;
}
