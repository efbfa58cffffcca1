import { ForeshockError } from "../contracts/errors.ts";
import type { Committed, TopicSpec } from "./log.ts";
import type { SavedBounds } from "./partition-state.ts";

/**
 * What an embedded log saves besides records: a JSON text under a key that is a JSON array.
 *
 * | key | text |
 * | --- | --- |
 * | ["format"] | version of this layout, 1 |
 * | ["topic", name] | `SavedTopic`: slots are firstSlot … firstSlot + partitions − 1 |
 * | ["bounds", slot] | `SavedBounds` |
 * | ["member", group, topic] | true: the group is registered for the topic |
 * | ["commit", group, topic, partition] | `Committed` |
 */
export const metadataFormat = 1;

export interface SavedTopic extends TopicSpec {
  readonly firstSlot: number;
}

export const metadataKey = {
  format: () => JSON.stringify(["format"]),
  topic: (name: string) => JSON.stringify(["topic", name]),
  bounds: (slot: number) => JSON.stringify(["bounds", slot]),
  member: (group: string, topic: string) => JSON.stringify(["member", group, topic]),
  commit: (group: string, topic: string, partition: number) =>
    JSON.stringify(["commit", group, topic, partition]),
};

export interface SavedMetadata {
  readonly isNew: boolean;
  readonly topics: readonly SavedTopic[];
  readonly bounds: ReadonlyMap<number, SavedBounds>;
  readonly members: readonly { readonly group: string; readonly topic: string }[];
  readonly commits: readonly {
    readonly group: string;
    readonly topic: string;
    readonly partition: number;
    readonly committed: Committed;
  }[];
}

/** Reads all of a store's metadata. Throws `log_corrupt` on what this version does not know. */
export function readMetadata(entries: Iterable<readonly [string, string]>): SavedMetadata {
  let format: number | undefined;
  const topics: SavedTopic[] = [];
  const bounds = new Map<number, SavedBounds>();
  const members: { group: string; topic: string }[] = [];
  const commits: SavedMetadata["commits"][number][] = [];
  for (const [key, text] of entries) {
    const [kind, ...rest] = JSON.parse(key);
    const value = JSON.parse(text);
    switch (kind) {
      case "format":
        format = value;
        break;
      case "topic":
        topics.push(value);
        break;
      case "bounds":
        bounds.set(rest[0], value);
        break;
      case "member":
        members.push({ group: rest[0], topic: rest[1] });
        break;
      case "commit":
        commits.push({ group: rest[0], topic: rest[1], partition: rest[2], committed: value });
        break;
      default:
        throw new ForeshockError("log_corrupt", `log metadata has an unknown key ${key}`);
    }
  }
  const isNew = format === undefined && topics.length === 0;
  if (!isNew && format !== metadataFormat) {
    throw new ForeshockError(
      "log_corrupt",
      `log has layout version ${format}, this program reads ${metadataFormat}`,
    );
  }
  topics.sort((a, b) => a.firstSlot - b.firstSlot);
  return { isNew, topics, bounds, members, commits };
}
