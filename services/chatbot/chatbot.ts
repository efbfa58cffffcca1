/**
 * The simulated chatbot fleet. `planRun` draws a run, `simulate` plays it, and one stream of events goes out in
 * three ways: `toRecords` (at simulated time), `writeRun` (a capture file with its truth), `speakThroughSdk` (the
 * OpenTelemetry SDK in real time). `docs/fleet.md` explains the model.
 */
export type { FleetEvent } from "./fleet-event.ts";
export { isUserVisibleFailure } from "./fleet-event.ts";
export type { FleetInput } from "./fleet-schema.ts";
export { loadFleet, loadScenario, scenarioNames } from "./load.ts";
export { toRecords } from "./records.ts";
export { writeRun } from "./run-file.ts";
export { planRun, type RunOptions, type RunPlan } from "./run-plan.ts";
export { simulate } from "./simulate.ts";
export { loadTrafficData } from "./traffic-data.ts";
export { TruthCollector, truthOf } from "./truth.ts";
export type { TruthCell } from "./truth-cells.ts";
