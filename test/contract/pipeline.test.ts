/** The map against what the stages declare, and against the topics that are made. */
import { describe, expect, it } from "vitest";
import { configSchema } from "../../services/contracts/config.ts";
import { sourceTopics, type TopicName, topics } from "../../services/contracts/topics.ts";
import { flow, stageNames, stages, topicSpecs } from "../../services/pipeline.ts";

const specs = topicSpecs(configSchema.parse({ log: { partitions: 3, retentionHours: 2 } }));
const specOf = (name: TopicName) => specs.find((spec) => spec.name === name);
const hourMs = 3_600_000;

describe("the map of the pipeline", () => {
  it.each(stageNames)("names what %s itself says that it reads and writes", (name) => {
    const { reads, writes } = stages[name];
    expect({ name: stages[name].name, reads, writes }).toEqual({ name, ...flow[name] });
  });

  it("has every stage once, in the order of the data", () => {
    expect(Object.keys(stages)).toEqual(stageNames);
    const made = new Set<string>();
    // A person's commands are the one way back.
    const laterOnes: string[] = [topics.commands];
    for (const name of stageNames) {
      for (const topic of flow[name].reads)
        expect([...made, ...laterOnes], `${name} reads ${topic}`).toContain(topic);
      for (const topic of flow[name].writes) made.add(topic);
    }
  });

  it("leaves no topic without a reader", () => {
    const read = new Set(stageNames.flatMap((name) => [...flow[name].reads]));
    const written = stageNames.flatMap((name) => [...flow[name].writes]);
    expect(written.filter((topic) => !read.has(topic))).toEqual([]);
  });
});

describe("topics that are made", () => {
  it("are all topics that are known, each once", () => {
    expect(specs.map(({ name }) => name).sort()).toEqual(Object.values(topics).sort());
  });

  it("have a partition for each source partition where the work is split, and one where order is global", () => {
    const many = specs.filter(({ partitions }) => partitions === 3).map(({ name }) => name);
    expect(many.sort()).toEqual(
      [...Object.values(sourceTopics), topics.windows, topics.closed, topics.checkpoints].sort(),
    );
    const rest = specs.filter(({ partitions }) => partitions !== 3);
    expect(new Set(rest.map(({ partitions }) => partitions))).toEqual(new Set([1]));
  });

  it("keep only the newest of what is state, and the rest for as long as configured", () => {
    const compacted = specs.filter(({ cleanup }) => cleanup === "compact").map(({ name }) => name);
    expect(compacted.sort()).toEqual([topics.checkpoints, topics.control].sort());
    for (const name of [...Object.values(sourceTopics), topics.windows, topics.frames])
      expect(specOf(name)?.retentionMs).toBe(2 * hourMs);
    expect(specOf(topics.deadletter)?.retentionMs).toBe(30 * 24 * hourMs);
  });
});
