/** What a decline of the traffic makes of cells, and how it is told. */
import type { CellKey } from "../contracts/cell.ts";
import { formatSpan } from "../contracts/format.ts";
import type { DegradedSignal } from "./degraded-signal.ts";
import type { FleetWindow } from "./join.ts";
import type { Opinion } from "./opinion.ts";
import type { IncidentState } from "./state.ts";
import { percent } from "./ticket-reason.ts";

/** All cells with traffic while it declines: whom users leave is not told from here. */
export function declinedCells(
  { decline, cells }: Pick<IncidentState, "decline" | "cells">,
  window: Pick<FleetWindow, "cells">,
): ReadonlyMap<CellKey, readonly DegradedSignal[]> {
  if (!decline.isPlain) return new Map();
  const { sinceMs } = decline;
  return new Map(
    window.cells
      .filter(({ cell }) => (cells[cell]?.usualRequests ?? 0) > 0)
      .map(({ cell }) => [
        cell,
        [{ signal: "traffic", family: "decline", sinceMs, evidence: 0 }] as const,
      ]),
  );
}

/** `forMs`: for how long it has been so. */
export function declineOpinion(share: number, forMs: number): Opinion {
  return {
    severity: "ticket",
    reason: `Not a page: for ${formatSpan(forMs)} requests have been far fewer than this time of the week usually has, ${percent(share)} fewer now; users may not get as far as here, or have chosen not to (a holiday belongs into judgement.incident.calendar.exceptions)`,
    leads: "any",
    forecast: undefined,
  };
}
