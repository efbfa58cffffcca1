import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe } from "vitest";
import { type KafkaLogOptions, openKafkaLog } from "../../services/log/kafka.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { type KafkaBrokerProcess, needsKafka, startKafkaBroker } from "../support/kafka-broker.ts";
import { describeLogContract } from "./log-contract.ts";

const missing = needsKafka();

describe.skipIf(missing !== undefined)(
  `on a real broker${missing ? ` (skipped: ${missing})` : ""}`,
  () => {
    let broker: KafkaBrokerProcess;
    beforeAll(async () => {
      broker = await startKafkaBroker();
    }, 180_000);
    afterAll(() => broker[Symbol.asyncDispose]());

    describeLogContract("Kafka", async () => {
      const options: KafkaLogOptions = {
        brokers: [broker.address],
        clientId: "contract",
        clock: systemClock,
        // Topics and groups of its own for each test.
        prefix: `${randomUUID().slice(0, 8)}.`,
        // Kafka's own deletion by age is no part of the contract: out of the way.
        holdFactor: 10_000,
        maintenanceIntervalMs: 200,
        pressureAgeMs: 50,
      };
      let log = await openKafkaLog(options);
      return {
        log,
        async reopen() {
          await log[Symbol.asyncDispose]();
          log = await openKafkaLog(options);
          // As at the start of a process: whoever ensures topics keeps up their retention.
          await log.ensureTopics(await log.topics());
          return log;
        },
        passTime: (ms) => wait(ms),
        retentionMs: 4_000,
        dispose: async () => log[Symbol.asyncDispose](),
      };
    });
  },
);
