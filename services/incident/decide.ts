/** One step of the whole decision: a joined window in, incident records out. */
import type { CellKey } from "../contracts/cell.ts";
import type { Judgement } from "../contracts/config.ts";
import type { Incident } from "../contracts/incident.ts";
import { declinedCells } from "./declined.ts";
import { findDegraded } from "./degraded.ts";
import { stepEpisode } from "./episode-step.ts";
import { assignEpisodes } from "./episodes.ts";
import { stepFleetSilence } from "./fleet-silence.ts";
import type { FleetWindow } from "./join.ts";
import { makeResolved } from "./record.ts";
import { silentCells } from "./silence.ts";
import { type IncidentState, isOpen } from "./state.ts";
import type { CellTrack } from "./track.ts";
import { stepTracks } from "./tracks.ts";
import { stepTrafficDecline } from "./traffic-decline.ts";
import { stepTrafficLoss } from "./traffic-loss.ts";

/** From so long without anything on, it is a gap of the telemetry: thin traffic has windows without requests. */
const gapMs = 60_000;

export function decideWindow(
  state: IncidentState,
  window: FleetWindow,
  judgement: Judgement,
): Incident[] {
  state.windows++;
  stepFleetSilence(state, window);
  stepTrafficLoss(state, window);
  stepTrafficDecline(state.decline, window, {
    calendar: judgement.incident.calendar,
    isSilent: state.silentWindows * window.windowMs >= gapMs,
  });
  const threshold = stepTracks(state, window, judgement);
  const degraded = new Map(findDegraded(state, threshold, window));
  for (const [key, silence] of silentCells(state, state.silences, { window, judgement }))
    degraded.set(key, [...(degraded.get(key) ?? []), silence]);
  for (const key in state.cells) {
    const track = state.cells[key as CellKey] as CellTrack;
    if (!degraded.has(key as CellKey)) track.degradedSinceMs = 0;
    else if (track.degradedSinceMs === 0) track.degradedSinceMs = window.windowStartMs;
  }
  const records: Incident[] = [];
  // Apart from what else is wrong with the same cells: it is no evidence for that, and stops no learning.
  const declined = declinedCells(state, window);
  const assigned = [degraded, declined].map((cells) =>
    assignEpisodes(state, cells, window.windowStartMs),
  );
  const opened = assigned.flatMap((one) => one.opened);
  for (const [into, from] of assigned.flatMap((one) => one.merged)) {
    from.phase = "resolved";
    from.resolvedMs = window.windowStartMs;
    const record = makeResolved(from, window, `Part of incident ${into.incident}`);
    if (record !== undefined) records.push(record);
  }
  if (!state.episodes.some(isOpen)) return records;
  const frames = new Map(window.cells.map((frame) => [frame.cell, frame]));
  for (const episode of state.episodes)
    if (isOpen(episode))
      records.push(
        ...stepEpisode(episode, {
          state,
          window,
          judgement,
          degraded: episode.family === "decline" ? declined : degraded,
          frames,
          isNew: opened.includes(episode),
        }),
      );
  return records;
}
