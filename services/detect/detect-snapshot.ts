/**
 * Checkpoints of a detect task: entries of a kind, a length and a payload, cut into chunks wherever 512 KiB are full. The head is
 * JSON, a waiting batch has its own binary form, the rest is written by the task's codec, whose table of shapes comes second.
 */
import { type AnyDetector, defaultSets, type SetName } from "../../detectors/registry.ts";
import type { CellKey } from "../contracts/cell.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { checkpointChunkBytes } from "../contracts/records.ts";
import { decodeWindow } from "../contracts/window-read.ts";
import { encodeWindow } from "../contracts/window-write.ts";
import { type CellNames, emptyNames, type TrackedCell } from "./cell-names.ts";
import { sleepingPart, wakeUp, wakingPart } from "./cell-sleep.ts";
import type { CellState } from "./cell-state.ts";
import type { KeptTraces } from "./kept-traces.ts";
import { signalSources } from "./signal-sources.ts";
import { createStateCodec, type StateCodec } from "./state-codec.ts";
import type { SavedMerge } from "./window-merge.ts";

export interface DetectState {
  readonly merge: SavedMerge;
  readonly names: CellNames;
  readonly cells: Map<CellKey, CellState>;
  /** What sleeping cells were written with. */
  readonly codec: StateCodec;
}

/** Id and version of the detectors of a set, in the order of the states. */
type SavedSets = Readonly<Record<SetName, readonly { id: string; stateVersion: number }[]>>;

interface Head {
  readonly sets: SavedSets;
  /** Signals in the order of a cell's states. */
  readonly signals: readonly string[];
  readonly passed: Readonly<Record<string, number>>;
  readonly lastClosedMs: number | null;
  readonly window: number;
  /** Absent in older ones. */
  readonly kept?: KeptTraces;
}

/** A cell is two entries: what is awake of it, under its key, and what sleeps. */
const entryKinds = { head: 1, shapes: 2, pending: 3, name: 4, cell: 5, sleeping: 6 } as const;
const entryHeaderBytes = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeSnapshot(
  state: DetectState,
  limitBytes = checkpointChunkBytes,
): Uint8Array[] {
  const { merge, names, cells, codec } = state;
  const head: Head = {
    sets: currentSets(),
    signals: signalSources.map(({ signal }) => signal),
    passed: merge.passed,
    lastClosedMs: merge.lastClosedMs,
    window: names.window,
    kept: names.kept,
  };
  const entries = createEntries(limitBytes);
  for (const record of merge.pending) entries.add(entryKinds.pending, encodeWindow(record));
  for (const entry of names.cells) entries.add(entryKinds.name, codec.encodeView(entry));
  for (const [key, cell] of cells) {
    entries.add(entryKinds.cell, codec.encodeView([key, wakingPart(cell)]));
    entries.add(entryKinds.sleeping, cell.asleep ?? codec.encodeView(sleepingPart(cell)));
  }
  // Known last and needed first: the shapes of all that is above.
  const first = createEntries(limitBytes);
  first.add(entryKinds.head, jsonBytes(head));
  first.add(entryKinds.shapes, jsonBytes(codec.shapes));
  const chunks = [...first.chunks(), ...entries.chunks()];
  // Of a small task everything goes into one.
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  return bytes <= limitBytes ? [Buffer.concat(chunks)] : chunks;
}

function jsonBytes(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

const firstBytes = 65_536;

/**
 * Entries one after the other, cut wherever a chunk is full: a checkpoint has tens of thousands, too many for a buffer each, and
 * tens of megabytes, too many to be copied as a whole.
 */
function createEntries(limitBytes: number) {
  const full: Uint8Array[] = [];
  let chunk = Buffer.allocUnsafe(Math.min(firstBytes, limitBytes));
  let length = 0;
  const header = Buffer.alloc(entryHeaderBytes);

  /** Makes room behind what is there: a larger chunk, or the next one where this has its largest size. */
  function grow(): void {
    const size = chunk.length;
    if (size < limitBytes) {
      const grown = Buffer.allocUnsafe(Math.min(2 * size, limitBytes));
      grown.set(chunk.subarray(0, length));
      chunk = grown;
      return;
    }
    full.push(chunk);
    chunk = Buffer.allocUnsafe(size);
    length = 0;
  }

  function append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      if (length === chunk.length) grow();
      const end = Math.min(bytes.length, from + chunk.length - length);
      chunk.set(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end), length);
      length += end - from;
      from = end;
    }
  }

  return {
    add(kind: number, payload: Uint8Array): void {
      header[0] = kind;
      header.writeUInt32LE(payload.length, 1);
      append(header);
      append(payload);
    },
    /** What was added, not copied. */
    chunks: (): Uint8Array[] => (length === 0 ? full : [...full, chunk.subarray(0, length)]),
  };
}

function currentSets(): SavedSets {
  const sets = Object.entries(defaultSets) as [SetName, readonly AnyDetector[]][];
  return Object.fromEntries(
    sets.map(([name, set]) => [name, set.map(({ id, stateVersion }) => ({ id, stateVersion }))]),
  ) as unknown as SavedSets;
}

/**
 * The state of `encodeSnapshot`. States of detectors that changed their version are migrated, or left out: those learn again.
 * Throws `checkpoint_invalid` when the chunks are torn.
 */
export function decodeSnapshot(chunks: readonly Uint8Array[], windowMs: number): DetectState {
  const pending: SavedMerge["pending"][number][] = [];
  const names = emptyNames();
  const cells = new Map<CellKey, CellState>();
  let head: Head | undefined;
  let codec = createStateCodec();
  let last: CellState | undefined;
  for (const { kind, payload } of readEntries(chunks)) {
    if (kind === entryKinds.head) head = json(payload) as Head;
    else if (kind === entryKinds.shapes) codec = createStateCodec(json(payload) as string[][]);
    else if (kind === entryKinds.pending) pending.push(decodeWindow(payload));
    else if (kind === entryKinds.name)
      names.cells.set(...(codec.decode(payload) as [CellKey, TrackedCell]));
    else if (kind === entryKinds.cell) {
      const [key, cell] = codec.decode(payload) as [CellKey, CellState];
      cells.set(key, cell);
      last = cell;
    } else if (kind === entryKinds.sleeping && last !== undefined)
      // A copy: a view would hold on to the whole checkpoint.
      last.asleep = Uint8Array.from(payload);
    else throw torn(`an entry of kind ${kind}`);
  }
  if (head === undefined) throw torn("no head");
  names.window = head.window;
  names.kept = head.kept ?? names.kept;
  if (!isOfToday(head)) for (const cell of cells.values()) adopt(cell, { head, windowMs, codec });
  const { passed, lastClosedMs } = head;
  return { merge: { passed, lastClosedMs, pending }, names, cells, codec };
}

/** Whether states are in today's order of signals and detectors, and of their versions. */
function isOfToday({ sets, signals }: Head): boolean {
  const today = [currentSets(), signalSources.map(({ signal }) => signal)];
  return JSON.stringify([sets, signals]) === JSON.stringify(today);
}

function* readEntries(
  chunks: readonly Uint8Array[],
): Generator<{ readonly kind: number; readonly payload: Uint8Array }> {
  const all = Buffer.concat(chunks);
  for (let at = 0; at < all.length; ) {
    if (at + entryHeaderBytes > all.length) throw torn(`it ends at byte ${at}`);
    const end = at + entryHeaderBytes + all.readUInt32LE(at + 1);
    if (end > all.length) throw torn(`it ends inside an entry at byte ${at}`);
    yield { kind: all[at] as number, payload: all.subarray(at + entryHeaderBytes, end) };
    at = end;
  }
}

function json(payload: Uint8Array): unknown {
  return JSON.parse(decoder.decode(payload));
}

function torn(what: string): ForeshockError {
  return new ForeshockError("checkpoint_invalid", `detect checkpoint does not read back: ${what}`);
}

interface Adoption {
  readonly head: Head;
  readonly windowMs: number;
  readonly codec: StateCodec;
}

/** Brings a cell's state into today's order of signals and detectors. Changes `cell`. */
function adopt(cell: CellState, adoption: Adoption): void {
  const { head, codec } = adoption;
  wakeUp(cell, codec, head.signals.indexOf("traffic"));
  const saved = cell.signals;
  cell.signals = signalSources.map(({ signal, set }) => {
    const state = saved[head.signals.indexOf(signal)];
    if (state === null || state === undefined) return null;
    state.detectors = adoptStates(state.detectors, set, adoption);
    return state;
  });
  for (const [of, states] of Object.entries(cell.spotless))
    cell.spotless[of as keyof typeof cell.spotless] = adoptStates(states, "ratio", adoption);
}

function adoptStates(
  states: readonly unknown[],
  set: SetName,
  { head, windowMs }: Adoption,
): unknown[] {
  const before = head.sets[set] ?? [];
  return defaultSets[set].map((detector) => {
    const at = before.findIndex(({ id }) => id === detector.id);
    const version = before[at]?.stateVersion;
    if (version === detector.stateVersion) return states[at];
    const migrated = version === undefined ? undefined : detector.migrate?.(states[at], version);
    return migrated ?? detector.initialState(windowMs);
  });
}
