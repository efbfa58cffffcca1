/** A detect task to feed batches to, and its outputs read back. */
import { type Judgement, judgementSchema } from "../../services/contracts/config.ts";
import { type CellFrame, type Frame, frameRecord } from "../../services/contracts/frame.ts";
import type { Manifest } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { WindowRecord } from "../../services/contracts/window.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import { encodeWindow } from "../../services/contracts/window-write.ts";
import { detectStage } from "../../services/detect/detect.ts";
import type { InputRecord, OutputRecord, Reducer, TaskContext } from "../../services/stage.ts";

export const aManifest = (overrides: Partial<Manifest> = {}): Manifest => ({
  kind: "manifest",
  number: 1,
  effectiveFromMs: 0,
  tasks: ["otlp_spans/0"],
  windowsPartitions: 1,
  ...overrides,
});

export const aDetectContext = (overrides: Partial<TaskContext> = {}): TaskContext => ({
  task: "detect/0",
  partition: 0,
  manifests: [aManifest()],
  epochs: [{ kind: "epoch", number: 1, effectiveFromMs: 0, hash: "", judgement: {} }],
  judgement: judgementSchema.parse({}),
  ...overrides,
});

export const aJudgement = (
  overrides: {
    readonly [Key in keyof Judgement]?: Partial<Judgement[Key]>;
  },
): Judgement => judgementSchema.parse(overrides);

export function inputOf(window: WindowRecord, offset = 0): InputRecord {
  return {
    topic: topics.windows,
    partition: 0,
    offset,
    appendMs: window.appendMs,
    headers: {},
    value: encodeWindow(window),
  };
}

export const aDetect = (overrides?: Partial<TaskContext>): Reducer =>
  detectStage.create(aDetectContext(overrides));

export function framesOf(outputs: readonly OutputRecord[]): Frame[] {
  return outputs
    .filter(({ topic }) => topic === topics.frames)
    .map(({ value }) => frameRecord.decode(value));
}

export function closedOf(outputs: readonly OutputRecord[]): WindowRecord[] {
  return outputs
    .filter(({ topic }) => topic === topics.closed)
    .map(({ value }) => decodeWindow(value));
}

/** Feeds windows one after the other; the frame of each. */
export function runWindows(detect: Reducer, windows: Iterable<WindowRecord>): Frame[] {
  const frames: Frame[] = [];
  for (const window of windows) frames.push(...framesOf(detect.step(inputOf(window)).outputs));
  return frames;
}

export function signalOf(
  cell: CellFrame | undefined,
  name: CellFrame["signals"][number]["signal"],
) {
  return cell?.signals.find(({ signal }) => signal === name);
}
