/** The facts that reducers agree on: which tasks there are and which configuration is in force from which window on. */
import { createHash } from "node:crypto";
import type { Config, Judgement } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { type Control, controlRecord, type Epoch, type Manifest } from "../contracts/records.ts";
import { signals, sourceTopics, topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";

export interface ControlFacts {
  readonly manifests: readonly Manifest[];
  readonly epochs: readonly Epoch[];
}

/** Source tasks in merge order. */
export function sourceTasks(partitions: number): string[] {
  return signals.flatMap((signal) =>
    Array.from({ length: partitions }, (_, partition) => `${sourceTopics[signal]}/${partition}`),
  );
}

export function judgementHash(
  judgement: Judgement,
  versions: Readonly<Record<string, number>>,
): string {
  return createHash("sha256")
    .update(JSON.stringify([judgement, versions]))
    .digest("hex")
    .slice(0, 16);
}

/** The facts of a run that has no log of its own, such as a replay: one manifest and one epoch, from the beginning. */
export function fixedControl(
  judgement: Judgement,
  tasks: readonly string[],
  windowsPartitions: number,
): ControlFacts {
  return {
    manifests: [
      { kind: "manifest", number: 1, effectiveFromMs: 0, tasks: [...tasks], windowsPartitions },
    ],
    epochs: [{ kind: "epoch", number: 1, effectiveFromMs: 0, hash: "", judgement }],
  };
}

/**
 * Reads the facts, and adds what is new: the first manifest and epoch of a fresh log, or an epoch for a changed
 * judgement, effective from the next window boundary that no task has reached yet.
 */
export async function readControl(
  log: Log,
  config: Config,
  versions: Readonly<Record<string, number>>,
  nowMs: number,
): Promise<ControlFacts> {
  const records = await log.latestByKey(topics.control, 0);
  const facts = records.map((record) => controlRecord.decode(record.value));
  const manifests = facts.filter((fact): fact is Manifest => fact.kind === "manifest");
  const epochs = facts.filter((fact): fact is Epoch => fact.kind === "epoch");
  const added: Control[] = [];

  const { partitions } = config.log;
  const manifest = manifests.at(-1);
  if (manifest === undefined) {
    const first = fixedControl(config.judgement, sourceTasks(partitions), partitions).manifests[0];
    if (first !== undefined) added.push(first);
  } else if (manifest.windowsPartitions !== partitions) {
    throw new ForeshockError(
      "config_invalid",
      `log.partitions must stay ${manifest.windowsPartitions} as when this log was made, got ${partitions}; use a new dataDir for another number`,
    );
  }

  const hash = judgementHash(config.judgement, versions);
  const epoch = epochs.at(-1);
  const { lengthMs } = config.judgement.window;
  const before = (epoch?.judgement as Judgement | undefined)?.window.lengthMs;
  if (before !== undefined && before !== lengthMs)
    throw new ForeshockError(
      "config_invalid",
      `judgement.window.lengthMs must stay ${before} as when this log was made, got ${lengthMs}; use a new dataDir for another length`,
    );
  if (epoch === undefined || epoch.hash !== hash) {
    added.push({
      kind: "epoch",
      number: (epoch?.number ?? 0) + 1,
      effectiveFromMs: epoch === undefined ? 0 : (Math.floor(nowMs / lengthMs) + 1) * lengthMs,
      hash,
      judgement: config.judgement,
    });
  }
  if (added.length > 0)
    await log.append(
      added.map((fact) => ({
        topic: topics.control,
        partition: 0,
        key: `${fact.kind}/${fact.number}`,
        value: controlRecord.encode(fact),
      })),
    );
  const isNew = <T extends Control>(kind: T["kind"]) =>
    added.filter((fact): fact is T => fact.kind === kind);
  return {
    manifests: [...manifests, ...isNew<Manifest>("manifest")],
    epochs: [...epochs, ...isNew<Epoch>("epoch")],
  };
}
