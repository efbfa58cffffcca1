/** A real Kafka for a block of tests, with logs opened on topics of each test's own and members of a group that read them. */
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest";
import { type KafkaLogOptions, openKafkaLog } from "../../services/log/kafka.ts";
import type { AppendRecord, Log, TopicSpec } from "../../services/log/log.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { type KafkaBrokerProcess, needsKafka, startKafkaBroker } from "./kafka-broker.ts";

export const events: TopicSpec = {
  name: "events",
  partitions: 4,
  cleanup: "delete",
  retentionMs: 3_600_000,
};

export interface KafkaScene {
  /** From before the first test to after the last. */
  broker: KafkaBrokerProcess;
  /** Of the running test: the prefix of its topics is its own. */
  options: KafkaLogOptions;
  /** Opens a log that is closed after the test. */
  open(more?: Partial<KafkaLogOptions>): Promise<Log>;
}

/** A block of tests on one broker, skipped with the reason where Kafka cannot be started. */
export function describeKafka(title: string, block: (scene: KafkaScene) => void): void {
  const missing = needsKafka();
  describe.skipIf(missing !== undefined)(`${title}${missing ? ` (skipped: ${missing})` : ""}`, () =>
    block(createKafkaScene()),
  );
}

function createKafkaScene(): KafkaScene {
  let logs: Log[];
  const scene = { open } as KafkaScene;
  beforeAll(async () => {
    scene.broker = await startKafkaBroker();
  }, 180_000);
  afterAll(() => scene.broker?.[Symbol.asyncDispose]());
  beforeEach(() => {
    logs = [];
    scene.options = {
      brokers: [scene.broker.address],
      clientId: "cluster",
      clock: systemClock,
      prefix: `${randomUUID().slice(0, 8)}.`,
      sessionTimeoutMs: 6_000,
      heartbeatIntervalMs: 200,
    };
  });
  afterEach(async () => {
    await Promise.all(logs.map((log) => log[Symbol.asyncDispose]()));
  });

  async function open(more: Partial<KafkaLogOptions> = {}): Promise<Log> {
    const log = await openKafkaLog({ ...scene.options, ...more });
    logs.push(log);
    return log;
  }

  return scene;
}

export const event = (value: string, partition = 0): AppendRecord => ({
  topic: "events",
  partition,
  value: Buffer.from(value),
});

/** Texts of all records in a partition of `events`. */
export async function readTexts(log: Log, partition = 0): Promise<string[]> {
  const { start, end } = await log.offsets("events", partition);
  const texts: string[] = [];
  for (let fromOffset = start; fromOffset < end; ) {
    const records = await log.read({ topic: "events", partition, fromOffset });
    texts.push(...records.map((record) => Buffer.from(record.value).toString()));
    fromOffset = (records.at(-1)?.offset ?? end) + 1;
  }
  return texts;
}

export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await wait(20);
}
