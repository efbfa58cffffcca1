/**
 * Tells people and programs of incidents: at least once on the wire, recorded once, each under a key that repeats carry too.
 * `route.ts` decides, `tasks.ts` keeps what is owed, `dispatcher.ts` tries, `sinks/` speak, `heartbeat.ts` says that all this works.
 */
import { ForeshockError } from "../contracts/errors.ts";
import { incidentRecord } from "../contracts/incident.ts";
import { hashKey } from "../contracts/partition.ts";
import { commandRecord, type Delivery, deliveryRecord } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { EdgeContext, Effect, EffectStage, OutputRecord } from "../stage.ts";
import { backoffMs } from "./backoff.ts";
import { type Finished, openDispatcher } from "./dispatcher.ts";
import { openHeartbeat } from "./heartbeat.ts";
import { type NotificationTexts, notificationTexts, sinkConfigs } from "./notification-texts.ts";
import { readRecordedKeys } from "./recorded-keys.ts";
import { openSinks } from "./sinks/registry.ts";
import type { Sink } from "./sinks/sink.ts";
import { decodeState, emptyState, encodeState, notifyStateVersion, type Task } from "./state.ts";
import {
  type Duties,
  decide,
  isUpkeepDue,
  prune,
  takeCommand,
  takeIncident,
  upkeepTask,
} from "./tasks.ts";

export interface Terminal {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly hasColor: boolean;
}

const standardOutput: Terminal = {
  write: (text) => void process.stdout.write(text),
  isTerminal: process.stdout.isTTY === true,
  hasColor: process.stdout.isTTY === true && !process.env["NO_COLOR"],
};

/** How long `act` waits for quick answers, so that what was just delivered is on record at once. */
const settleMs = 50;

/** The stage with another terminal than standard output, as for a live block on the screen. */
export function notifyStageOn(terminal: Terminal): EffectStage {
  return {
    kind: "effect",
    name: "notify",
    reads: [topics.incidents, topics.commands],
    writes: [topics.deliveries],
    stateVersion: notifyStateVersion,
    open: (context, saved) => openNotify(context, saved, terminal),
  };
}

export const notifyStage: EffectStage = notifyStageOn(standardOutput);

async function openNotify(
  context: EdgeContext,
  saved: readonly Uint8Array[] | undefined,
  terminal: Terminal,
): Promise<Effect> {
  const { config, clock } = context;
  const sinks = openSinks(sinkConfigs(config, terminal.isTerminal), {
    nowMs: () => clock.nowMs(),
    write: terminal.write,
    hasColor: terminal.hasColor,
    holdMs: config.notify.holdMinutes * 60_000,
  });
  const duties: Duties = {
    sinks: [...sinks.values()],
    renotifyMs: config.notify.renotifyMinutes * 60_000,
    recorded: await readRecordedKeys(context.log),
  };
  const state = saved === undefined ? emptyState() : decodeState(saved);
  state.tasks = state.tasks.filter((task) => !duties.recorded.has(task.key));
  return runNotify({ context, sinks, duties, state, texts: notificationTexts(config) });
}

interface Parts {
  readonly context: EdgeContext;
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly duties: Duties;
  readonly state: ReturnType<typeof emptyState>;
  readonly texts: NotificationTexts;
}

function runNotify({ context, sinks, duties, state, texts }: Parts): Effect {
  const { config, clock, metrics, report } = context;
  const dispatcher = openDispatcher({
    sinks,
    attemptTimeoutMs: config.notify.attemptTimeoutMs,
    nowMs: () => clock.nowMs(),
    deliver: (sink, task, signal) => sink.deliver(texts.notificationOf(task), signal),
  });
  const heartbeat = openHeartbeat(context, sinks.values());

  function outputsOf(deliveries: readonly Delivery[]): readonly OutputRecord[] {
    for (const { sink, outcome } of deliveries)
      metrics.add("foreshock_deliveries_total", 1, { sink, outcome });
    return deliveries.map((delivery) => ({
      topic: topics.deliveries,
      partition: 0,
      value: deliveryRecord.encode(delivery),
    }));
  }

  /** What an answer makes of its task: a delivery for the record, or another try later. */
  function finish({ task, answer, atMs }: Finished): readonly Delivery[] {
    if (task.why === "keep_alive") {
      if (answer.outcome !== "delivered")
        report("warn", `notify: ${task.sink} did not take an alert again: ${answer.detail}`);
      return [];
    }
    const attempts = task.attempts + 1;
    if (answer.outcome === "retry" && attempts < config.notify.maxAttempts) {
      const wait = backoffMs(
        attempts,
        () => spread(`${task.key}#${attempts}`),
        answer.retryAfterMs,
      );
      replaceTask(task, { ...task, attempts, dueMs: atMs + wait });
      report(
        "warn",
        `notify: ${task.sink} did not take ${task.key} (${answer.detail}), try ${attempts} of ${config.notify.maxAttempts}`,
      );
      return [];
    }
    replaceTask(task, undefined);
    const isDelivered = answer.outcome === "delivered";
    if (isDelivered)
      metrics.record("foreshock_delivery_delay_seconds", (atMs - task.decidedMs) / 1_000, {
        sink: task.sink,
      });
    else report("error", `notify: ${task.key} failed after ${attempts} tries: ${answer.detail}`);
    return [
      {
        key: task.key,
        incident: task.incident.incident,
        transition: task.transition,
        sink: task.sink,
        severity: task.severities.at(-1) ?? "none",
        atMs,
        outcome: isDelivered ? "delivered" : "failed",
        attempts,
        delayMs: Math.max(0, atMs - task.decidedMs),
        detail: answer.detail,
      },
    ];
  }

  function replaceTask(task: Task, by: Task | undefined): void {
    state.tasks = state.tasks.flatMap((other) =>
      other.key === task.key ? (by === undefined ? [] : [by]) : [other],
    );
  }

  function startDue(nowMs: number): void {
    const ahead = new Set<string>();
    for (const task of state.tasks) {
      // A later thing to say about the same incident waits for the earlier one.
      const lane = `${task.sink}\n${task.incident.incident}`;
      if (ahead.has(lane)) continue;
      ahead.add(lane);
      if (task.dueMs <= nowMs) dispatcher.tryStart(task);
    }
    const resendMs = config.notify.resendSeconds * 1_000;
    for (const sink of sinks.values()) {
      if (!sink.forgets) continue;
      for (const [id, tracked] of Object.entries(state.incidents)) {
        if (ahead.has(`${sink.name}\n${id}`)) continue;
        if (!isUpkeepDue(tracked, sink.name, { nowMs, resendMs })) continue;
        const told = tracked.told[sink.name];
        if (told !== undefined && dispatcher.tryStart(upkeepTask(tracked, sink.name, nowMs)))
          tracked.told[sink.name] = { ...told, keptAliveMs: nowMs };
      }
    }
  }

  return {
    take(record) {
      try {
        if (record.topic === topics.incidents) {
          const incident = incidentRecord.decode(record.value);
          return outputsOf(takeIncident(state, incident, record.appendMs, duties));
        }
        const command = commandRecord.decode(record.value);
        return outputsOf(takeCommand(state, command, record.appendMs, duties));
      } catch (error) {
        if (error instanceof ForeshockError && error.code === "record_invalid")
          return { code: error.code, reason: error.message };
        throw error;
      }
    },
    async act(nowMs, signal) {
      const deliveries: Delivery[] = dispatcher.takeFinished().flatMap(finish);
      prune(state, nowMs);
      for (const id of Object.keys(state.incidents))
        deliveries.push(...decide(state, id, nowMs, duties));
      startDue(nowMs);
      heartbeat.beat(nowMs, owedSinceMs(state.tasks));
      await dispatcher.settle(settleMs, signal);
      deliveries.push(...dispatcher.takeFinished().flatMap(finish));
      return outputsOf(deliveries);
    },
    snapshot: () => encodeState(state),
    async [Symbol.asyncDispose]() {
      await heartbeat[Symbol.asyncDispose]();
      await dispatcher[Symbol.asyncDispose]();
    },
  };
}

/** When the oldest telling was decided that a sink has not taken at the first try; undefined when all were taken. */
function owedSinceMs(tasks: readonly Task[]): number | undefined {
  const failed = tasks.filter(({ attempts }) => attempts > 0).map(({ decidedMs }) => decidedMs);
  return failed.length === 0 ? undefined : Math.min(...failed);
}

/** A number in [0, 1) that is the same for the same text: spreads waits without chance. */
function spread(text: string): number {
  return (hashKey(text) >>> 0) / 2 ** 32;
}
