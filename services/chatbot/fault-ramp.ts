import type { Effect } from "./scenario-schema.ts";

/** How a fault's level moves in time; all times Unix ms, all drawn. */
export interface FaultCourse {
  readonly startMs: number;
  /** When the ramp has reached the top. */
  readonly topMs: number;
  /** When the level begins to fall, and when it is neutral again. */
  readonly fallMs: number;
  readonly endMs: number;
  readonly neutral: number;
  readonly from: number;
  readonly to: number;
  readonly shape: CourseShape;
}

export type CourseShape =
  | { readonly kind: "step" }
  | { readonly kind: "linear" }
  | { readonly kind: "exponential" }
  | { readonly kind: "ladder"; readonly shares: readonly number[] }
  | { readonly kind: "sawtooth"; readonly teeth: number; readonly reset: number }
  | { readonly kind: "square"; readonly onMs: number; readonly offMs: number };

/** The level at which an effect changes nothing: 1 for factors, 0 for shares and amounts. */
export function neutralLevel(effect: Effect): number {
  switch (effect.kind) {
    case "capacity":
    case "traffic":
    case "first_token":
    case "token_speed":
    case "input_tokens":
      return 1;
    case "error":
    case "latency":
    case "cancel":
    case "output_tokens":
    case "stream_cut":
    case "divert":
    case "failover":
    case "edge_loss":
    case "rate_limit_tenants":
    case "rollout":
    case "restart":
    case "profile_shift":
    case "clock_skew":
    case "late_batches":
    case "collector_gap":
    case "duplicates":
      return 0;
  }
}

/** Level at a time; `delayMs` moves start and top for places that the fault reaches later. */
export function courseLevel(course: FaultCourse, unixMs: number, delayMs = 0): number {
  const startMs = course.startMs + delayMs;
  const topMs = course.topMs + delayMs;
  if (unixMs < startMs || unixMs >= course.endMs) return course.neutral;
  const isOff =
    course.shape.kind === "square" &&
    (unixMs - startMs) % (course.shape.onMs + course.shape.offMs) >= course.shape.onMs;
  if (isOff) return course.neutral;
  if (unixMs >= course.fallMs) {
    const left = (course.endMs - unixMs) / (course.endMs - course.fallMs);
    return course.neutral + (course.to - course.neutral) * left;
  }
  if (unixMs >= topMs) return course.to;
  return rampLevel(course, (unixMs - startMs) / (topMs - startMs));
}

/** Level at `x` in [0, 1) of the ramp. */
function rampLevel(course: FaultCourse, x: number): number {
  const { neutral, from, to, shape } = course;
  switch (shape.kind) {
    case "step":
      return to;
    case "linear":
    case "square":
      return from + (to - from) * x;
    case "exponential":
      return neutral + (from - neutral) * ((to - neutral) / (from - neutral)) ** x;
    case "ladder": {
      const rung = Math.min(shape.shares.length - 1, Math.floor(x * (shape.shares.length - 1)));
      return neutral + (to - neutral) * (shape.shares[rung] ?? 1);
    }
    case "sawtooth": {
      const within = (x * shape.teeth) % 1;
      return from + (to - from) * x * (shape.reset + (1 - shape.reset) * within);
    }
  }
}
