import { ForeshockError } from "../contracts/errors.ts";
import type { Groups } from "./groups.ts";
import type { Pressure } from "./log.ts";
import type { PartitionState, TopicState } from "./partition-state.ts";
import type { RecordStore } from "./record-store.ts";

/** Ingest is refused this much before appends are: later stages still need room to read the log empty. */
const refusingShare = 0.9;
const retryAfterMs = 1000;

export interface PressureGauge {
  read(nowMs: number): Pressure;
  /** Counts the bytes of an append; throws `log_full` when they would pass the bound. */
  admit(bytes: number): void;
  /** To be called after each round of retention, with what went wrong in it. */
  maintained(fault?: unknown): void;
}

export function createPressureGauge(options: {
  readonly store: RecordStore;
  readonly groups: Groups;
  readonly topics: ReadonlyMap<string, TopicState>;
  readonly maxBytes: number;
}): PressureGauge {
  const { store, groups, topics, maxBytes } = options;
  /** Bytes as last measured, and what was appended since. */
  let usedBytes = store.usedBytes();
  let fault: unknown;

  /** Append time of a group's oldest unread record, or undefined when it has read everything. */
  function oldestUnreadMs(group: string, state: PartitionState): number | undefined {
    const position = { group, topic: state.topic.spec.name, partition: state.partition };
    const committed = groups.committed(position)?.offset ?? state.start;
    const offset = Math.max(committed, state.start);
    if (offset >= state.end) return undefined;
    const known = state.oldestUnread.get(group);
    if (known?.offset === offset) return known.appendMs;
    const appendMs = store.appendMsAt(state.slot, offset);
    if (appendMs !== undefined) state.oldestUnread.set(group, { offset, appendMs });
    return appendMs;
  }

  function laggard(nowMs: number): string | undefined {
    for (const { spec, partitions } of topics.values()) {
      if (spec.cleanup !== "delete") continue;
      for (const group of groups.registeredFor(spec.name)) {
        for (const state of partitions) {
          const unreadMs = oldestUnreadMs(group, state);
          if (unreadMs === undefined || nowMs - unreadMs <= spec.retentionMs / 2) continue;
          return `group ${group} has not read ${spec.name}/${state.partition} for ${nowMs - unreadMs} ms, half the retention is ${spec.retentionMs / 2} ms`;
        }
      }
    }
    return undefined;
  }

  function refusal(nowMs: number): string | undefined {
    if (fault !== undefined) return `retention failed: ${String(fault)}`;
    if (usedBytes > refusingShare * maxBytes) {
      return `the log takes ${usedBytes} bytes, of ${maxBytes} allowed; sources are refused from ${refusingShare * 100} %`;
    }
    return laggard(nowMs);
  }

  return {
    read(nowMs) {
      const reason = refusal(nowMs);
      return reason === undefined ? { state: "open" } : { state: "refusing", reason, retryAfterMs };
    },
    admit(bytes) {
      if (usedBytes + bytes > maxBytes) usedBytes = store.usedBytes();
      if (usedBytes + bytes > maxBytes) {
        throw new ForeshockError(
          "log_full",
          `appending ${bytes} bytes to the ${usedBytes} of the log would pass its bound of ${maxBytes} bytes`,
          { retryable: true },
        );
      }
      usedBytes += bytes;
    },
    maintained(error) {
      fault = error;
      usedBytes = store.usedBytes();
    },
  };
}
