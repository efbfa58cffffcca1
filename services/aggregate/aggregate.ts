/**
 * Aggregate: telemetry in, windows out. One task a source partition; what each signal gives is in `intake/`, what a span
 * counts as in `conventions/`, when a window closes in `source-task.ts`.
 */
import { topics } from "../contracts/topics.ts";
import type { ReducerStage } from "../stage.ts";
import { createLogIntake } from "./intake/log-intake.ts";
import { createMetricIntake } from "./intake/metric-intake.ts";
import { createSpanIntake } from "./intake/span-intake.ts";
import { createSourceTask } from "./source-task.ts";

export const aggregateStage: ReducerStage = {
  kind: "reducer",
  name: "aggregate",
  reads: [topics.traces, topics.metrics, topics.logs],
  writes: [topics.windows],
  stateVersion: 1,
  checkpoint: "interval",
  create(context, saved) {
    const [topic] = context.task.split("/");
    const { judgement } = context;
    switch (topic) {
      case topics.metrics:
        return createSourceTask(
          context,
          (_, chunks) => createMetricIntake(judgement.window.lengthMs, chunks),
          saved,
        );
      case topics.logs:
        return createSourceTask(context, createLogIntake, saved);
      default:
        return createSourceTask(context, (horizon) => createSpanIntake(judgement, horizon), saved);
    }
  },
};
