/** From decisions to work: what a record or the time asks for, as tasks and as deliveries that are on record at once. */
import type { Incident } from "../contracts/incident.ts";
import type { Command, Delivery } from "../contracts/records.ts";
import { route, type SinkRule, type Tracked, toldAfter, untold } from "./route.ts";
import type { NotifyState, Task } from "./state.ts";

export interface Duties {
  readonly sinks: readonly SinkRule[];
  readonly renotifyMs: number;
  /** Keys that an earlier run has put on record; they are neither sent nor recorded again. */
  readonly recorded: ReadonlySet<string>;
}

const place = (incident: Incident): Readonly<Record<string, string>> =>
  incident.dimensions[0] ?? {};

/** A newer revision of an incident; older ones and repeats change nothing. Changes `state`. */
export function takeIncident(
  state: NotifyState,
  incident: Incident,
  nowMs: number,
  duties: Duties,
): readonly Delivery[] {
  const known = state.incidents[incident.incident];
  if (known !== undefined && known.incident.revision >= incident.revision) return [];
  const hasBeenTold = Object.values(known?.told ?? {}).some((told) => told.severities.length > 0);
  state.incidents[incident.incident] = {
    incident,
    place: hasBeenTold && known !== undefined ? known.place : place(incident),
    told: known?.told ?? {},
  };
  return decide(state, incident.incident, nowMs, duties);
}

/** Asks for every sink what it is owed of one incident now. Changes `state`. */
export function decide(
  state: NotifyState,
  id: string,
  nowMs: number,
  duties: Duties,
): readonly Delivery[] {
  const tracked = state.incidents[id];
  if (tracked === undefined) return [];
  const deliveries: Delivery[] = [];
  for (const sink of duties.sinks) {
    const decision = route({
      tracked,
      sink,
      silences: Object.values(state.silences),
      isAcknowledged: state.acknowledged[id] !== undefined,
      renotifyMs: duties.renotifyMs,
      nowMs,
    });
    if (decision.send) {
      tracked.told[sink.name] = toldAfter(tracked, sink.name, { ...decision, nowMs });
      if (!duties.recorded.has(decision.key))
        state.tasks.push(newTask(tracked, sink.name, { ...decision, nowMs }));
    } else if (decision.why === "silenced" && decision.record) {
      const told = tracked.told[sink.name] ?? untold;
      tracked.told[sink.name] = { ...told, silencedKeys: [...told.silencedKeys, decision.key] };
      if (!duties.recorded.has(decision.key))
        deliveries.push({
          key: decision.key,
          incident: id,
          transition: decision.transition,
          sink: sink.name,
          severity: tracked.incident.severity,
          atMs: nowMs,
          outcome: "silenced",
          attempts: 0,
          delayMs: 0,
          detail: "held back by a silence",
        });
    }
  }
  return deliveries;
}

/** What a person asked for. Only the first acknowledgement of an incident counts. Changes `state`. */
export function takeCommand(
  state: NotifyState,
  command: Command,
  appendMs: number,
  duties: Duties,
): readonly Delivery[] {
  switch (command.kind) {
    case "silence": {
      const { id, matchers, untilMs } = command;
      state.silences[id] = { id, matchers, untilMs };
      return [];
    }
    case "unsilence":
      delete state.silences[command.id];
      return [];
    case "acknowledge": {
      const { incident, by, note, atMs, verdict } = command;
      const who = verdict === undefined ? `by ${by}` : `by ${by} (${verdict})`;
      if (state.acknowledged[incident] !== undefined) return [];
      state.acknowledged[incident] = appendMs;
      state.tasks = state.tasks.filter(
        (task) => task.incident.incident !== incident || task.transition !== "renotified",
      );
      const key = `${incident}/acknowledged/console`;
      if (duties.recorded.has(key)) return [];
      return [
        {
          key,
          incident,
          transition: "acknowledged",
          sink: "console",
          severity: state.incidents[incident]?.incident.severity ?? "none",
          atMs: appendMs,
          outcome: "acknowledged",
          attempts: 0,
          delayMs: Math.max(0, appendMs - atMs),
          detail: note === "" ? who : `${who}: ${note}`,
        },
      ];
    }
  }
}

const keptResolvedMs = 60 * 60_000;
const keptAcknowledgedMs = 30 * 24 * 60 * 60_000;

/** Forgets what can no longer ask for anything. Changes `state`. */
export function prune(state: NotifyState, nowMs: number): void {
  const busy = new Set(state.tasks.map((task) => task.incident.incident));
  for (const [id, { incident }] of Object.entries(state.incidents))
    if (incident.phase === "resolved" && nowMs - incident.atMs > keptResolvedMs && !busy.has(id))
      delete state.incidents[id];
  for (const [id, silence] of Object.entries(state.silences))
    if (silence.untilMs <= nowMs) delete state.silences[id];
  for (const [id, atMs] of Object.entries(state.acknowledged))
    if (nowMs - atMs > keptAcknowledgedMs && state.incidents[id] === undefined)
      delete state.acknowledged[id];
}

/** Whether a sink that forgets must hear of an incident again. */
export function isUpkeepDue(
  tracked: Tracked,
  sink: string,
  { nowMs, resendMs }: { readonly nowMs: number; readonly resendMs: number },
): boolean {
  const told = tracked.told[sink];
  if (told === undefined || told.severities.length === 0 || told.isResolved) return false;
  return nowMs - told.keptAliveMs >= resendMs;
}

interface Sending {
  readonly key: string;
  readonly transition: Task["transition"];
  readonly why: Task["why"];
  readonly nowMs: number;
}

function newTask(tracked: Tracked, sink: string, sending: Sending): Task {
  return {
    key: sending.key,
    sink,
    transition: sending.transition,
    why: sending.why,
    incident: tracked.incident,
    place: tracked.place,
    severities: tracked.told[sink]?.severities ?? [],
    decidedMs: sending.nowMs,
    attempts: 0,
    dueMs: sending.nowMs,
  };
}

/** Sends an open incident again, unrecorded: nothing new is said. */
export function upkeepTask(tracked: Tracked, sink: string, nowMs: number): Task {
  return newTask(tracked, sink, {
    key: `${tracked.incident.incident}/keep-alive/${sink}`,
    transition: tracked.incident.transition,
    why: "keep_alive",
    nowMs,
  });
}
