import type { TopicSpec } from "./log.ts";

/** What an embedded log keeps in memory of a partition. Mutable: owned by `embedded-log.ts` alone. */
export interface PartitionState {
  readonly topic: TopicState;
  readonly partition: number;
  readonly slot: number;
  /** First offset kept. */
  start: number;
  /** Next offset after the durable ones: what readers may see. */
  end: number;
  /** Next offset to hand out; ahead of `end` while a write is under way. */
  nextOffset: number;
  /** Running maximum of append times, Unix ms. */
  maxAppendMs: number;
  /** Offset of the newest record by key, for compacted topics; undefined until it is first needed. */
  newest: Map<string, number> | undefined;
  /** The keys among them whose newest record is a tombstone. */
  readonly tombstones: Set<string>;
  readonly waiters: Set<ReadWaiter>;
  /** The oldest unread record that was last asked for, by group. */
  readonly oldestUnread: Map<string, { readonly offset: number; readonly appendMs: number }>;
}

export interface TopicState {
  spec: TopicSpec;
  readonly partitions: readonly PartitionState[];
}

export interface ReadWaiter {
  wake(): void;
  fail(error: Error): void;
}

/** What is saved of a partition once records were removed from it, since they no longer tell. */
export interface SavedBounds {
  readonly start: number;
  readonly end: number;
  readonly maxAppendMs: number;
}

export interface PartitionPlace {
  readonly topic: TopicState;
  readonly partition: number;
  readonly slot: number;
}

/** State of a partition from its saved bounds and its last stored record. */
export function restorePartition(
  place: PartitionPlace,
  saved: SavedBounds | undefined,
  last: { readonly offset: number; readonly appendMs: number } | undefined,
): PartitionState {
  const end = Math.max(saved?.end ?? 0, last === undefined ? 0 : last.offset + 1);
  return {
    ...place,
    start: saved?.start ?? 0,
    end,
    nextOffset: end,
    maxAppendMs: Math.max(saved?.maxAppendMs ?? 0, last?.appendMs ?? 0),
    newest: undefined,
    tombstones: new Set(),
    waiters: new Set(),
    oldestUnread: new Map(),
  };
}

/** First offset in [from, to) that must stay: whose append time is ≥ `keepFromMs`. Append times never fall, so bisect. */
export function firstKept(
  range: { readonly from: number; readonly to: number },
  keepFromMs: number,
  appendMsAt: (offset: number) => number | undefined,
): number {
  let low = range.from;
  let high = range.to;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if ((appendMsAt(middle) ?? 0) < keepFromMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
