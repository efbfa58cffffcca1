import type { Groups } from "./groups.ts";
import { metadataKey } from "./log-metadata.ts";
import { newestOffsets } from "./log-reader.ts";
import { firstKept, type PartitionState, type TopicState } from "./partition-state.ts";
import type { RecordStore, StoreWrite } from "./record-store.ts";

/** A tombstone of a compacted topic stays so long, so that readers of the topic see the removal. */
const tombstoneKeptMs = 24 * 60 * 60 * 1000;
/** Records removed in one transaction: appends wait for no more than that. */
const removedAtOnce = 4096;

export interface Retention {
  /** Removes what may go at that time, Unix ms. */
  run(nowMs: number): Promise<void>;
}

export function createRetention(options: {
  readonly store: RecordStore;
  readonly groups: Groups;
  readonly topics: ReadonlyMap<string, TopicState>;
  write(stage: (batch: StoreWrite) => void): Promise<void>;
}): Retention {
  const { store, groups, topics, write } = options;

  /** Offset that a partition's records may be removed up to: nobody registered needs them any more. */
  function readByAll(state: PartitionState): number {
    const { spec } = state.topic;
    let limit = state.end;
    for (const group of groups.registeredFor(spec.name)) {
      const position = { group, topic: spec.name, partition: state.partition };
      limit = Math.min(limit, groups.committed(position)?.offset ?? state.start);
    }
    return limit;
  }

  async function removeOld(state: PartitionState, nowMs: number): Promise<void> {
    const { slot, start: from } = state;
    const range = { from, to: readByAll(state) };
    const keepFromMs = nowMs - state.topic.spec.retentionMs;
    const cut = firstKept(range, keepFromMs, (offset) => store.appendMsAt(slot, offset));
    if (cut <= from) return;
    // Readers are told at once, so that none finds a partition with a hole at its start.
    state.start = cut;
    for (let next = from; next < cut; next += removedAtOnce) {
      const to = Math.min(cut, next + removedAtOnce);
      await write((batch) => {
        const { nextOffset: end, maxAppendMs } = state;
        batch.removals.push({ slot, from: next, to });
        const bounds = JSON.stringify({ start: to, end, maxAppendMs });
        batch.metadata.push([metadataKey.bounds(slot), bounds]);
      });
    }
  }

  async function removeTombstones(state: PartitionState, nowMs: number): Promise<void> {
    if (state.tombstones.size === 0) return;
    const limit = readByAll(state);
    for (const key of [...state.tombstones]) {
      const offset = newestOffsets(state, store).get(key);
      // The last record stays in any case: it holds the partition's end and append time.
      if (offset === undefined || offset >= limit || offset + 1 >= state.end) continue;
      const appendMs = store.appendMsAt(state.slot, offset);
      if (appendMs === undefined || appendMs >= nowMs - tombstoneKeptMs) continue;
      await write((batch) => {
        if (state.newest?.get(key) !== offset) return;
        batch.removals.push({ slot: state.slot, from: offset, to: offset + 1 });
        state.newest.delete(key);
        state.tombstones.delete(key);
      });
    }
  }

  return {
    async run(nowMs) {
      for (const { spec, partitions } of topics.values()) {
        for (const state of partitions) {
          if (spec.cleanup === "delete") await removeOld(state, nowMs);
          else await removeTombstones(state, nowMs);
        }
      }
    },
  };
}
