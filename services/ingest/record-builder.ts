import {
  type CopyPlan,
  carryOut,
  createPlan,
  planAll,
  planCopy,
  planEdited,
  planVarint,
  setVarint,
} from "./copy-plan.ts";
import type { Edits } from "./edits.ts";

/** A message around items: a resource, a scope, a metric. It is repeated in every record that has items of it. */
export interface Level {
  /** Differs from that of every other message of the request. */
  id: number;
  /** The tag that it has in its parent. */
  tag: number;
  /** Its fields other than the children. */
  header: CopyPlan;
}

export function createLevel(): Level {
  return { id: 0, tag: 0, header: createPlan() };
}

/** An item lies in `levels[depth]`. `levels[0]` is the request itself, which has neither tag nor length. */
interface Placement {
  readonly levels: readonly Level[];
  readonly depth: number;
}

/** Levels may take this share of a record, else repeating them would multiply a request. */
const maxHeaderShare = 0.5;

/** Lengths around an item are counted at their largest, since they are known only at the end. */
const levelOverheadBytes = 1 + 4;

/** Collects items of one partition into records of at most `limitBytes`. */
export interface RecordBuilder {
  /**
   * `[start, end)` with its tag, and its edits. False when it does not fit a record of its own, and nothing was added.
   * An empty stretch adds the levels alone.
   */
  add(placement: Placement, edits: Edits, start: number, end: number): boolean;
  finish(bytes: Buffer): readonly Uint8Array[];
}

export function createRecordBuilder(limitBytes: number): RecordBuilder {
  const done: CopyPlan[] = [];
  let plan = createPlan();
  const openIds: number[] = [];
  const lengthPlaces: number[] = [];
  const contentStarts: number[] = [];

  function sharedDepth({ levels, depth }: Placement): number {
    let shared = 0;
    while (shared < depth && shared < openIds.length && openIds[shared] === levels[shared + 1]?.id)
      shared++;
    return shared;
  }

  function levelBytes({ levels, depth }: Placement, from: number): number {
    let bytes = 0;
    for (let i = from + 1; i <= depth; i++)
      bytes += levelOverheadBytes + (levels[i] as Level).header.sizeBytes;
    return bytes;
  }

  function openLevel(level: Level): void {
    planVarint(plan, level.tag);
    lengthPlaces.push(planVarint(plan, 0));
    contentStarts.push(plan.sizeBytes);
    openIds.push(level.id);
    planAll(plan, level.header);
  }

  function closeTo(depth: number): void {
    while (openIds.length > depth) {
      openIds.pop();
      const contentBytes = plan.sizeBytes - (contentStarts.pop() as number);
      setVarint(plan, lengthPlaces.pop() as number, contentBytes);
    }
  }

  function closeRecord(): void {
    if (plan.steps.length === 0) return;
    closeTo(0);
    done.push(plan);
    plan = createPlan();
  }

  return {
    add(placement, edits, start, end) {
      const itemBytes = end - start - edits.removedBytes;
      let shared = sharedDepth(placement);
      if (shared < placement.depth && levelBytes(placement, 0) > limitBytes * maxHeaderShare)
        return false;
      const root = (placement.levels[0] as Level).header;
      const added = levelBytes(placement, shared) + itemBytes;
      // Open lengths were planned with one byte and may grow to four.
      if (plan.sizeBytes + openIds.length * 3 + added > limitBytes) {
        if (root.sizeBytes + levelBytes(placement, 0) + itemBytes > limitBytes) return false;
        closeRecord();
        shared = 0;
      }
      if (plan.steps.length === 0) planAll(plan, root);
      closeTo(shared);
      for (let i = shared + 1; i <= placement.depth; i++) openLevel(placement.levels[i] as Level);
      if (edits.count === 0) planCopy(plan, start, end);
      else planEdited(plan, edits, start, end);
      return true;
    },
    finish(bytes) {
      closeRecord();
      return done.map((each) => carryOut(each, bytes));
    },
  };
}
