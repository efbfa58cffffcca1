import { type CourseShape, type FaultCourse, neutralLevel } from "./fault-ramp.ts";
import { drawQuantity } from "./quantity.ts";
import type { RandomSource } from "./random.ts";
import type { Fault } from "./scenario-schema.ts";

interface CourseInput {
  readonly random: RandomSource;
  readonly compress: number;
  /** Minutes at the top where the fault names none. */
  readonly scenarioHold: number;
  readonly onsetMs: number;
  /** Of the way from neutral to the top; below 1 in a first wave. */
  readonly scale: number;
}

/** Draws when a fault starts, rises, stays and goes. Draws happen in one fixed order. */
export function buildCourse(fault: Fault, input: CourseInput): FaultCourse {
  const { random, compress } = input;
  const toMs = (minutes: number) => (minutes * 60_000) / compress;
  const neutral = neutralLevel(fault.effect);
  const startMs = input.onsetMs + toMs(drawQuantity(fault.startMinutes, random));
  const jitter = drawQuantity(fault.jitter, random);
  const [low, high] = fault.limits ?? [-Infinity, Infinity];
  const top = Math.min(high, Math.max(low, neutral + (fault.to - neutral) * jitter));
  const to = neutral + (top - neutral) * input.scale;
  const from = fault.from ?? neutral;
  const { shape, rampMs } = drawRamp(fault, { random, toMs, neutral, from, to });
  const holdMs = toMs(drawQuantity(fault.holdMinutes ?? input.scenarioHold, random));
  const recoverMs = toMs(drawQuantity(fault.recoverMinutes, random));
  const topMs = startMs + rampMs;
  return {
    startMs,
    topMs,
    fallMs: topMs + holdMs,
    endMs: topMs + holdMs + recoverMs,
    neutral,
    from,
    to,
    shape,
  };
}

interface RampInput {
  readonly random: RandomSource;
  readonly toMs: (minutes: number) => number;
  readonly neutral: number;
  readonly from: number;
  readonly to: number;
}

function drawRamp(
  fault: Fault,
  input: RampInput,
): { readonly shape: CourseShape; readonly rampMs: number } {
  const { random, toMs, neutral, from, to } = input;
  const { ramp } = fault;
  switch (ramp.shape) {
    case "step":
      return { shape: { kind: "step" }, rampMs: 0 };
    case "linear":
      return { shape: { kind: "linear" }, rampMs: toMs(drawQuantity(ramp.minutes, random)) };
    case "exponential": {
      const doublings = Math.log2(Math.max(1, (to - neutral) / (from - neutral)));
      const rampMs = toMs(drawQuantity(ramp.doublingMinutes, random)) * doublings;
      return { shape: { kind: "exponential" }, rampMs };
    }
    case "ladder": {
      const rampMs = toMs(drawQuantity(ramp.gapMinutes, random)) * (ramp.shares.length - 1);
      return { shape: { kind: "ladder", shares: ramp.shares }, rampMs };
    }
    case "sawtooth": {
      const rampMs = toMs(drawQuantity(ramp.minutes, random));
      return { shape: { kind: "sawtooth", teeth: ramp.teeth, reset: ramp.reset }, rampMs };
    }
    case "square": {
      const onMs = toMs(drawQuantity(ramp.onMinutes, random));
      const offMs = toMs(drawQuantity(ramp.offMinutes, random));
      const rampMs = toMs(drawQuantity(ramp.minutes, random));
      return { shape: { kind: "square", onMs, offMs }, rampMs };
    }
  }
}
