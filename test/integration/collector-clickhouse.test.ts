/** The Collector's own ClickHouse exporter, unchanged, into the embedded history; and what it wrote, read back. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requestsOf, type TraceRow, traceRowsQuery } from "../../services/doctor/table-rows.ts";
import {
  buildCollector,
  collectorForTests,
  needsCollector,
  startCollector,
  validateCollectorConfig,
} from "../support/collector.ts";
import { type HistoryServer, startHistoryServer, writer } from "../support/history-server.ts";
import {
  aSpan,
  integer,
  spanId,
  spansOf,
  text,
  traceId,
  traceRequest,
} from "../support/otlp-builders.ts";

const missing = needsCollector(collectorForTests);

/** As its documentation has it, but for the compression, which must not be LZ4. */
const configuration = (http: HistoryServer, compress: "none" | "gzip") => `
extensions:
  health_check: { endpoint: "127.0.0.1:\${env:FORESHOCK_COLLECTOR_HEALTH_PORT}" }
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:\${env:FORESHOCK_COLLECTOR_HTTP_PORT}" } } }
exporters:
  clickhouse:
    endpoint: "http://127.0.0.1:${http.server.port}"
    username: ${writer.user}
    password: ${writer.password}
    database: otel
    compress: ${compress}
    sending_queue: { enabled: false }
service:
  extensions: [health_check]
  pipelines:
    traces: { receivers: [otlp], exporters: [clickhouse] }
    logs: { receivers: [otlp], exporters: [clickhouse] }
    metrics: { receivers: [otlp], exporters: [clickhouse] }
  telemetry: { metrics: { level: none } }
`;

describe.skipIf(missing !== undefined)(
  `the Collector's ClickHouse exporter${missing ? ` (skipped: ${missing})` : ""}`,
  () => {
    let program: string;
    let http: HistoryServer;
    const folder = mkdtempSync(join(tmpdir(), "foreshock-exporter-"));
    beforeAll(async () => {
      program = buildCollector(collectorForTests);
      http = await startHistoryServer();
    }, 1_200_000);
    afterAll(async () => {
      await http?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    it.each(["none", "gzip"] as const)(
      "makes its tables and writes into them, compression %s",
      async (compress) => {
        const config = join(folder, `${compress}.yaml`);
        writeFileSync(config, configuration(http, compress));
        expect(validateCollectorConfig(program, config)).toBe("");
        await using collector = await startCollector(program, { config, env: {} });
        const spans = Array.from({ length: 20 }, (_, number) =>
          aSpan({
            traceId: traceId(number + 1),
            spanId: spanId(number + 1),
            name: `chat ${compress}`,
            attributes: [
              text("gen_ai.request.model", "gpt-4o"),
              integer("gen_ai.usage.output_tokens", number),
            ],
            status: { code: 2, message: "failed" },
          }),
        );
        const answer = await fetch(`${collector.url}/v1/traces`, {
          method: "POST",
          headers: { "content-type": "application/x-protobuf" },
          body: Buffer.from(traceRequest(...spans)),
        });
        expect(answer.status, collector.said()).toBe(200);
        const where = `SpanName = 'chat ${compress}'`;
        const counted = () =>
          http.history.query<{ rows: string; tokens: string; services: string[] }>(
            `SELECT count() AS rows, sum(toUInt64(SpanAttributes['gen_ai.usage.output_tokens'])) AS tokens,
              groupUniqArray(ServiceName) AS services FROM otel.otel_traces WHERE ${where}`,
          );
        for (let tries = 0; tries < 50 && Number((await counted())[0]?.rows) < 20; tries++)
          await wait(100);
        expect((await counted())[0]).toMatchObject({ services: ["chat-app"] });
        expect(Number((await counted())[0]?.tokens)).toBe((19 * 20) / 2);
        expect(collector.said()).not.toMatch(/\terror\t/);
      },
      120_000,
    );

    it("wrote what reads back as the spans that were sent", async () => {
      const rows = await http.history.query<TraceRow>(traceRowsQuery("otel.otel_traces", 100));
      const spans = requestsOf(rows).flatMap(({ payload }) => spansOf(payload));
      expect(spans).toHaveLength(40);
      const first = spans.find(
        ({ spanId: id }) => Buffer.compare(id ?? Buffer.of(), spanId(8)) === 0,
      );
      expect(first).toMatchObject({
        kind: 3,
        attributes: expect.arrayContaining([
          text("gen_ai.request.model", "gpt-4o"),
          expect.objectContaining({ key: "gen_ai.usage.output_tokens" }),
        ]),
        status: { code: 2, message: "failed" },
      });
      expect(String(first?.startTimeUnixNano)).toBe(String(aSpan().startTimeUnixNano));
    });
  },
);
