/**
 * The demo's story: a fleet that is healthy for a while, then fails as a scenario says. The clock of the whole process
 * is the story's: warm-up as fast as the machine allows, then a tremor that takes an hour played in about a minute.
 */
import {
  type FleetEvent,
  loadFleet,
  loadScenario,
  planRun,
  type RunPlan,
  simulate,
  TruthCollector,
  toRecords,
} from "../chatbot/chatbot.ts";
import type { SdkSpeaker } from "../chatbot/sdk-speaker.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { headers, sourceTopics } from "../contracts/topics.ts";
import type { AppendRecord, Log } from "../log/log.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";

export interface Story {
  readonly plan: RunPlan;
  readonly scenario: string;
  /** The outage point of the rule in docs/fleet.md, Unix ms of the story. */
  readonly outageMs: number;
  /** Until here history is simulated into the log; from here on the fleet speaks through the SDK. */
  readonly liveFromMs: number;
}

/** Time as the story tells it; waiting takes real time. */
export interface StoryClock extends Clock {
  set(ms: number): void;
}

export function storyClock(startMs: number): StoryClock {
  let ms = startMs;
  return {
    nowMs: () => ms,
    set: (value) => {
      ms = Math.max(ms, value);
    },
    sleep: systemClock.sleep,
  };
}

const minuteMs = 60_000;
const warmUpMs = 30 * minuteMs;
const leadInMs = minuteMs;

/** Usual time from the fault's start to the outage point; only where on the reader's clock the story lies depends on it. */
const usualRampMs = 45 * minuteMs;

/**
 * Draws a run that ends about now, at its usual hour of the day whatever the hour is, and finds out by simulating it when
 * the outage is there. Throws `scenario_invalid` when the scenario has no outage.
 */
export function planStory(name: string, seed: number, nowMs: number): Story {
  const scenario = loadScenario(name);
  const usual = loadFleet();
  const draft = planRun({ scenario, seed });
  const beforeMs = (draft.faultStartMs ?? draft.startMs) - draft.startMs + usualRampMs;
  const startMs = Math.floor((nowMs - beforeMs) / 1_000) * 1_000;
  // The fleet's day moves with the story, and it is never a weekend: the load is the scenario's own.
  const hourOf = (ms: number) => (ms / 3_600_000) % 24;
  const peakHour = (usual.traffic.peakHour + hourOf(startMs) - hourOf(draft.startMs) + 48) % 24;
  const fleet = loadFleet({ traffic: { ...usual.traffic, peakHour, weekendFactor: 1 } });
  const plan = planRun({ scenario, seed, fleet, startMs });
  const outageMs = plan.faultStartMs === undefined ? null : outageOf(plan, plan.faultStartMs);
  if (outageMs === null || plan.faultStartMs === undefined)
    throw new ForeshockError(
      "scenario_invalid",
      `scenario ${name} with seed ${seed} has no outage to be early for; try S04, S05, S07, S13 or another seed`,
    );
  return {
    plan,
    scenario: `${scenario.scenario} ${scenario.title}`,
    outageMs,
    liveFromMs: Math.max(plan.startMs + minuteMs, plan.faultStartMs - leadInMs),
  };
}

/** Simulates the run until its outage point is known. */
function outageOf(plan: RunPlan, faultStartMs: number): number | null {
  const truth = new TruthCollector(plan, { hasQuantiles: false });
  let askAtMs = faultStartMs;
  for (const event of simulate(plan)) {
    truth.observe(event);
    if (event.endMs < askAtMs) continue;
    const outageMs = truth.outageSoFarMs();
    if (outageMs !== null) return outageMs;
    askAtMs = event.endMs + minuteMs;
  }
  return truth.outageSoFarMs();
}

/** The part of the run that history starts with. */
export function historyStartMs({ plan, liveFromMs }: Story): number {
  return Math.max(plan.startMs, liveFromMs - warmUpMs);
}

/**
 * Appends the healthy past to the log, the clock moving along, a simulated second an append. Returns the
 * events that are left, from `liveFromMs` on.
 */
export async function warmUp(
  story: Story,
  deps: {
    readonly log: Log;
    readonly clock: StoryClock;
    readonly partitions: number;
    readonly onProgress: (share: number) => void;
  },
): Promise<Iterator<FleetEvent, void>> {
  const { log, clock, partitions } = deps;
  const { plan, liveFromMs } = story;
  const fromMs = historyStartMs(story);
  const events = simulate(plan);
  let rest: FleetEvent | undefined;
  function* past(): Generator<FleetEvent> {
    for (let next = events.next(); next.done !== true; next = events.next()) {
      if (next.value.endMs >= liveFromMs) {
        rest = next.value;
        return;
      }
      yield next.value;
    }
  }
  let batch: AppendRecord[] = [];
  let batchMs = fromMs;
  const flush = async () => {
    clock.set(batchMs);
    if (batch.length > 0) await log.append(batch);
    batch = [];
  };
  const split = { traces: partitions, metrics: partitions, logs: partitions };
  for (const record of toRecords(past(), { plan, partitions: split, tailMs: 0 })) {
    if (record.appendMs < fromMs) continue;
    if (record.appendMs > liveFromMs) break;
    if (record.appendMs >= batchMs + 1_000) {
      await flush();
      batchMs = record.appendMs;
      deps.onProgress((batchMs - fromMs) / (liveFromMs - fromMs));
    }
    batch.push({
      topic: sourceTopics[record.signal],
      partition: record.partition,
      value: record.payload,
      ...(record.isHeartbeat ? { headers: { [headers.heartbeat]: "1" } } : {}),
    });
  }
  await flush();
  clock.set(liveFromMs);
  return chain(rest, events);
}

function* chain(
  first: FleetEvent | undefined,
  rest: Iterator<FleetEvent, void>,
): Generator<FleetEvent, void> {
  if (first !== undefined) yield first;
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value;
}

/** Story time that passes between two flushes of the SDK: short against the 10 s that windows wait for late spans. */
const stepMs = 2_000;

/**
 * Plays the rest through the SDK until `onStep` says "stop" or the story ends, at each step as many times faster than it
 * happened as `onStep` answers. The clock waits for the SDK to have delivered, so a slow machine slows the story down instead
 * of making its telemetry late.
 */
export async function play(
  story: Story,
  rest: Iterator<FleetEvent, void>,
  deps: {
    readonly speaker: SdkSpeaker;
    readonly clock: StoryClock;
    readonly onStep: (storyMs: number) => number | "stop";
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { speaker, clock, signal } = deps;
  let next = rest.next();
  for (let ms = story.liveFromMs; next.done !== true && !signal.aborted; ms += stepMs) {
    const speed = deps.onStep(ms);
    if (speed === "stop") return;
    const startedMs = performance.now();
    for (; next.done !== true && next.value.endMs < ms + stepMs; next = rest.next())
      speaker.speak(next.value);
    clock.set(ms + stepMs);
    await speaker.flush();
    const restMs = stepMs / speed - (performance.now() - startedMs);
    if (restMs > 0) await systemClock.sleep(restMs, signal).catch(() => {});
  }
}
