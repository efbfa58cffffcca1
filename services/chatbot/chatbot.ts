/**
 * The simulated chatbot fleet. `planRun` draws a run, `simulate` plays it, and one stream of events goes out in
 * three ways: `toRecords` (at simulated time), `writeRun` (a capture file with its truth), `speakThroughSdk` (the
 * OpenTelemetry SDK in real time). `docs/fleet.md` explains the model.
 */
export type { FleetEvent, Outcome as FleetOutcome, RequestEvent } from "./fleet-event.ts";
export { isUserVisibleFailure } from "./fleet-event.ts";
export { type FleetConfig, type FleetInput, fleetSchema } from "./fleet-schema.ts";
export { loadFleet, loadScenario, scenarioNames } from "./load.ts";
export { defaultPartitions, type RecordOptions, toRecords } from "./records.ts";
export { type RunFiles, watch, writeRun } from "./run-file.ts";
export { planRun, type RunOptions, type RunPlan } from "./run-plan.ts";
export { type Scenario, scenarioSchema } from "./scenario-schema.ts";
export { simulate } from "./simulate.ts";

export { loadTrafficData, type TrafficData } from "./traffic-data.ts";
export {
  type Truth,
  TruthCollector,
  type TruthFault,
  type TruthHeader,
  truthOf,
  writeTruth,
} from "./truth.ts";
export type { TruthCell, TruthRow } from "./truth-cells.ts";
