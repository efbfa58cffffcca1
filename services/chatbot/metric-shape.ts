import type { MetricName } from "./emitted-telemetry.ts";
import { errorWording } from "./error-wording.ts";
import type { Outcome } from "./fleet-event.ts";
import type { ModelConfig } from "./fleet-schema.ts";
import type { Attribute } from "./span-shape.ts";

/** Bucket bounds of the GenAI conventions' client durations, seconds. */
export const durationBounds: readonly number[] = Array.from(
  { length: 14 },
  (_, i) => 0.01 * 2 ** i,
);

export const durationName = "gen_ai.client.operation.duration" satisfies MetricName;
export const firstChunkName = "gen_ai.client.operation.time_to_first_chunk" satisfies MetricName;

/** Attributes of a call's duration metrics. */
export function callMetricAttributes(model: ModelConfig, outcome: Outcome): readonly Attribute[] {
  const wording = errorWording(model.provider, outcome);
  const attributes: Attribute[] = [
    ["gen_ai.operation.name", model.operation],
    ["gen_ai.provider.name", model.provider],
    ["gen_ai.request.model", model.name],
  ];
  if (wording !== undefined) attributes.push(["error.type", wording.errorType]);
  return attributes;
}
