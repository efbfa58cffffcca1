/** Plays a film's frames through the incident stage, as live, and keeps what people would have been told. */
import { judgementSchema } from "../../services/contracts/config.ts";
import type { Frame } from "../../services/contracts/frame.ts";
import type { Incident } from "../../services/contracts/incident.ts";
import { decideWindow } from "../../services/incident/decide.ts";
import { detectTasks, joinFrame } from "../../services/incident/join.ts";
import { initialState } from "../../services/incident/state.ts";

/** A transition, without what only an alert's text needs. */
export interface Told {
  readonly incident: string;
  readonly transition: Incident["transition"];
  readonly atMs: number;
  readonly severity: Incident["severity"];
  readonly title: string;
  readonly reason: string;
  readonly dimensions: Incident["dimensions"];
  readonly signals: Incident["signals"];
  readonly forecast: Incident["forecast"];
}

export function judgeFrames(frames: Iterable<Frame>): Told[] {
  const judgement = judgementSchema.parse({});
  const state = initialState();
  const tasks = detectTasks(1);
  const told: Told[] = [];
  for (const frame of frames) {
    const joined = joinFrame(state.join, frame, tasks);
    if ("refused" in joined) throw new Error(joined.refused);
    for (const window of joined.windows)
      for (const incident of decideWindow(state, window, judgement)) told.push(brief(incident));
  }
  return told;
}

function brief(incident: Incident): Told {
  const { transition, atMs, severity, title, reason, dimensions, signals, forecast } = incident;
  return {
    incident: incident.incident,
    transition,
    atMs,
    severity,
    title,
    reason,
    dimensions,
    signals,
    forecast,
  };
}
