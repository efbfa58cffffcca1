import { ForeshockError } from "../contracts/errors.ts";
import { buildCourse } from "./fault-course.ts";
import { courseLevel, type FaultCourse, neutralLevel } from "./fault-ramp.ts";
import { buildFleet, type CompiledTarget, compileTarget, type FleetModel } from "./fleet-model.ts";
import type { FleetConfig } from "./fleet-schema.ts";
import { fleetFor, loadFleet } from "./load.ts";
import { drawQuantity } from "./quantity.ts";
import { namedRandom, type RandomSource } from "./random.ts";
import type { Effect, Fault, Scenario } from "./scenario-schema.ts";
import type { TrafficData } from "./traffic-data.ts";

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly fleet?: FleetConfig;
  /** Unix ms; default: such that the onset falls on the scenario's hour of Monday 2026-03-02. */
  readonly startMs?: number;
  /** Default: until the scenario's tail has passed; clean traffic: one hour. */
  readonly durationMs?: number;
  /** Ends a run that would go on for longer than this. */
  readonly longestMs?: number;
  /** Clean traffic before the onset; default: the scenario's `quietMinutes`. */
  readonly quietMs?: number;
  /**
   * Divides ramps, holds, gaps and the outage rule's five minutes; client time-outs and queue bounds by at most 5.
   * Windows, token speeds and batching keep their real length. A compressed run is a demonstration, not evidence.
   */
  readonly compress?: number;
  /** 1 or 2 waves, or drawn with the scenario's share. Default 1. */
  readonly waves?: 1 | 2 | "drawn";
  /** Token lengths and traffic shape from data; default: what is fitted in the code. */
  readonly traffic?: TrafficData;
}

export interface PlannedFault {
  readonly name: string;
  readonly index: number;
  readonly effect: Effect;
  readonly target: CompiledTarget;
  readonly course: FaultCourse;
  /** How much later the fault reaches a region or model (by index); undefined: everywhere at once. */
  readonly delays:
    | { readonly by: "region" | "model"; readonly ms: ReadonlyMap<number, number> }
    | undefined;
}

/** Everything about a run that is drawn before its first request. */
export interface RunPlan {
  readonly scenario: Scenario;
  readonly fleet: FleetModel;
  readonly seed: number;
  readonly startMs: number;
  readonly endMs: number;
  /** When the first fault starts; undefined for clean traffic. */
  readonly faultStartMs: number | undefined;
  /** When the last fault is gone. */
  readonly faultEndMs: number | undefined;
  readonly compress: number;
  /** How much faster client time-outs and queue bounds run: min(5, compress). */
  readonly haste: number;
  readonly faults: readonly PlannedFault[];
  readonly waves: 1 | 2;
  readonly traffic: TrafficData | undefined;
}

const mondayMs = Date.UTC(2026, 2, 2);
const minuteMs = 60_000;

function defaultOnsetMs(scenario: Scenario): number {
  return mondayMs + (scenario.startDay * 24 + scenario.startHourUtc) * 60 * minuteMs;
}

/** Draws a run. Throws `scenario_invalid` when faults name what the fleet lacks. */
export function planRun(options: RunOptions): RunPlan {
  const { scenario, seed } = options;
  const compress = options.compress ?? 1;
  if (!(compress >= 1)) {
    throw new ForeshockError("scenario_invalid", `compress must be ≥ 1, got ${compress}`);
  }
  const fleet = buildFleet(fleetFor(options.fleet ?? loadFleet(), scenario), seed);
  const quietMs = options.quietMs ?? scenario.quietMinutes * minuteMs;
  const startMs = options.startMs ?? defaultOnsetMs(scenario) - quietMs;
  const waves = drawWaves(scenario, seed, options.waves ?? 1);
  const faults = planFaults({ scenario, fleet, seed, compress, onsetMs: startMs + quietMs, waves });
  const faultEndMs =
    faults.length === 0 ? undefined : Math.max(...faults.map((f) => f.course.endMs));
  const tailMs = (scenario.tailMinutes * minuteMs) / compress;
  const untilMs =
    faultEndMs === undefined ? startMs + scenario.durationMinutes * minuteMs : faultEndMs + tailMs;
  return {
    scenario,
    fleet,
    seed,
    startMs,
    endMs:
      options.durationMs === undefined
        ? Math.min(Math.ceil(untilMs), startMs + (options.longestMs ?? Number.POSITIVE_INFINITY))
        : startMs + options.durationMs,
    faultStartMs:
      faults.length === 0 ? undefined : Math.min(...faults.map((f) => f.course.startMs)),
    faultEndMs,
    compress,
    haste: Math.min(5, compress),
    faults,
    waves,
    traffic: options.traffic,
  };
}

/** Level of a fault at a time and place; −1 for a dimension that does not apply. */
export function faultLevel(
  fault: PlannedFault,
  unixMs: number,
  model: number,
  region: number,
): number {
  const { delays } = fault;
  if (delays === undefined) return courseLevel(fault.course, unixMs);
  return courseLevel(
    fault.course,
    unixMs,
    delays.ms.get(delays.by === "region" ? region : model) ?? 0,
  );
}

function drawWaves(scenario: Scenario, seed: number, wanted: 1 | 2 | "drawn"): 1 | 2 {
  if (scenario.twoWaves === undefined) return 1;
  if (wanted !== "drawn") return wanted;
  return namedRandom(seed, "waves").unit() < scenario.twoWaves.share ? 2 : 1;
}

interface PlanInput {
  readonly scenario: Scenario;
  readonly fleet: FleetModel;
  readonly seed: number;
  readonly compress: number;
  readonly onsetMs: number;
  readonly waves: 1 | 2;
}

function planFaults(input: PlanInput): PlannedFault[] {
  const { scenario, seed, compress, onsetMs, waves } = input;
  const { twoWaves } = scenario;
  if (waves === 1 || twoWaves === undefined) {
    return planWave(input, { onsetMs, scale: 1, holdMinutes: undefined, firstIndex: 0 });
  }
  const random = namedRandom(seed, "two-waves");
  const scale = drawQuantity(twoWaves.firstLevel, random);
  const holdMinutes = drawQuantity(twoWaves.firstHoldMinutes, random);
  const gapMs = (drawQuantity(twoWaves.gapMinutes, random) * minuteMs) / compress;
  const first = planWave(input, { onsetMs, scale, holdMinutes, firstIndex: 0 });
  const secondMs = Math.max(onsetMs, ...first.map((f) => f.course.endMs)) + gapMs;
  const second = { onsetMs: secondMs, scale: 1, holdMinutes: undefined, firstIndex: first.length };
  return [...first, ...planWave(input, second)];
}

interface Wave {
  readonly onsetMs: number;
  /** Of the way from neutral to each fault's top. */
  readonly scale: number;
  readonly holdMinutes: number | undefined;
  readonly firstIndex: number;
}

function planWave(input: PlanInput, wave: Wave): PlannedFault[] {
  const { scenario, fleet, seed, compress } = input;
  const scenarioHold =
    wave.holdMinutes ?? drawQuantity(scenario.holdMinutes, namedRandom(seed, "hold"));
  const planned: PlannedFault[] = [];
  const mistakes: string[] = [];
  scenario.faults.forEach((fault, position) => {
    const random = namedRandom(seed, `fault/${fault.name}`);
    const onsetMs = anchorMs(fault, planned, wave.onsetMs, mistakes);
    const drawn = buildCourse(fault, {
      random,
      compress,
      scenarioHold,
      onsetMs,
      scale: wave.scale,
    });
    const place = namedRandom(seed, `place/${fault.name}`);
    const { compiled, mistakes: wrong } = compileTarget(fleet, fault.target, () => place.unit());
    mistakes.push(...wrong, ...effectMistakes(fault, fleet));
    const delays = drawDelays({ fault, fleet, target: compiled, random: place, compress });
    const lastMs = Math.max(0, ...(delays?.ms.values() ?? []));
    planned.push({
      name: fault.name,
      index: wave.firstIndex + position,
      effect: fault.effect,
      target: compiled,
      course: {
        ...drawn,
        fallMs: drawn.fallMs + lastMs,
        endMs: drawn.endMs + lastMs,
        ...sharedTimes(fault, planned, mistakes),
      },
      delays,
    });
  });
  if (mistakes.length > 0) {
    throw new ForeshockError(
      "scenario_invalid",
      `${scenario.scenario}:\n  ${mistakes.join("\n  ")}`,
    );
  }
  return planned;
}

/** The time that a fault's start counts from: the wave's onset, or a place on an earlier fault's ramp. */
function anchorMs(
  fault: Fault,
  earlier: readonly PlannedFault[],
  onsetMs: number,
  mistakes: string[],
): number {
  const { startsAt } = fault;
  if (startsAt === undefined) return onsetMs;
  const other = earlier.find((candidate) => candidate.name === startsAt.fault);
  if (other === undefined) {
    mistakes.push(`${fault.name}.startsAt.fault = ${startsAt.fault}: not an earlier fault`);
    return onsetMs;
  }
  return other.course.startMs + (other.course.topMs - other.course.startMs) * startsAt.rampShare;
}

/** Start, top and end of the fault that this one follows; nothing where it follows none. */
function sharedTimes(
  fault: Fault,
  earlier: readonly PlannedFault[],
  mistakes: string[],
): Partial<FaultCourse> {
  if (fault.follows === undefined) return {};
  const leader = earlier.find((candidate) => candidate.name === fault.follows);
  if (leader === undefined) {
    mistakes.push(`${fault.name}.follows = ${fault.follows}: not an earlier fault`);
    return {};
  }
  const { startMs, topMs, fallMs, endMs } = leader.course;
  return { startMs, topMs, fallMs, endMs };
}

function effectMistakes(fault: Fault, fleet: FleetModel): string[] {
  const { effect, ramp } = fault;
  if (effect.kind === "divert" && !fleet.models.some((m) => m.name === effect.toModel)) {
    return [`${fault.name}.effect.toModel = ${effect.toModel}: not a model of the fleet`];
  }
  if (
    ramp.shape === "exponential" &&
    (fault.from ?? neutralLevel(effect)) === neutralLevel(effect)
  ) {
    return [`${fault.name}.from: an exponential ramp must start off the neutral level`];
  }
  return [];
}

function drawDelays(input: {
  readonly fault: Fault;
  readonly fleet: FleetModel;
  readonly target: CompiledTarget;
  readonly random: RandomSource;
  readonly compress: number;
}): PlannedFault["delays"] {
  const { fault, fleet, target, random, compress } = input;
  if (fault.spread === undefined) return undefined;
  const byProvider = fault.spread.by === "provider";
  const by = fault.spread.by === "region" ? "region" : "model";
  const all = (by === "region" ? fleet.regions : fleet.models).map((_, index) => index);
  const covered = by === "region" ? target.regions : target.models;
  const places = all.filter((index) => covered === undefined || covered.has(index));
  const groupOf = (index: number) => (byProvider ? fleet.models[index]?.provider : index);
  const order = [...new Set(places.map(groupOf))].sort((a, b) => rank(a) - rank(b));
  function rank(group: string | number | undefined): number {
    return namedRandom(fleet.seed, `spread/${fault.name}/${group}`).unit();
  }
  let delayMs = 0;
  const ms = new Map<number, number>();
  for (const group of order) {
    for (const index of places.filter((place) => groupOf(place) === group)) ms.set(index, delayMs);
    delayMs += (drawQuantity(fault.spread.gapMinutes, random) * minuteMs) / compress;
  }
  return { by, ms };
}
