/**
 * Checkpoints in a compacted topic: chunks under alternating slots, the manifest last. A manifest whose chunks do not
 * hash to what it says was torn by a crash in between and cannot occur, because the slot it names was complete before it.
 *
 * Whoever loads a task's checkpoint owns the task from then on, under a generation: the offset of a claim that it appends, which
 * only grows. All that an owner writes lies under keys of its generation, so an owner that lost the task and does not know it
 * yet spoils nothing, and what it saves late is never taken for newer.
 */
import { createHash } from "node:crypto";
import { ForeshockError } from "../contracts/errors.ts";
import { partitionFor } from "../contracts/partition.ts";
import { type Checkpoint, checkpointRecord } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { AppendRecord, Log } from "../log/log.ts";
import { crashPoint } from "./crash-points.ts";

export interface SavedCheckpoint {
  readonly manifest: Checkpoint;
  readonly chunks: readonly Uint8Array[];
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export interface CheckpointStore {
  /** Takes the task over, and gives the newest checkpoint of it: of the latest owner that saved one. */
  load(task: string): Promise<SavedCheckpoint | undefined>;
  /** Writes the chunks into the slot that is not in use, then the manifest; the task must have been loaded. */
  save(
    manifest: Omit<Checkpoint, "slot" | "chunks" | "generation" | "sequence">,
    chunks: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<number>;
}

/** What this process knows of a task that it owns. */
interface Ownership {
  readonly generation: number;
  sequence: number;
  slot: "a" | "b" | undefined;
  /** Hashes of the chunks in a slot, as this owner wrote them. */
  readonly written: Map<"a" | "b", readonly string[]>;
  /** Keys of earlier owners, to be deleted when there is something newer. */
  outdated: readonly string[];
}

/** Records of before there were generations have number 0. */
function keysOf(task: string, generation: number) {
  const own = generation === 0 ? task : `${task}/${generation}`;
  return {
    manifest: `${own}/manifest`,
    chunk: (slot: "a" | "b", index: number) => `${own}/${slot}/${index}`,
  };
}

export function checkpointStore(log: Log, partitions: number): CheckpointStore {
  const owned = new Map<string, Ownership>();

  async function claim(task: string, partition: number): Promise<number> {
    const value = new TextEncoder().encode(task);
    const key = `${task}/claim`;
    const [appended] = await log.append([{ topic: topics.checkpoints, partition, key, value }]);
    // From 1 on: the first record of a partition has offset 0.
    return (appended?.offset ?? 0) + 1;
  }

  return {
    async load(task) {
      const partition = partitionFor(task, partitions);
      const generation = await claim(task, partition);
      const records = await log.latestByKey(topics.checkpoints, partition);
      const byKey = new Map(
        records.flatMap(({ key, value }) =>
          key?.startsWith(`${task}/`) === true && key !== `${task}/claim` ? [[key, value]] : [],
        ),
      );
      const manifest = newest(
        [...byKey]
          .filter(([key]) => key.endsWith("/manifest"))
          .map(([, value]) => checkpointRecord.decode(value)),
      );
      owned.set(task, {
        generation,
        sequence: 0,
        slot: undefined,
        written: new Map(),
        outdated: [...byKey.keys()],
      });
      if (manifest === undefined) return undefined;
      const keys = keysOf(task, manifest.generation);
      const chunks = manifest.chunks.map((hash, index) => {
        const chunk = byKey.get(keys.chunk(manifest.slot, index));
        if (chunk === undefined || sha256(chunk) !== hash)
          throw new ForeshockError(
            "checkpoint_invalid",
            `checkpoint of ${task}: chunk ${index} of ${manifest.chunks.length} in slot ${manifest.slot} of generation ${manifest.generation} is ${chunk === undefined ? "missing" : "not what its manifest says"}`,
          );
        return chunk;
      });
      return { manifest, chunks };
    },
    async save(manifest, chunks, signal) {
      const { task } = manifest;
      const ownership = owned.get(task);
      if (ownership === undefined)
        throw new RangeError(`checkpoint of ${task}: saved before it was loaded`);
      const partition = partitionFor(task, partitions);
      const { generation, written } = ownership;
      const keys = keysOf(task, generation);
      const at = (key: string, value: Uint8Array): AppendRecord => ({
        topic: topics.checkpoints,
        partition,
        key,
        value,
      });
      const slot = ownership.slot === "a" ? "b" : "a";
      const hashes = chunks.map(sha256);
      const before = written.get(slot);
      const changed = chunks.flatMap((value, index) =>
        before?.[index] === hashes[index] ? [] : [at(keys.chunk(slot, index), value)],
      );
      if (changed.length > 0) await log.append(changed, signal);
      crashPoint("checkpoint:after-chunks");
      const sequence = ownership.sequence + 1;
      const value = checkpointRecord.encode({
        ...manifest,
        generation,
        sequence,
        slot,
        chunks: hashes,
      });
      await log.append([at(keys.manifest, value)], signal);
      ownership.sequence = sequence;
      ownership.slot = slot;
      written.set(slot, hashes);
      const { outdated } = ownership;
      if (outdated.length > 0) {
        await log.append(
          outdated.map((key) => at(key, new Uint8Array(0))),
          signal,
        );
        ownership.outdated = [];
      }
      return chunks.reduce((sum, chunk) => sum + chunk.length, value.length);
    },
  };
}

/** Of the latest owner, the last. */
function newest(manifests: readonly Checkpoint[]): Checkpoint | undefined {
  return manifests.reduce<Checkpoint | undefined>((best, manifest) => {
    if (best === undefined || manifest.generation > best.generation) return manifest;
    const isLater = manifest.generation === best.generation && manifest.sequence > best.sequence;
    return isLater ? manifest : best;
  }, undefined);
}
