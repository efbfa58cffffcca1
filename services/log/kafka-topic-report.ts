/** Topics on Kafka beside what Foreshock wants of them: each difference, what it means, and how it is mended. */
import { type KafkaConnection, openKafkaClient } from "./kafka-client.ts";
import { withLogErrors } from "./kafka-errors.ts";
import { type SettingRule, settingRules, wantedTopicConfig } from "./kafka-topic-config.ts";
import { createKafkaTopics } from "./kafka-topics.ts";
import type { TopicSpec } from "./log.ts";

export interface TopicDifference {
  readonly setting: string;
  readonly found: string;
  readonly wanted: string;
  readonly weight: SettingRule["weight"];
  readonly why: string;
  /** A command of Kafka's own that sets it; undefined where nothing can. */
  readonly mend: string | undefined;
}

export interface TopicReport {
  /** Its name on the cluster, with the prefix. */
  readonly topic: string;
  readonly state: "right" | "differs" | "missing" | "created";
  readonly partitions: number;
  readonly differences: readonly TopicDifference[];
}

export interface TopicReportOptions extends KafkaConnection {
  readonly prefix?: string;
  readonly replicationFactor?: number;
  readonly holdFactor?: number;
}

const topicsResource = 2;

/** `create` makes what is missing; what exists is never changed. Throws what the log on Kafka throws. */
export async function reportKafkaTopics(
  options: TopicReportOptions,
  specs: readonly TopicSpec[],
  create: boolean,
): Promise<readonly TopicReport[]> {
  const { prefix = "", holdFactor = 4, brokers } = options;
  const client = await withLogErrors("connecting", () => openKafkaClient(options));
  try {
    return await withLogErrors("looking at topics", async () => {
      const { admin } = client;
      const existing = new Set(await admin.listTopics());
      const missing = specs.filter(({ name }) => !existing.has(prefix + name));
      const replicationFactor = options.replicationFactor ?? 0;
      if (create && missing.length > 0)
        await createKafkaTopics(client, { prefix, replicationFactor, holdFactor }).ensure(missing);
      const cluster = await admin.describeCluster();
      const copies = replicationFactor || Math.min(3, cluster.brokers.length);
      return await Promise.all(
        specs.map(async (spec): Promise<TopicReport> => {
          const topic = prefix + spec.name;
          if (missing.includes(spec) && !create)
            return { topic, state: "missing", partitions: spec.partitions, differences: [] };
          const found = await settingsOf(topic);
          const wanted: Readonly<Record<string, string>> = {
            partitions: String(spec.partitions),
            "replication.factor": String(copies),
            ...wantedTopicConfig(spec, { replicationFactor: copies, holdFactor }),
          };
          const differences = differencesOf({ topic, found, wanted, broker: brokers[0] ?? "" });
          const wasMade = missing.includes(spec);
          const state = differences.length > 0 ? "differs" : wasMade ? "created" : "right";
          return { topic, state, partitions: Number(found.get("partitions")), differences };
        }),
      );
    });
  } finally {
    await client.close();
  }

  async function settingsOf(topic: string): Promise<ReadonlyMap<string, string>> {
    const { admin } = client;
    const [{ topics }, { resources }] = await Promise.all([
      admin.fetchTopicMetadata({ topics: [topic] }),
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: topicsResource, name: topic }],
      }),
    ]);
    const partitions = topics[0]?.partitions ?? [];
    const entries = resources[0]?.configEntries ?? [];
    return new Map([
      ...entries.map((entry) => [entry.configName, entry.configValue] as const),
      ["partitions", String(partitions.length)],
      [
        "replication.factor",
        String(Math.min(...partitions.map(({ replicas }) => replicas.length))),
      ],
    ]);
  }
}

interface Comparison {
  readonly topic: string;
  readonly found: ReadonlyMap<string, string>;
  readonly wanted: Readonly<Record<string, string>>;
  readonly broker: string;
}

function differencesOf({ topic, found, wanted, broker }: Comparison): TopicDifference[] {
  return Object.entries(wanted).flatMap(([setting, value]) => {
    const rule = settingRules[setting];
    const actual = found.get(setting) ?? "(unset)";
    if (rule === undefined || isAsGood(actual, value, rule)) return [];
    const isConfig = setting !== "partitions" && setting !== "replication.factor";
    const mend = isConfig
      ? `kafka-configs.sh --bootstrap-server ${broker} --alter --entity-type topics --entity-name ${topic} --add-config ${setting}=${value}`
      : undefined;
    return [{ setting, found: actual, wanted: value, weight: rule.weight, why: rule.why, mend }];
  });
}

function isAsGood(found: string, wanted: string, rule: SettingRule): boolean {
  if (found === wanted) return true;
  const [have, want] = [Number(found), Number(wanted)];
  return (rule.orMore === true && have >= want) || (rule.orLess === true && have <= want);
}
