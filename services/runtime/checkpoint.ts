/**
 * Checkpoints in a compacted topic: chunks under alternating slots, the manifest last. A manifest whose chunks do not
 * hash to what it says was torn by a crash in between and cannot occur, because the slot it names was complete before it.
 */
import { createHash } from "node:crypto";
import { ForeshockError } from "../contracts/errors.ts";
import { partitionFor } from "../contracts/partition.ts";
import { type Checkpoint, checkpointRecord } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";
import { crashPoint } from "./crash-points.ts";

export interface SavedCheckpoint {
  readonly manifest: Checkpoint;
  readonly chunks: readonly Uint8Array[];
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export interface CheckpointStore {
  load(task: string): Promise<SavedCheckpoint | undefined>;
  /** Writes the chunks into the slot that is not in use, then the manifest. */
  save(
    manifest: Omit<Checkpoint, "slot" | "chunks">,
    chunks: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<number>;
}

export function checkpointStore(log: Log, partitions: number): CheckpointStore {
  const slots = new Map<string, "a" | "b">();
  const written = new Map<string, readonly string[]>();
  return {
    async load(task) {
      // Another process may have written these slots since this one last did: nothing is known of them until it writes.
      written.delete(`${task}/a`);
      written.delete(`${task}/b`);
      const records = await log.latestByKey(topics.checkpoints, partitionFor(task, partitions));
      const byKey = new Map(records.map((record) => [record.key, record]));
      const last = byKey.get(`${task}/manifest`);
      if (last === undefined) return undefined;
      const manifest = checkpointRecord.decode(last.value);
      const chunks = manifest.chunks.map((hash, index) => {
        const chunk = byKey.get(`${task}/${manifest.slot}/${index}`)?.value;
        if (chunk === undefined || sha256(chunk) !== hash)
          throw new ForeshockError(
            "checkpoint_invalid",
            `checkpoint of ${task}: chunk ${index} of ${manifest.chunks.length} in slot ${manifest.slot} is ${chunk === undefined ? "missing" : "not what its manifest says"}`,
          );
        return chunk;
      });
      slots.set(task, manifest.slot);
      return { manifest, chunks };
    },
    async save(manifest, chunks, signal) {
      const { task } = manifest;
      const partition = partitionFor(task, partitions);
      const slot = slots.get(task) === "a" ? "b" : "a";
      const hashes = chunks.map(sha256);
      const before = written.get(`${task}/${slot}`);
      const changed = chunks.flatMap((value, index) =>
        before?.[index] === hashes[index]
          ? []
          : [{ topic: topics.checkpoints, partition, key: `${task}/${slot}/${index}`, value }],
      );
      if (changed.length > 0) await log.append(changed, signal);
      crashPoint("checkpoint:after-chunks");
      const value = checkpointRecord.encode({ ...manifest, slot, chunks: hashes });
      await log.append(
        [{ topic: topics.checkpoints, partition, key: `${task}/manifest`, value }],
        signal,
      );
      slots.set(task, slot);
      written.set(`${task}/${slot}`, hashes);
      return chunks.reduce((sum, chunk) => sum + chunk.length, value.length);
    },
  };
}
