/** Windows: what aggregate writes (a batch for one source task) and what detect closes (the merge over all tasks). */
import { emptySketch, type SparseSketch } from "../../detectors/sketch.ts";
import type { CellKey } from "./cell.ts";
import { breadthIds, type CounterName, counterIds, sketchIds } from "./measures.ts";
import type { Outcome } from "./outcomes.ts";

/** One source task's share of a window (topic `foreshock.windows`), or all tasks' (topic `foreshock.closed`). */
export interface WindowRecord {
  /** Who wrote it: `otlp_spans/0` (a source partition) for batches, `detect/0` for closed windows. */
  readonly task: string;
  readonly epoch: number;
  /** Start of the window, Unix ms; its end is excluded. */
  readonly windowStartMs: number;
  readonly windowMs: number;
  /** Append time of the record that let the window close (closed: the latest over all tasks), Unix ms. */
  readonly appendMs: number;
  /** Batches only: the task's watermark, Unix ms. */
  readonly watermarkMs: number;
  /** A window too large for one record comes as parts 0 … parts − 1, in order. */
  readonly part: number;
  readonly parts: number;
  /** The same in the batches for every partition, and in part 0 alone: add up over tasks, not over partitions. */
  readonly pipeline: PipelineCounts;
  readonly cells: readonly CellWindow[];
}

/** What happened to records themselves, for telling a broken pipeline from a broken service. */
export interface PipelineCounts {
  /** Spans whose window had closed before they came. */
  readonly lateSpans: number;
  /** Spans with an end after their arrival by more than the allowed skew. */
  readonly clampedSpans: number;
  /** Spans that came a second time. */
  readonly duplicateSpans: number;
  /** Spans that describe a call that an inner span describes as well. */
  readonly outerSpans: number;
  /** Traces whose root ended in the window, and those of them in which no span has an error; absent: 0. */
  readonly traces?: number;
  readonly cleanTraces?: number;
  readonly senders: readonly SenderCounts[];
}

export interface SenderCounts {
  /** `service.name` and `service.instance.id`, joined by `/`. */
  readonly sender: string;
  readonly spans: number;
  readonly late: number;
  readonly clamped: number;
}

export interface CellWindow {
  readonly cell: CellKey;
  /** Indexed by `counterIds`. */
  readonly counters: readonly number[];
  /** Indexed by `sketchIds`; absent ones are empty. */
  readonly sketches: Readonly<Record<number, SparseSketch>>;
  /** Indexed by `breadthIds`: bitmaps for linear counting. */
  readonly breadth: Readonly<Record<number, Uint8Array>>;
  readonly dimensions: readonly DimensionCounts[];
  /** Gauges that came as metrics (such as requests in flight), in thousandths. */
  readonly gauges: Readonly<Record<string, number>>;
  readonly examples: readonly Example[];
}

export interface DimensionCounts {
  /** Attribute name of the telemetry, such as `service.version`. */
  readonly dimension: string;
  /** Largest values by requests, ties by name; the rest summed under `_other`. */
  readonly values: readonly DimensionValue[];
}

export interface DimensionValue {
  readonly value: string;
  readonly requests: number;
  /** Outcomes of the group `failure`. */
  readonly failures: number;
  readonly limited: number;
  /**
   * Half-octave histogram (index ⌊2·log2 µs⌋, counts) of the time to first token, of the duration where there is none:
   * "slow" is judged later, against the cell's own baseline.
   */
  readonly latency: SparseSketch;
}

export interface Example {
  /** Lower-case hexadecimal. */
  readonly traceId: string;
  readonly spanId: string;
  readonly outcome: Outcome;
  readonly durationUs: number;
  readonly timeToFirstTokenUs: number;
}

export function counter(window: CellWindow, name: CounterName): number {
  return window.counters[counterIds[name]] ?? 0;
}

export function sketch(window: CellWindow, name: keyof typeof sketchIds): SparseSketch {
  return window.sketches[sketchIds[name]] ?? emptySketch;
}

/** Name of a breadth bitmap's estimate: linear counting, n ≈ −m·ln(zero bits / m) over m bits. Whang et al. 1990. */
export function estimateBreadth(window: CellWindow, name: keyof typeof breadthIds): number {
  const bits = window.breadth[breadthIds[name]];
  if (bits === undefined) return 0;
  let set = 0;
  for (const byte of bits) {
    for (let rest = byte; rest !== 0; rest &= rest - 1) set++;
  }
  const size = bits.length * 8;
  return set >= size ? size : Math.round(-size * Math.log((size - set) / size));
}
