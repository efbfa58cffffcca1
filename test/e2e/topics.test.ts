import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openKafkaClient } from "../../services/log/kafka-client.ts";
import type { TopicReport } from "../../services/log/kafka-topic-report.ts";
import { foreshock } from "../support/foreshock-process.ts";
import { type KafkaBrokerProcess, needsKafka, startKafkaBroker } from "../support/kafka-broker.ts";

const missing = needsKafka();

it("says that the embedded log needs no topics made", async () => {
  const { code, stderr } = await foreshock(["topics"]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("log.engine is lmdb")]);
});

describe.skipIf(missing !== undefined)(
  `foreshock topics${missing ? ` (skipped: ${missing})` : ""}`,
  () => {
    let broker: KafkaBrokerProcess;
    let folder: string;
    beforeAll(async () => {
      broker = await startKafkaBroker();
      folder = mkdtempSync(join(tmpdir(), "foreshock-topics-"));
    }, 180_000);
    afterAll(async () => {
      await broker?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    const configFile = (topicPrefix: string) => {
      const file = join(folder, `${topicPrefix}yaml`);
      const log = { engine: "kafka", brokers: [broker.address], kafka: { topicPrefix } };
      writeFileSync(file, JSON.stringify({ log, dataDir: folder }));
      return file;
    };
    const topics = async (prefix: string, ...flags: string[]) => {
      const { code, stdout } = await foreshock([
        "topics",
        "--config",
        configFile(prefix),
        ...flags,
      ]);
      return { code, stdout };
    };

    it("names what is missing, makes it, and finds it right from then on", async () => {
      const before = await topics("made.");
      expect(before.code).toBe(1);
      expect(before.stdout).toMatch(/made\.otlp_spans +missing +2 partitions/);
      expect(before.stdout).toContain("foreshock topics --create makes what is missing.");
      const made = await topics("made.", "--create");
      expect([made.code, made.stdout]).toEqual([
        0,
        expect.stringMatching(/0 right, 12 created, 0 missing, 0 different\.\n$/),
      ]);
      const after = await topics("made.", "--verify");
      expect([after.code, after.stdout]).toEqual([
        0,
        expect.stringMatching(/12 right, 0 created, 0 missing, 0 different\.\n$/),
      ]);
    });

    it("explains each setting of a topic that somebody else made, and how it is mended", async () => {
      const client = await openKafkaClient({ brokers: [broker.address], clientId: "test" });
      // As a broker makes a topic that a Collector writes to: one partition, the sender's time, Kafka's own limits.
      await client.admin.createTopics({
        topics: [
          { topic: "other.otlp_spans", numPartitions: 1, replicationFactor: 1 },
          {
            topic: "other.foreshock.checkpoints",
            numPartitions: 2,
            replicationFactor: 1,
            configEntries: [{ name: "message.timestamp.type", value: "LogAppendTime" }],
          },
        ],
      });
      await client.close();
      const { code, stdout } = await topics("other.", "--json");
      expect(code).toBe(1);
      const reports = JSON.parse(stdout) as TopicReport[];
      const of = (topic: string) =>
        reports
          .find((report) => report.topic === topic)
          ?.differences.map(({ setting, found, weight }) => [setting, found, weight]);
      expect(of("other.otlp_spans")).toEqual([
        ["partitions", "1", "refused"],
        ["retention.ms", "604800000", "mended"],
        ["message.timestamp.type", "CreateTime", "refused"],
        ["max.message.bytes", "1048588", "costs"],
      ]);
      expect(of("other.foreshock.checkpoints")?.map(([setting]) => setting)).toEqual([
        "cleanup.policy",
        "retention.ms",
        "max.message.bytes",
        "segment.bytes",
        "segment.ms",
        "min.cleanable.dirty.ratio",
      ]);
      const text = await topics("other.");
      expect(text.stdout).toContain(
        `message.timestamp.type is CreateTime, wanted LogAppendTime (Foreshock does not start with it): arrival time`,
      );
      expect(text.stdout).toContain(
        `kafka-configs.sh --bootstrap-server ${broker.address} --alter --entity-type topics --entity-name other.otlp_spans --add-config message.timestamp.type=LogAppendTime`,
      );
      // What is missing is made beside it, and what differs is left as it is.
      const made = await topics("other.", "--create");
      expect(made.code).toBe(1);
      expect(made.stdout).toMatch(/0 right, 10 created, 0 missing, 2 different\.\n$/);
    });

    it("says that no broker answers", async () => {
      const { code, stderr } = await foreshock(["topics"], {
        env: { FORESHOCK_LOG_ENGINE: "kafka", FORESHOCK_LOG_BROKERS: "[127.0.0.1:1]" },
      });
      expect([code, stderr]).toEqual([69, expect.stringContaining("127.0.0.1:1")]);
    });
  },
);
