import { describe, expect, it } from "vitest";
import { partitionFor } from "../../services/contracts/partition.ts";
import { type AdmissionSettings, createAdmission } from "../../services/ingest/admission.ts";
import {
  aSpan,
  integer,
  list,
  logRecordsOf,
  logsRequest,
  metricsOf,
  metricsRequest,
  spanId,
  spansOf,
  text,
  traceId,
  traceRequest,
} from "../support/otlp-builders.ts";
import {
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
  type Span,
} from "../support/otlp-proto.ts";

const admission = (overrides: Partial<AdmissionSettings> = {}) =>
  createAdmission({
    partitions: 1,
    maxAttributeBytes: 64,
    maxAttributes: 8,
    keepContent: false,
    contentAttributes: [],
    ...overrides,
  });

const admitSpan = (span: Span, overrides: Partial<AdmissionSettings> = {}) => {
  const { records } = admission(overrides)("traces", traceRequest(span));
  expect(records).toHaveLength(1);
  return spansOf(records[0]?.value ?? new Uint8Array())[0] as Span;
};

describe("a request with nothing to cut", () => {
  it("passes as the bytes that came, without a copy", () => {
    const request = traceRequest(aSpan(), aSpan({ spanId: spanId(2) }));
    const { records, items, rejected } = admission()("traces", request);
    expect({ items, rejected }).toEqual({ items: 2, rejected: [] });
    expect(records).toHaveLength(1);
    expect(Buffer.compare(records[0]?.value ?? Buffer.alloc(0), request)).toBe(0);
    expect(records[0]?.value.buffer).toBe(request.buffer);
  });

  it("is not copied either when its spans belong to one of several partitions", () => {
    const request = traceRequest(aSpan(), aSpan({ spanId: spanId(2) }));
    const { records } = admission({ partitions: 7 })("traces", request);
    expect(records.map(({ partition }) => partition)).toEqual([partitionFor(traceId(1), 7)]);
    expect(records[0]?.value.buffer).toBe(request.buffer);
  });

  it("gives no record when it holds no items", () => {
    expect(admission()("traces", new Uint8Array()).records).toEqual([]);
    expect(admission()("logs", logsRequest()).records).toEqual([]);
  });
});

describe("splitting by partition", () => {
  it("keeps the spans of a trace together, in order, with resource and scope repeated", () => {
    const spans = Array.from({ length: 40 }, (_, i) =>
      aSpan({ traceId: traceId(i % 5), spanId: spanId(i) }),
    );
    const { records, items } = admission({ partitions: 3 })("traces", traceRequest(...spans));
    expect(items).toBe(40);
    for (const { partition, value } of records) {
      const { resourceSpans } = ExportTraceServiceRequest.decode(value);
      expect(resourceSpans?.map((each) => each.resource?.attributes)).toEqual([
        [text("service.name", "chat-app")],
      ]);
      expect(resourceSpans?.[0]?.scopeSpans?.map(({ scope }) => scope)).toEqual([
        { name: "chat-app", version: "1.0.0" },
      ]);
      expect(resourceSpans?.[0]?.scopeSpans?.[0]?.schemaUrl).toBe("https://example.org/1");
      const expected = spans.filter(
        (span) => partitionFor(span.traceId as Uint8Array, 3) === partition,
      );
      expect(spansOf(value).map((span) => span.spanId)).toEqual(expected.map((s) => s.spanId));
    }
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(records.length);
  });

  it("keeps metrics and logs of a resource together, and tells resources apart", () => {
    const request = ExportMetricsServiceRequest.encode({
      resourceMetrics: Array.from({ length: 20 }, (_, i) => ({
        resource: { attributes: [integer("index", i)] },
        scopeMetrics: [{ metrics: [{ name: "m", gauge: { dataPoints: [{ asInt: i }] } }] }],
      })),
    });
    const { records, items } = admission({ partitions: 4 })("metrics", request);
    expect(items).toBe(20);
    expect(records.length).toBeGreaterThan(1);
    const again = admission({ partitions: 4 })("metrics", request).records;
    expect(again).toEqual(records);
  });
});

describe("splitting by size", () => {
  it("cuts at span boundaries so that every record fits", () => {
    const spans = Array.from({ length: 50 }, (_, i) => aSpan({ spanId: spanId(i) }));
    const recordLimitBytes = 1_000;
    const { records, items } = admission({ recordLimitBytes })("traces", traceRequest(...spans));
    expect(items).toBe(50);
    for (const { value } of records) expect(value.length).toBeLessThanOrEqual(recordLimitBytes);
    expect(records.flatMap(({ value }) => spansOf(value).map((span) => span.spanId))).toEqual(
      spans.map((span) => span.spanId),
    );
  });

  it("rejects a span that fits no record, and only that", () => {
    const large = aSpan({ spanId: spanId(2), traceState: "x".repeat(2_000) });
    const { records, items, rejected } = admission({ recordLimitBytes: 1_000 })(
      "traces",
      traceRequest(aSpan(), large, aSpan({ spanId: spanId(3) })),
    );
    expect(items).toBe(2);
    expect(rejected).toHaveLength(1);
    expect(rejected[0]).toMatchObject({ reason: "too_large", count: 1 });
    expect(rejected[0]?.example).toContain("resource_spans[0].scope_spans[0].spans[1]");
    expect(records.flatMap(({ value }) => spansOf(value).map((span) => span.spanId))).toEqual([
      spanId(1),
      spanId(3),
    ]);
  });

  it("cuts metrics at data points, with name, unit and temporality repeated", () => {
    const dataPoints = Array.from({ length: 60 }, (_, i) => ({
      timeUnixNano: "1800000000000000001",
      asInt: String(i),
      attributes: [text("model", "gpt-4o")],
    }));
    const request = metricsRequest({
      name: "requests",
      unit: "{request}",
      sum: { dataPoints, aggregationTemporality: 2, isMonotonic: true },
    });
    const { records, items } = admission({ recordLimitBytes: 700 })("metrics", request);
    expect(items).toBe(60);
    expect(records.length).toBeGreaterThan(3);
    const metrics = records.flatMap(({ value }) => metricsOf(value));
    for (const { name, unit, sum } of metrics)
      expect([name, unit, sum?.aggregationTemporality, sum?.isMonotonic]).toEqual([
        "requests",
        "{request}",
        2,
        true,
      ]);
    expect(metrics.flatMap(({ sum }) => sum?.dataPoints ?? [])).toEqual(dataPoints);
  });

  it("rejects items whose resource takes half a record, since it would be repeated in each", () => {
    const request = ExportTraceServiceRequest.encode({
      resourceSpans: [
        {
          resource: { attributes: [text("a", "x".repeat(600))] },
          scopeSpans: [{ spans: [aSpan()] }],
        },
      ],
    });
    const settings = { recordLimitBytes: 1_000, maxAttributeBytes: 4_096, partitions: 1 };
    expect(admission(settings)("traces", request).rejected).toMatchObject([
      { reason: "too_large", count: 1 },
    ]);
  });
});

describe("spans without valid ids", () => {
  it.each([
    ["trace id of 15 bytes, must be 16", { traceId: Buffer.alloc(15, 1) }],
    ["trace id of 0 bytes, must be 16", { traceId: Buffer.alloc(0) }],
    ["trace id is all zero", { traceId: Buffer.alloc(16) }],
    ["span id of 9 bytes, must be 8", { spanId: Buffer.alloc(9, 1) }],
    ["span id is all zero", { spanId: Buffer.alloc(8) }],
  ])("are rejected: %s", (problem, overrides) => {
    const { items, rejected } = admission({ partitions: 3 })(
      "traces",
      traceRequest(aSpan(), aSpan(overrides), aSpan(overrides)),
    );
    expect(items).toBe(1);
    expect(rejected).toMatchObject([{ reason: "invalid_id", count: 2 }]);
    expect(rejected[0]?.example).toContain(`spans[1]`);
    expect(rejected[0]?.example).toContain(problem);
  });
});

describe("limits on attributes", () => {
  it("cuts long texts between characters", () => {
    const span = admitSpan(aSpan({ attributes: [text("a", `x${"é".repeat(100)}`)] }));
    expect(span.attributes).toEqual([text("a", `x${"é".repeat(31)}`)]);
  });

  it("cuts long bytes, and drops the elements of a list beyond the limit", () => {
    const span = admitSpan(
      aSpan({
        attributes: [
          { key: "bytes", value: { bytesValue: Buffer.alloc(100, 7) } },
          list("list", ...Array.from({ length: 10 }, () => ({ stringValue: "0123456789" }))),
        ],
      }),
    );
    expect(span.attributes?.[0]?.value?.bytesValue).toEqual(Buffer.alloc(64, 7));
    expect(span.attributes?.[1]?.value?.arrayValue?.values).toHaveLength(4);
  });

  it("drops attributes beyond the limit and adds them to those dropped before", () => {
    const attributes = Array.from({ length: 11 }, (_, i) => integer(`a${i}`, i));
    const span = admitSpan(aSpan({ attributes, droppedAttributesCount: 4 }));
    expect(span.attributes?.map(({ key }) => key)).toEqual(
      attributes.slice(0, 8).map(({ key }) => key),
    );
    expect(span.droppedAttributesCount).toBe(7);
  });

  it("counts what was cut by reason", () => {
    const attributes = [
      text("gen_ai.input.messages", "prompt"),
      text("long", "x".repeat(65)),
      ...Array.from({ length: 8 }, (_, i) => integer(`a${i}`, i)),
    ];
    expect(admission()("traces", traceRequest(aSpan({ attributes }))).cuts).toEqual({
      content: 1,
      tooLong: 1,
      tooMany: 2,
    });
  });

  it("leaves the attributes of data points alone in number, since they tell series apart", () => {
    const attributes = Array.from({ length: 20 }, (_, i) => integer(`a${i}`, i));
    const request = metricsRequest({
      name: "m",
      gauge: { dataPoints: [{ attributes, asInt: 1 }] },
    });
    const { records } = admission()("metrics", request);
    expect(
      metricsOf(records[0]?.value as Uint8Array)[0]?.gauge?.dataPoints?.[0]?.attributes,
    ).toHaveLength(20);
  });
});

describe("what is not known", () => {
  const unknownField = Buffer.from([0xa2, 0x06, 0x03, 0x61, 0x62, 0x63]);

  it("stays: fields of the request and of a span", () => {
    const prefix = Buffer.concat([
      traceRequest(aSpan(), aSpan({ traceId: traceId(2) })),
      unknownField,
    ]);
    const { records } = admission({ partitions: 2, recordLimitBytes: 300 })("traces", prefix);
    expect(records).toHaveLength(2);
    for (const { value } of records)
      expect(Buffer.from(value).subarray(0, unknownField.length)).toEqual(unknownField);
  });

  it("stays: a metric without points", () => {
    const cut = {
      name: "n",
      gauge: { dataPoints: [{ attributes: [text("input.value", "x")], asInt: "1" }] },
    };
    const { records, items } = admission()(
      "metrics",
      metricsRequest({ name: "empty", unit: "s" }, cut),
    );
    expect(items).toBe(1);
    expect(metricsOf(records[0]?.value as Uint8Array)).toEqual([
      { name: "empty", unit: "s" },
      { name: "n", gauge: { dataPoints: [{ asInt: "1" }] } },
    ]);
  });
});

describe("a request that does not decode", () => {
  const refusal = (request: Uint8Array): string => {
    try {
      admission()("traces", request);
    } catch (error) {
      return (error as Error).message;
    }
    return "admitted";
  };

  it("is refused where it ends too early", () => {
    const request = traceRequest(aSpan());
    expect(refusal(request.subarray(0, request.length - 3))).toMatch(
      /^resource_spans\[0\] at byte 1 has a length of \d+ bytes where \d+ are left$/,
    );
  });

  it("is refused where a text is not UTF-8", () => {
    const name = Buffer.from(traceRequest(aSpan({ name: "embeddings" })));
    name[name.indexOf("embeddings")] = 0xff;
    expect(refusal(name)).toMatch(
      /^resource_spans\[0\]\.scope_spans\[0\]\.spans\[0\]\.name at byte \d+ is not valid UTF-8$/,
    );
    const value = Buffer.from(traceRequest(aSpan()));
    value[value.indexOf("gpt-4o", value.indexOf("gen_ai.request.model"))] = 0xff;
    expect(refusal(value)).toContain("spans[0].attributes[0].value.string_value at byte");
  });

  it("is refused where a field has another wire type", () => {
    const request = Buffer.from(traceRequest(aSpan()));
    const kind = request.indexOf(Buffer.from([0x30, 0x03, 0x39]));
    request[kind] = 0x35;
    expect(refusal(request)).toMatch(/spans\[0\]\.kind at byte \d+ has wire type 5 instead of 0$/);
  });

  it("is refused where a value is nested deeper than 32 levels", () => {
    const nested = (depth: number): Span => {
      let value: object = { stringValue: "x" };
      for (let i = 0; i < depth; i++) value = { arrayValue: { values: [value] } };
      return aSpan({ attributes: [{ key: "deep", value }] });
    };
    const admit = admission({ maxAttributeBytes: 4_096 });
    expect(() => admit("traces", traceRequest(nested(33)))).toThrow(
      "is nested deeper than 32 levels",
    );
    expect(admit("traces", traceRequest(nested(32))).items).toBe(1);
  });
});

describe("logs", () => {
  it("pass with their bodies, whatever their size", () => {
    const body = { stringValue: "x".repeat(500) };
    const { records } = admission()(
      "logs",
      logsRequest({ body, attributes: [text("input.value", "p")] }),
    );
    expect(logRecordsOf(records[0]?.value as Uint8Array)).toEqual([{ body }]);
  });
});
