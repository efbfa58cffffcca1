import { openCaptureWriter } from "../log/capture.ts";
import type { FleetEvent } from "./fleet-event.ts";
import { type RecordOptions, toRecords } from "./records.ts";
import { simulate } from "./simulate.ts";
import { type Truth, TruthCollector, writeTruth } from "./truth.ts";

export interface RunFiles extends RecordOptions {
  /** Capture file; `.gz` and `.zst` compress. */
  readonly capture: string;
  /** Truth file; none when absent. */
  readonly truth?: string;
  /** Simulated time reached, Unix ms, now and then. */
  readonly onProgress?: (simulatedMs: number) => void;
}

/** Simulates a run into a capture file and a truth file beside it. Throws `capture_invalid` when it can't write. */
export async function writeRun(options: RunFiles): Promise<Truth> {
  const { plan } = options;
  const collector = new TruthCollector(plan);
  await using writer = openCaptureWriter(options.capture);
  let reportedMs = plan.startMs;
  for (const record of toRecords(watch(simulate(plan), collector), options)) {
    const written = writer.write(record);
    if (written !== undefined) await written;
    if (record.appendMs - reportedMs >= 60_000) {
      reportedMs = record.appendMs;
      options.onProgress?.(reportedMs);
    }
  }
  await writer.close();
  const truth = collector.finish();
  if (options.truth !== undefined) await writeTruth(options.truth, truth);
  return truth;
}

/** The same events, seen by the collector on their way. */
export function* watch(
  events: Iterable<FleetEvent>,
  collector: TruthCollector,
): Generator<FleetEvent, void, undefined> {
  for (const event of events) {
    collector.observe(event);
    yield event;
  }
}
