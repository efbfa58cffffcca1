import { describe, expect, it } from "vitest";
import type { Signal } from "../../services/contracts/topics.ts";
import { transcodeJson } from "../../services/ingest/json-transcoder.ts";
import {
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
} from "../support/otlp-proto.ts";

const transcode = (signal: Signal, value: unknown) =>
  transcodeJson(signal, Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

const refusal = (value: unknown): string => {
  try {
    transcode("traces", value);
  } catch (error) {
    return (error as Error).message;
  }
  return "taken";
};

const oneSpan = (span: unknown) => ({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });

describe("OTLP/JSON", () => {
  it("becomes the same spans", () => {
    const json = {
      resourceSpans: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: "é" } }] },
          scopeSpans: [
            {
              scope: { name: "s" },
              spans: [
                {
                  traceId: "5B8EFFF798038103D269B633813FC60C",
                  spanId: "eee19b7ec3c1b174",
                  parentSpanId: "",
                  name: "chat",
                  kind: 3,
                  startTimeUnixNano: "1544712660000000000",
                  endTimeUnixNano: "1544712661000000001",
                  attributes: [
                    { key: "i", value: { intValue: "-9223372036854775808" } },
                    { key: "n", value: { intValue: -5 } },
                    { key: "d", value: { doubleValue: 0.5 } },
                    { key: "b", value: { boolValue: true } },
                    { key: "y", value: { bytesValue: "aGVsbG8=" } },
                    { key: "a", value: { arrayValue: { values: [{ stringValue: "stop" }, {}] } } },
                    { key: "k", value: { kvlistValue: { values: [{ key: "x", value: null }] } } },
                  ],
                  flags: 257,
                  status: { code: "STATUS_CODE_ERROR", message: "m" },
                  somethingNew: { deep: [1] },
                },
              ],
            },
          ],
        },
      ],
    };
    expect(ExportTraceServiceRequest.decode(transcode("traces", json))).toEqual({
      resourceSpans: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: "é" } }] },
          scopeSpans: [
            {
              scope: { name: "s" },
              spans: [
                {
                  traceId: Buffer.from("5b8efff798038103d269b633813fc60c", "hex"),
                  spanId: Buffer.from("eee19b7ec3c1b174", "hex"),
                  parentSpanId: Buffer.alloc(0),
                  name: "chat",
                  kind: 3,
                  startTimeUnixNano: "1544712660000000000",
                  endTimeUnixNano: "1544712661000000001",
                  attributes: [
                    { key: "i", value: { intValue: "-9223372036854775808" } },
                    { key: "n", value: { intValue: "-5" } },
                    { key: "d", value: { doubleValue: 0.5 } },
                    { key: "b", value: { boolValue: true } },
                    { key: "y", value: { bytesValue: Buffer.from("hello") } },
                    { key: "a", value: { arrayValue: { values: [{ stringValue: "stop" }, {}] } } },
                    { key: "k", value: { kvlistValue: { values: [{ key: "x" }] } } },
                  ],
                  flags: 257,
                  status: { code: 2, message: "m" },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it("becomes the same metrics, with lists of numbers packed", () => {
    const dataPoints = [
      {
        timeUnixNano: "1544712660000000000",
        count: "3",
        sum: 1.5,
        bucketCounts: ["1", 2],
        explicitBounds: [0.5],
        min: 0,
        max: "Infinity",
      },
    ];
    const exponential = [{ scale: -1, positive: { offset: -2, bucketCounts: ["1", "300"] } }];
    const json = {
      resource_metrics: [
        {
          scope_metrics: [
            {
              metrics: [
                { name: "h", histogram: { dataPoints, aggregationTemporality: 1 } },
                { name: "e", exponentialHistogram: { dataPoints: exponential } },
                { name: "g", gauge: { dataPoints: [{ asInt: "-7" }, { asDouble: "NaN" }] } },
              ],
            },
          ],
        },
      ],
    };
    const [first] =
      ExportMetricsServiceRequest.decode(transcode("metrics", json)).resourceMetrics ?? [];
    expect(first?.scopeMetrics?.[0]?.metrics).toEqual([
      {
        name: "h",
        histogram: {
          aggregationTemporality: 1,
          dataPoints: [
            { ...dataPoints[0], bucketCounts: ["1", "2"], max: Number.POSITIVE_INFINITY },
          ],
        },
      },
      {
        name: "e",
        exponentialHistogram: {
          dataPoints: [{ scale: -1, positive: { offset: -2, bucketCounts: ["1", "300"] } }],
        },
      },
      { name: "g", gauge: { dataPoints: [{ asInt: "-7" }, { asDouble: Number.NaN }] } },
    ]);
  });

  it("becomes the same log records", () => {
    const record = {
      timeUnixNano: "1544712660300000000",
      severityNumber: "SEVERITY_NUMBER_WARN2",
      body: { stringValue: "m" },
      eventName: "e",
    };
    const json = { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] };
    const [first] = ExportLogsServiceRequest.decode(transcode("logs", json)).resourceLogs ?? [];
    expect(first?.scopeLogs?.[0]?.logRecords).toEqual([{ ...record, severityNumber: 14 }]);
  });

  it("keeps times that are written as numbers exact", () => {
    const json =
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1544712660000000001}]}]}]}';
    const [first] = ExportTraceServiceRequest.decode(transcode("traces", json)).resourceSpans ?? [];
    expect(first?.scopeSpans?.[0]?.spans).toEqual([{ startTimeUnixNano: "1544712660000000001" }]);
  });

  it.each([
    ["{", /^body is not valid JSON: /],
    ["[]", /^body must be an object, got an array$/],
    [{ resourceSpans: {} }, /^resourceSpans must be an array, got an object$/],
    [
      oneSpan({ traceId: "xyz" }),
      /spans\[0\]\.traceId must be an even number of hexadecimal digits, got a string of 3 characters$/,
    ],
    [oneSpan({ name: 5 }), /spans\[0\]\.name must be a string, got number 5$/],
    [
      oneSpan({ startTimeUnixNano: "-1" }),
      /startTimeUnixNano must be an integer from 0 to 18446744073709551615, got a string/,
    ],
    [oneSpan({ startTimeUnixNano: 1.5 }), /startTimeUnixNano must be an integer from 0/],
    [
      oneSpan({ attributes: [{ key: "a", value: { intValue: "9223372036854775808" } }] }),
      /attributes\[0\]\.value\.intValue must be an integer from/,
    ],
    [
      oneSpan({ attributes: [{ key: "a", value: { bytesValue: "?" } }] }),
      /bytesValue must be base64/,
    ],
    [
      oneSpan({ attributes: ["a"] }),
      /attributes\[0\] must be an object, got a string of 1 characters$/,
    ],
  ])("is refused with place and reason: %j", (json, expected) => {
    expect(refusal(json)).toMatch(expected);
  });

  it("is refused when it is not UTF-8", () => {
    expect(() => transcodeJson("traces", Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(
      "body is not valid UTF-8",
    );
  });

  it("is refused when it is nested too deep", () => {
    let value: object = { stringValue: "x" };
    for (let i = 0; i < 200; i++) value = { arrayValue: { values: [value] } };
    expect(refusal(oneSpan({ attributes: [{ key: "a", value }] }))).toContain("nested deeper than");
  });
});
