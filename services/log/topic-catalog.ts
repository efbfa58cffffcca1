import { ForeshockError } from "../contracts/errors.ts";
import type { TopicSpec } from "./log.ts";

const maxPartitions = 1024;
/** Names as Kafka allows them, so that a topic or group can move there. */
const namePattern = /^[a-zA-Z0-9._-]{1,249}$/;

/** Throws `config_invalid` naming what is wrong with a topic or group name. */
export function checkName(kind: "topic" | "group", name: string): void {
  if (namePattern.test(name)) return;
  throw new ForeshockError(
    "config_invalid",
    `${kind} name must be 1–249 letters, digits, ".", "_" or "-", got ${JSON.stringify(name)}`,
  );
}

/** Throws `config_invalid` for a topic that no log could make. */
export function checkTopicSpec(spec: TopicSpec): void {
  checkName("topic", spec.name);
  const { partitions, retentionMs } = spec;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    throw new ForeshockError(
      "config_invalid",
      `partitions of topic ${spec.name} must be 1–${maxPartitions}, got ${partitions}`,
    );
  }
  if (!(retentionMs > 0)) {
    throw new ForeshockError(
      "config_invalid",
      `retentionMs of topic ${spec.name} must be > 0, got ${retentionMs}`,
    );
  }
}

/**
 * How existing topics differ from wanted ones in what can't change later, a text each. Retention can:
 * the log takes the wanted one.
 */
export function topicDifferences(
  wanted: readonly TopicSpec[],
  existing: (name: string) => TopicSpec | undefined,
): readonly string[] {
  const differences: string[] = [];
  for (const spec of wanted) {
    const found = existing(spec.name);
    if (found === undefined) continue;
    for (const field of ["partitions", "cleanup"] as const) {
      if (found[field] !== spec[field]) {
        differences.push(`${field} of ${spec.name} is ${found[field]}, wanted ${spec[field]}`);
      }
    }
  }
  return differences;
}
