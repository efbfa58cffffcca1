import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrate } from "../../services/history/migrate.ts";
import { createNativeBlock } from "../../services/history/native-block.ts";
import type { MapColumn } from "../../services/history/native-nested.ts";
import { spanAttributeColumns, spansTable } from "../../services/history/tables.ts";
import { type HistoryServer, startHistoryServer } from "../support/history-server.ts";

/** The Collector exporter's columns with their types. */
const exporterColumns = {
  Timestamp: "DateTime64(9)",
  TraceId: "String",
  SpanId: "String",
  ParentSpanId: "String",
  TraceState: "String",
  SpanName: "LowCardinality(String)",
  SpanKind: "LowCardinality(String)",
  ServiceName: "LowCardinality(String)",
  ResourceAttributes: "Map(LowCardinality(String), String)",
  ScopeName: "String",
  ScopeVersion: "String",
  SpanAttributes: "Map(LowCardinality(String), String)",
  Duration: "UInt64",
  StatusCode: "LowCardinality(String)",
  StatusMessage: "String",
  "Events.Timestamp": "Array(DateTime64(9))",
  "Events.Name": "Array(LowCardinality(String))",
  "Events.Attributes": "Array(Map(LowCardinality(String), String))",
  "Links.TraceId": "Array(String)",
  "Links.SpanId": "Array(String)",
  "Links.TraceState": "Array(String)",
  "Links.Attributes": "Array(Map(LowCardinality(String), String))",
};

const startNs = BigInt(Date.now()) * 1_000_000n + 123_456n;

function idBytes(size: number, seed: number): Uint8Array {
  return createHash("sha256").update(String(seed)).digest().subarray(0, size);
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const block = createNativeBlock(spansTable);

type Typed = Readonly<Record<string, string | number | readonly string[]>>;

interface TestSpan {
  readonly index: number;
  readonly service?: string;
  /** Attributes with columns of their own. */
  readonly typed?: Typed;
  readonly others?: Readonly<Record<string, string>>;
  readonly isFull?: boolean;
}

function pushSpan({
  index,
  service = "chatbot",
  typed = {},
  others = {},
  isFull = false,
}: TestSpan) {
  const c = block.columns;
  const ns = startNs + BigInt(index) * 1_000_000n;
  c.source_topic.push("otlp_spans");
  c.source_partition.push(0);
  c.source_offset.push(Math.floor(index / 500));
  c.source_index.push(index % 500);
  c.append_time.push(Number(startNs / 1_000_000n));
  c.timestamp.pushHalves(Number(ns & 0xffff_ffffn), Number(ns >> 32n));
  c.duration.push(index);
  c.trace_id.push(idBytes(16, index));
  c.span_id.push(idBytes(8, index));
  if (isFull) c.parent_span_id.push(idBytes(8, index + 1));
  else c.parent_span_id.pushEmpty();
  c.trace_state.push("");
  c.span_name.push(`chat m${index % 3}`);
  c.span_kind.push(3);
  c.service_name.push(service);
  c.resource.push('{"service.name":"chatbot","cloud.region":"eu-west-1"}');
  c.scope_name.push("scope");
  c.scope_version.push("1.0");
  c.status_code.push(isFull ? 2 : 0);
  c.status_message.push(isFull ? "gone" : "");
  for (const column of [c.provider, c.model, c.region, c.operation, c.outcome]) column.push("");
  for (const [attribute, name] of Object.entries(spanAttributeColumns.text)) {
    c[name].push(String(typed[attribute] ?? ""));
  }
  for (const [attribute, name] of Object.entries(spanAttributeColumns.texts)) {
    for (const text of (typed[attribute] ?? []) as readonly string[]) c[name].elements.push(text);
    c[name].endRow();
  }
  for (const [attribute, name] of Object.entries(spanAttributeColumns.integer)) {
    c[name].push(Number(typed[attribute] ?? -1));
  }
  for (const [attribute, name] of Object.entries(spanAttributeColumns.float)) {
    c[name].push(Number(typed[attribute] ?? Number.NaN));
  }
  pushMap(c.attributes, others);
  if (isFull) {
    c["events.timestamp"].elements.push(1);
    c["events.name"].elements.push("exception");
    pushMap(c["events.attributes"].elements, { "exception.type": "Timeout" });
    c["links.trace_id"].elements.push("ab");
    c["links.span_id"].elements.push("cd");
    c["links.trace_state"].elements.push("");
    pushMap(c["links.attributes"].elements, {});
  }
  for (const name of ["timestamp", "name", "attributes"] as const) c[`events.${name}`].endRow();
  for (const name of ["trace_id", "span_id", "trace_state", "attributes"] as const) {
    c[`links.${name}`].endRow();
  }
}

function pushMap(column: MapColumn, map: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(map)) {
    column.keys.push(key);
    column.values.push(value);
  }
  column.endRow();
}

describe("otel_traces", () => {
  let running: HistoryServer;
  const rows = 100_000;
  beforeAll(async () => {
    running = await startHistoryServer();
    await migrate(running.history);
    for (let index = 0; index < rows; index++) pushSpan({ index });
    await running.history.insert({ table: "spans", block: block.encode(), token: "bare" });
  });
  afterAll(() => running[Symbol.asyncDispose]());

  it("has the column names and types of the Collector's exporter", async () => {
    const columns = await running.history.query<{ name: string; type: string }>(
      "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'otel_traces' ORDER BY position",
    );
    expect(columns).toEqual(
      Object.entries(exporterColumns).map(([name, type]) => ({ name, type })),
    );
  });

  it("shows a span without attributes as the exporter would", async () => {
    const [span] = await running.history.query(
      "SELECT *, toUnixTimestamp64Nano(Timestamp) AS ns FROM otel_traces WHERE TraceId = {id:String}",
      { id: hex(idBytes(16, 12_345)) },
    );
    expect(span).toMatchObject({
      ns: String(startNs + 12_345n * 1_000_000n),
      SpanId: hex(idBytes(8, 12_345)),
      ParentSpanId: "",
      SpanName: "chat m0",
      SpanKind: "Client",
      ServiceName: "chatbot",
      ResourceAttributes: { "service.name": "chatbot", "cloud.region": "eu-west-1" },
      SpanAttributes: {},
      Duration: "12345",
      StatusCode: "Unset",
      "Events.Name": [],
      "Links.TraceId": [],
    });
  });

  it("puts every attribute with a column of its own back among the attributes", async () => {
    const typed: Record<string, string | number | readonly string[]> = {
      "gen_ai.response.finish_reasons": ["stop", 'say "x"'],
    };
    for (const name of Object.keys(spanAttributeColumns.text)) typed[name] = `text of ${name}`;
    for (const name of Object.keys(spanAttributeColumns.integer)) typed[name] = name.length;
    for (const name of Object.keys(spanAttributeColumns.float)) typed[name] = name.length / 8;
    const others = { "other.key": "ünï'code", "gen_ai.system": "openai" };
    block.clear();
    pushSpan({ index: 1, service: "all", typed, others, isFull: true });
    await running.history.insert({ table: "spans", block: block.encode(), token: "all" });
    const [span] = await running.history.query<{ SpanAttributes: unknown }>(
      "SELECT SpanAttributes, `Events.Name`, `Events.Attributes`, `Links.TraceId`, ParentSpanId, StatusCode, StatusMessage FROM otel_traces WHERE ServiceName = 'all'",
    );
    expect(span).toEqual({
      SpanAttributes: {
        ...Object.fromEntries(Object.entries(typed).map(([name, value]) => [name, String(value)])),
        "gen_ai.response.finish_reasons": '["stop","say \\"x\\""]',
        ...others,
      },
      "Events.Name": ["exception"],
      "Events.Attributes": [{ "exception.type": "Timeout" }],
      "Links.TraceId": ["ab"],
      ParentSpanId: hex(idBytes(8, 2)),
      StatusCode: "Error",
      StatusMessage: "gone",
    });
  });

  it("finds a trace by its id without reading the table", async () => {
    const plan = await running.history.query<{ explain: string }>(
      `EXPLAIN indexes = 1, json = 1 SELECT SpanName FROM otel_traces WHERE TraceId = '${hex(idBytes(16, 77))}'`,
    );
    const text = plan.map(({ explain }) => explain).join("");
    const skip =
      /"Name": "trace_id_text"[^}]*"Initial Granules": (\d+)[^}]*"Selected Granules": (\d+)/.exec(
        text,
      );
    expect(Number(skip?.[1])).toBeGreaterThan(10);
    expect(Number(skip?.[2])).toBeLessThan(Number(skip?.[1]));
  });

  it("narrows a time range by its index", async () => {
    const plan = await running.history.query<{ explain: string }>(
      "EXPLAIN indexes = 1, json = 1 SELECT count() FROM otel_traces WHERE ServiceName = 'chatbot' AND Timestamp > now64(9) + INTERVAL 1 DAY",
    );
    expect(plan.map(({ explain }) => explain).join("")).toMatch(/"Selected Granules": 0/);
  });

  it("tells the time range of a trace as the exporter's companion table does", async () => {
    const id = hex(idBytes(16, 500));
    const [range] = await running.history.query<{ start: string }>(
      "SELECT toUnixTimestamp(min(Start)) AS start FROM otel_traces_trace_id_ts WHERE TraceId = {id:String}",
      { id },
    );
    expect(Number(range?.start)).toBeLessThanOrEqual(
      Number(startNs / 1_000_000_000n) + 1 + rows / 1000,
    );
    expect(Number(range?.start)).toBeGreaterThanOrEqual(Number(startNs / 1_000_000_000n));
  });
});
