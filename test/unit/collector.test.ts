import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { sourceTopics } from "../../services/contracts/topics.ts";
import { collectorConfig } from "../../services/deploy/collector-config.ts";

const file = join(import.meta.dirname, "../../services/deploy/collector.yaml");

it("the Collector's configuration is the one that follows from the rules of content", () => {
  expect(readFileSync(file, "utf8"), "npm run generate writes it").toBe(collectorConfig());
});

it("limits memory first, cuts content second, and answers no sender before its queue is on disk", () => {
  const { service, exporters } = parse(collectorConfig());
  for (const pipeline of Object.values(service.pipelines))
    expect(pipeline).toEqual({
      receivers: ["otlp"],
      processors: ["memory_limiter", "transform/content"],
      exporters: ["kafka"],
    });
  expect(exporters.kafka.sending_queue.storage).toBe("file_storage");
  expect(exporters.kafka.producer.required_acks).toBe("all");
  expect(exporters.kafka.traces.topic.endsWith(sourceTopics.traces)).toBe(true);
});
