/** Records as each compression and other producers write them, and topics as other programs make them. */
import { expect, it, vi } from "vitest";
import type { KafkaLogOptions } from "../../services/log/kafka.ts";
import { produceWithJava } from "../support/kafka-broker.ts";
import { describeKafka, event, events, readTexts } from "../support/kafka-scene.ts";

describeKafka("Kafka as a cluster", (scene) => {
  const { open } = scene;

  for (const compression of ["none", "gzip", "zstd"] as const) {
    it(`reads back what it wrote with compression ${compression}`, async () => {
      const log = await open({ compression });
      await log.ensureTopics([events]);
      const texts = Array.from({ length: 300 }, (_, i) => `record ${i} ${"a".repeat(i)}`);
      await log.append(texts.map((text) => event(text)));
      expect(await readTexts(log)).toEqual(texts);
    });
  }

  it("reads what Kafka's own producer wrote with gzip, lz4 and zstd", async () => {
    const log = await open();
    await log.ensureTopics([{ ...events, partitions: 1 }]);
    const expected: string[] = [];
    for (const compression of ["gzip", "lz4", "zstd"]) {
      const lines = Array.from(
        { length: 2_000 },
        (_, i) => `${compression} ${i} ${"ab".repeat(i % 40)}`,
      );
      produceWithJava(scene.broker.address, {
        topic: `${scene.options.prefix}events`,
        compression,
        lines,
      });
      expected.push(...lines);
    }
    expect(await readTexts(log)).toEqual(expected);
  });

  it("says so when a producer wrote with snappy", async () => {
    const log = await open();
    await log.ensureTopics([{ ...events, partitions: 1 }]);
    const lines = ["a", "b"];
    produceWithJava(scene.broker.address, {
      topic: `${scene.options.prefix}events`,
      compression: "snappy",
      lines,
    });
    await expect(readTexts(log)).rejects.toMatchObject({
      code: "log_corrupt",
      message: expect.stringContaining("compressed with snappy; use none, gzip, lz4 or zstd"),
    });
  });

  it("names a topic whose records would carry their senders' time", async () => {
    const log = await open();
    await log.ensureTopics([events]);
    await setTimestampType(scene.options, "events", "CreateTime");
    const other = await open();
    // Brokers hear of a changed setting one after another, a moment after the answer.
    await vi.waitFor(
      () =>
        expect(other.ensureTopics([events])).rejects.toMatchObject({
          code: "topic_mismatch",
          message:
            "existing topics differ: message.timestamp.type of events is CreateTime, wanted LogAppendTime",
        }),
      { timeout: 10_000, interval: 100 },
    );
  });
});

/** As another program would have made the topic. */
async function setTimestampType(
  options: KafkaLogOptions,
  topic: string,
  value: string,
): Promise<void> {
  const { openKafkaClient } = await import("../../services/log/kafka-client.ts");
  const client = await openKafkaClient(options);
  await client.admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: 2,
        name: `${options.prefix}${topic}`,
        configEntries: [{ name: "message.timestamp.type", value }],
      },
    ],
  });
  await client.close();
}
