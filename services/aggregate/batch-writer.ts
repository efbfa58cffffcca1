/** A closed window → one batch (in parts where it is large) for every partition of the windows topic, empty or not. */
import { partitionFor } from "../contracts/partition.ts";
import type { Epoch, Manifest } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { CellWindow, WindowRecord } from "../contracts/window.ts";
import { encodeWindowParts } from "../contracts/window-write.ts";
import type { OutputRecord } from "../stage.ts";

export interface BatchFacts {
  readonly manifests: readonly Manifest[];
  readonly epochs: readonly Epoch[];
}

type BatchHead = Omit<WindowRecord, "epoch" | "part" | "parts" | "cells">;

/**
 * Every partition gets the same head and pipeline counts and the cells that belong to it: add pipeline counts up over tasks,
 * never over partitions.
 */
export function batchesOf(
  head: BatchHead,
  cells: readonly CellWindow[],
  facts: BatchFacts,
): OutputRecord[] {
  const partitions = inForce(facts.manifests, head.windowStartMs)?.windowsPartitions ?? 1;
  const epoch = inForce(facts.epochs, head.windowStartMs)?.number ?? 0;
  const byPartition = Array.from({ length: partitions }, () => [] as CellWindow[]);
  for (const cell of cells) byPartition[partitionFor(cell.cell, partitions)]?.push(cell);
  return byPartition.flatMap((own, partition) =>
    encodeWindowParts({ ...head, epoch, part: 0, parts: 1, cells: own }).map((value) => ({
      topic: topics.windows,
      partition,
      value,
    })),
  );
}

/** The last fact that is effective at a time; before the first, the first. */
function inForce<Fact extends { readonly effectiveFromMs: number }>(
  facts: readonly Fact[],
  timeMs: number,
): Fact | undefined {
  let found = facts[0];
  for (const fact of facts) if (fact.effectiveFromMs <= timeMs) found = fact;
  return found;
}
