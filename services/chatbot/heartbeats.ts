import type { CaptureRecord, CaptureSignal } from "../log/capture.ts";

/** Silence after which the owner of a source partition appends a heartbeat. */
export const heartbeatMs = 1000;

const empty = new Uint8Array(0);

/**
 * Puts heartbeats between records: a zero-byte request whenever a partition of a signal was silent for a second,
 * so that time passes in the log. Append times never fall within a partition.
 */
export class Heartbeats {
  readonly #places: readonly { readonly signal: CaptureSignal; readonly partition: number }[];
  readonly #lastMs: Float64Array;
  readonly #offsets: Readonly<Record<CaptureSignal, number>>;

  constructor(partitions: Readonly<Record<CaptureSignal, number>>, startMs: number) {
    const of = (signal: CaptureSignal) =>
      Array.from({ length: partitions[signal] }, (_, partition) => ({ signal, partition }));
    this.#places = [...of("traces"), ...of("metrics"), ...of("logs")];
    this.#lastMs = new Float64Array(this.#places.length).fill(Math.ceil(startMs));
    this.#offsets = {
      traces: 0,
      metrics: partitions.traces,
      logs: partitions.traces + partitions.metrics,
    };
  }

  /** Heartbeats that are due until `untilMs`, in order of time. */
  *until(untilMs: number): Generator<CaptureRecord, void, undefined> {
    for (;;) {
      let first = -1;
      let dueMs = Infinity;
      for (let place = 0; place < this.#lastMs.length; place += 1) {
        const at = (this.#lastMs[place] ?? 0) + heartbeatMs;
        if (at < dueMs) {
          dueMs = at;
          first = place;
        }
      }
      const place = this.#places[first];
      if (place === undefined || dueMs > untilMs) return;
      this.#lastMs[first] = dueMs;
      yield { ...place, isHeartbeat: true, appendMs: dueMs, payload: empty };
    }
  }

  /** Notes a record of its own right. */
  note(signal: CaptureSignal, partition: number, appendMs: number): void {
    this.#lastMs[this.#offsets[signal] + partition] = appendMs;
  }
}
