/**
 * A real Collector in ingest's place, on the configuration that is shipped: what it writes to a real Kafka is counted as what is
 * sent to Foreshock directly, and holds no content.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configSchema } from "../../services/contracts/config.ts";
import { contentTables } from "../../services/contracts/content-attributes.ts";
import { requestRows } from "../../services/contracts/request-rows.ts";
import { headers, type sourceTopics, topics } from "../../services/contracts/topics.ts";
import type { CellWindow } from "../../services/contracts/window.ts";
import { mergeCells } from "../../services/contracts/window-merge.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import type { LogRecord } from "../../services/log/log.ts";
import { type App, startApp } from "../../services/runtime/app.ts";
import type { StageName } from "../../services/stage.ts";
import { clientCases } from "../support/aggregate-cases/client-cases.ts";
import { contribCases } from "../support/aggregate-cases/contrib-cases.ts";
import { frameworkCases } from "../support/aggregate-cases/framework-cases.ts";
import { liteLlmCases } from "../support/aggregate-cases/litellm-cases.ts";
import { openInferenceCases } from "../support/aggregate-cases/openinference-cases.ts";
import { type Batch, requestOf, sceneStartMs } from "../support/aggregate-harness.ts";
import {
  buildCollector,
  collectorForTests,
  needsCollector,
  type RunningCollector,
  startCollector,
  validateCollectorConfig,
} from "../support/collector.ts";
import { distinct, readTopic } from "../support/hard-log-outcome.ts";
import { type KafkaBrokerProcess, needsKafka, startKafkaBroker } from "../support/kafka-broker.ts";
import {
  aSpan,
  logsRequest,
  metricsRequest,
  text,
  traceId,
  traceRequest,
} from "../support/otlp-builders.ts";
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";

const missing = needsKafka() ?? needsCollector(collectorForTests);
const config = join(import.meta.dirname, "../../services/deploy/collector.yaml");
const windowMs = 1_000;
/** Calls in two traces are told to be one within a partition: with one, it is the same everywhere. */
const partitions = 1;
/** Cases end so far apart that the failures of one are not taken for those of another. */
const apartMs = 20;
const needle = "canary7f3a19";
const content = `${needle} what the user asked`;

/** Everything that any library sends, a request a case, in traces of their own; spans end at `endMs` of the real time. */
function libraryRequests(endMs: number, round: number): Uint8Array[] {
  const libraries = [
    ...clientCases,
    ...contribCases,
    ...frameworkCases,
    ...liteLlmCases,
    ...openInferenceCases,
  ];
  return libraries
    .flatMap(({ cases }) => cases)
    .map(({ batches }, number) => encodeAt(batches, endMs - number * apartMs, number * 2 + round));
}

/** A case's spans, moved so that the last one ends at `endMs`, their traces told apart from others by `number`. */
function encodeAt(batches: readonly Batch[], endMs: number, number: number): Uint8Array {
  const lastMs = Math.max(
    ...batches.flatMap(({ spans }) => spans.map((span) => span.endMs ?? 1e3)),
  );
  const shift = BigInt(endMs - sceneStartMs - lastMs) * 1_000_000n;
  const moved = (nanos: unknown) => String(BigInt(String(nanos)) + shift);
  const { resourceSpans = [] } = requestOf(batches);
  for (const { scopeSpans = [] } of resourceSpans)
    for (const { spans = [] } of scopeSpans)
      for (const span of spans) {
        const id = Buffer.from(span.traceId ?? []);
        id.writeUInt32BE(number + 1, 0);
        span.traceId = id;
        span.startTimeUnixNano = moved(span.startTimeUnixNano);
        span.endTimeUnixNano = moved(span.endTimeUnixNano);
        for (const event of span.events ?? []) event.timeUnixNano = moved(event.timeUnixNano);
      }
  return ExportTraceServiceRequest.encode({ resourceSpans });
}

async function post(base: string, path: string, body: Uint8Array): Promise<void> {
  const answer = await fetch(`${base.startsWith("http") ? base : `http://${base}`}${path}`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: Buffer.from(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
}

describe.skipIf(missing !== undefined)(
  `a Collector before Kafka${missing ? ` (skipped: ${missing})` : ""}`,
  () => {
    let broker: KafkaBrokerProcess;
    let program: string;
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "foreshock-collector-"));
      program = buildCollector(collectorForTests);
      broker = await startKafkaBroker();
    }, 1_200_000);
    afterAll(async () => {
      await broker?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    const complaints: string[] = [];
    const start = (name: string, log: object, stages: readonly StageName[]): Promise<App> =>
      startApp({
        config: configSchema.parse({
          dataDir: join(folder, name),
          log: { partitions, ...log },
          history: { engine: "none" },
          ingest: { grpcPort: 0, httpPort: 0 },
          metrics: { port: 0 },
          judgement: { window: { lengthMs: windowMs, latenessMs: 8_000, idleTimeoutMs: 10_000 } },
        }),
        stages,
        readWaitMs: 200,
        report: (level, message) => {
          if (level === "warn" || level === "error") complaints.push(`${name}: ${message}`);
        },
      });
    const onKafka = (topicPrefix: string) => ({
      engine: "kafka",
      brokers: [broker.address],
      kafka: { topicPrefix },
    });
    const collect = (topicPrefix: string): Promise<RunningCollector> =>
      startCollector(program, {
        config,
        env: {
          FORESHOCK_KAFKA_BROKER: broker.address,
          FORESHOCK_TOPIC_PREFIX: topicPrefix,
          FORESHOCK_COLLECTOR_QUEUE: join(folder, `${topicPrefix}queue`),
        },
      });

    /** Closed windows with traffic, by start, once all partitions have passed `untilMs`. */
    async function windowsOf({ log }: App, untilMs: number): Promise<Map<number, CellWindow[]>> {
      for (;;) {
        const { records } = distinct(await readTopic(log, topics.closed));
        const windows = new Map<number, CellWindow[]>();
        const ends = new Map<number, number>();
        for (const { partition, value } of records) {
          const { windowStartMs, cells } = decodeWindow(value);
          ends.set(partition, windowStartMs + windowMs);
          if (cells.length === 0) continue;
          const both = [...(windows.get(windowStartMs) ?? []), ...cells];
          windows.set(
            windowStartMs,
            both.sort((a, b) => (a.cell < b.cell ? -1 : 1)),
          );
        }
        if (ends.size === partitions && Math.min(...ends.values()) >= untilMs) return windows;
        await wait(500);
      }
    }

    /** What is said of a cell but for examples, which are whichever came first. */
    const figures = (windows: ReadonlyMap<number, readonly CellWindow[]>) =>
      [...windows].map(([start, cells]) => [
        start,
        cells.map(({ examples: _, ...figuresOfCell }) => figuresOfCell),
      ]);

    it("takes the shipped configuration for valid", () => {
      expect(validateCollectorConfig(program, config)).toBe("");
    });

    it("counts what the Collector wrote as what came directly", async () => {
      await using direct = await start("direct", {}, ["ingest", "aggregate", "detect"]);
      await using behind = await start("behind", onKafka("same."), ["aggregate", "detect"]);
      await using collector = await collect("same.");
      const firstMs = Date.now();
      let sent = 0;
      for (let round = 0; round < 2; round++) {
        const requests = libraryRequests(Date.now(), round);
        for (const body of requests) {
          await post(direct.addresses["OTLP HTTP"] ?? "", "/v1/traces", body);
          await post(collector.url, "/v1/traces", body);
        }
        sent += requests.length;
        await wait(1_200);
      }
      const untilMs = Date.now();
      const expected = await windowsOf(direct, untilMs);
      const found = await windowsOf(behind, untilMs);
      const rows = requestRows(mergedCells(expected));
      expect(sent).toBeGreaterThan(150);
      expect([...expected.keys()].every((start) => start >= firstMs - 20_000)).toBe(true);
      expect(rows.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(150);
      expect(new Set(rows.map(({ outcome }) => outcome)).size).toBeGreaterThan(8);
      expect(requestRows(mergedCells(found))).toEqual(rows);
      expect(figures(found)).toEqual(figures(expected));
      expect(complaints).toEqual([]);
      expect(collector.said()).not.toMatch(/\t(error|warn)\t/);
    }, 180_000);

    it("lets no content into Kafka, wherever an instrumentation puts it", async () => {
      await using app = await start("content", onKafka("cut."), ["detect"]);
      await using collector = await collect("cut.");
      const names = [
        ...contentTables.droppedNames,
        ...contentTables.droppedPrefixes.map((prefix) => `${prefix}0`),
        ...contentTables.indexedBases.flatMap((base) => [`${base}0`, `${base}0.content`]),
        ...[...contentTables.rawRequestParameters].map((name) => `llm.openai.${name}`),
        ...contentTables.errorTextNames,
      ];
      const everywhere = names.map((name) => text(name, content));
      const parameters = (value: string) => text("llm.invocation_parameters", value);
      const now = `${Date.now()}000000`;
      const message = `Error code: 529 - {'error': '${content}'}`;
      await post(
        collector.url,
        "/v1/traces",
        traceRequest(
          aSpan({
            endTimeUnixNano: now,
            attributes: [
              ...everywhere,
              text("kept", "marker5d20c4"),
              parameters(JSON.stringify({ model: "gpt-kept", instructions: content })),
            ],
            events: [
              { name: "exception", timeUnixNano: now, attributes: everywhere },
              {
                name: "gen_ai.user.message",
                timeUnixNano: now,
                attributes: [...everywhere, text("content", content), text("role", "user")],
              },
            ],
            status: { code: 2, message },
          }),
          aSpan({
            spanId: Buffer.alloc(8, 7),
            endTimeUnixNano: now,
            attributes: [parameters(`no JSON, ${content}`), text("exception.message", message)],
          }),
        ),
      );
      await post(
        collector.url,
        "/v1/logs",
        logsRequest(
          { eventName: "gen_ai.choice", body: { stringValue: content }, attributes: everywhere },
          {
            body: { stringValue: content },
            attributes: [text("event.name", "gen_ai.user.message"), text("message", content)],
          },
          { body: { stringValue: "marker5d20c4" }, attributes: everywhere },
        ),
      );
      await post(
        collector.url,
        "/v1/metrics",
        metricsRequest({
          name: "gen_ai.client.token.usage",
          sum: { dataPoints: [{ asInt: 1, attributes: everywhere }] },
        }),
      );
      const written = async (topic: (typeof sourceTopics)[keyof typeof sourceTopics]) => {
        for (;;) {
          const records = await readTopic(app.log, topic);
          const telemetry = records.filter(isTelemetry);
          if (telemetry.length > 0)
            return Buffer.concat(telemetry.map(({ value }) => value)).toString("latin1");
          await wait(200);
        }
      };
      const traces = await written(topics.traces);
      const logs = await written(topics.logs);
      expect(traces).toContain("marker5d20c4");
      expect(traces).toContain('{"model":"gpt-kept"}');
      expect(traces).toContain("Error code: 529 - ");
      expect(logs).toContain("marker5d20c4");
      for (const all of [traces, logs, await written(topics.metrics)])
        expect(all).not.toContain(needle);
    }, 120_000);

    it("keeps what it acknowledged over kill -9 while Kafka is away", async () => {
      await using app = await start("queue", { ...onKafka("queue."), partitions: 2 }, ["detect"]);
      let collector = await collect("queue.");
      await broker.kill();
      for (let number = 1; number <= 20; number++)
        await post(
          collector.url,
          "/v1/traces",
          traceRequest(aSpan({ name: `queued-${number};`, traceId: traceId(number) })),
        );
      await collector.kill("SIGKILL");
      await broker.start();
      collector = await collect("queue.");
      let parts = new Set<number>();
      const wanted = Array.from({ length: 20 }, (_, i) => `queued-${i + 1};`);
      for (;;) {
        const records = await readTopic(app.log, topics.traces);
        parts = new Set(records.filter(isTelemetry).map(({ partition }) => partition));
        const all = Buffer.concat(records.map(({ value }) => value)).toString("latin1");
        if (wanted.every((name) => all.includes(name))) break;
        await wait(500);
      }
      expect(parts).toEqual(new Set([0, 1]));
      await collector[Symbol.asyncDispose]();
    }, 120_000);
  },
);

const isTelemetry = (record: LogRecord) => record.headers[headers.heartbeat] === undefined;

function mergedCells(windows: ReadonlyMap<number, readonly CellWindow[]>): CellWindow[] {
  const cells = new Map<string, CellWindow>();
  for (const cell of [...windows.values()].flat()) {
    const plain = { ...cell, dimensions: [], examples: [] };
    const before = cells.get(cell.cell);
    cells.set(cell.cell, before === undefined ? plain : mergeCells(before, plain));
  }
  return [...cells.values()];
}
