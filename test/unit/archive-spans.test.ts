import { describe, expect, it } from "vitest";
import { silentJudge } from "../../services/archive/spans/judge.ts";
import {
  aLogRecord,
  appendedMs,
  rowsOf,
  spanEncoder,
  spanRowsOf,
} from "../support/archive-rows.ts";
import { aRequest, aSpan, bytes, encode, rowOf, text } from "../support/archived-spans.ts";
import { ExportTraceServiceRequest, type Span } from "../support/otlp-proto.ts";

describe("span rows", () => {
  it("say where a span comes from", async () => {
    const record = aLogRecord(encode(aSpan(), aSpan()), { partition: 3, offset: 77 });
    const { rows } = await rowsOf(spanEncoder(), [record]);
    expect(rows).toMatchObject(
      [0, 1].map((index) => ({
        source_topic: "otlp_spans",
        source_partition: 3,
        source_offset: 77n,
        source_index: index,
        append_time: BigInt(appendedMs),
      })),
    );
  });

  it("hold a span's own fields", async () => {
    expect(
      await rowOf(
        aSpan({
          parentSpanId: bytes(1, 2, 3, 4, 5, 6, 7, 8),
          traceState: "ot=th:8",
          status: { code: 2, message: "timed out" },
        }),
      ),
    ).toMatchObject({
      timestamp: 1764000000123456789n,
      duration: 1000000001n,
      trace_id: "0102030405060708090a0b0c0d0e0f10",
      span_id: "a0a1a2a3a4a5a6a7",
      parent_span_id: "0102030405060708",
      trace_state: "ot=th:8",
      span_name: "chat gpt-4o",
      span_kind: 3,
      status_code: 2,
      status_message: "timed out",
      scope_name: "scope",
      scope_version: "1",
      "events.name": [],
      "links.trace_id": [],
      outcome: "",
    });
  });

  it("put attributes into the columns that are named after them, and all others into the map", async () => {
    expect(
      await rowOf(
        aSpan({
          attributes: [
            text("gen_ai.request.model", "gpt-4o"),
            text("gen_ai.response.id", "chatcmpl-1"),
            { key: "gen_ai.usage.input_tokens", value: { intValue: "9007199254740993" } },
            { key: "gen_ai.request.temperature", value: { doubleValue: 0.7 } },
            {
              key: "gen_ai.response.finish_reasons",
              value: {
                arrayValue: { values: [{ stringValue: "stop" }, { stringValue: "length" }] },
              },
            },
            text("gen_ai.system", "openai"),
            { key: "flag", value: { boolValue: true } },
          ],
        }),
      ),
    ).toMatchObject({
      gen_ai_request_model: "gpt-4o",
      gen_ai_response_id: "chatcmpl-1",
      gen_ai_usage_input_tokens: 9007199254740993n,
      gen_ai_request_temperature: 0.7,
      gen_ai_response_finish_reasons: ["stop", "length"],
      gen_ai_usage_output_tokens: -1n,
      gen_ai_response_time_to_first_chunk: Number.NaN,
      error_type: "",
      attributes: { "gen_ai.system": "openai", flag: "true" },
    });
  });

  it("leave among the other attributes what a column could not give back", async () => {
    expect(
      await rowOf(
        aSpan({
          attributes: [
            text("gen_ai.usage.input_tokens", "12"),
            { key: "gen_ai.usage.output_tokens", value: { intValue: -1 } },
            { key: "gen_ai.request.model", value: { intValue: 4 } },
            text("gen_ai.response.model", ""),
            { key: "gen_ai.request.temperature", value: { doubleValue: Number.NaN } },
            {
              key: "gen_ai.response.finish_reasons",
              value: { arrayValue: { values: [{ intValue: 1 }] } },
            },
            text("error.type", "x".repeat(300)),
            text("server.address", "a"),
            text("server.address", "b"),
          ],
        }),
      ),
    ).toMatchObject({
      gen_ai_usage_input_tokens: -1n,
      gen_ai_usage_output_tokens: -1n,
      gen_ai_request_model: "",
      gen_ai_response_finish_reasons: [],
      error_type: "",
      server_address: "a",
      attributes: {
        "gen_ai.usage.input_tokens": "12",
        "gen_ai.usage.output_tokens": "-1",
        "gen_ai.request.model": "4",
        "gen_ai.response.model": "",
        "gen_ai.request.temperature": "NaN",
        "gen_ai.response.finish_reasons": "[1]",
        "error.type": "x".repeat(300),
        "server.address": "b",
      },
    });
  });

  it("write every kind of value as text", async () => {
    const row = await rowOf(
      aSpan({
        attributes: [
          text("text", "ünï"),
          { key: "int", value: { intValue: "-9223372036854775808" } },
          { key: "double", value: { doubleValue: 1.5 } },
          { key: "infinite", value: { doubleValue: Number.NEGATIVE_INFINITY } },
          { key: "bytes", value: { bytesValue: bytes(0, 255) } },
          { key: "none", value: {} },
          { key: "absent" },
          {
            key: "nested",
            value: {
              kvlistValue: {
                values: [
                  {
                    key: "a",
                    value: {
                      arrayValue: { values: [{ boolValue: false }, { stringValue: 'q"' }, {}] },
                    },
                  },
                  { key: "b", value: { bytesValue: bytes(1) } },
                ],
              },
            },
          },
        ],
      }),
    );
    expect(row?.["attributes"]).toEqual({
      text: "ünï",
      int: "-9223372036854775808",
      double: "1.5",
      infinite: "-Inf",
      bytes: "AP8=",
      none: "",
      absent: "",
      nested: '{"a":[false,"q\\"",null],"b":"AQ=="}',
    });
  });

  it("hold events and links with their attributes", async () => {
    expect(
      await rowOf(
        aSpan({
          events: [
            { timeUnixNano: "5", name: "retry", attributes: [text("n", "1"), text("m", "2")] },
            { name: "bare" },
          ],
          links: [
            {
              traceId: bytes(0xab),
              spanId: bytes(0xcd),
              traceState: "s",
              attributes: [text("k", "v")],
            },
          ],
        }),
      ),
    ).toMatchObject({
      "events.timestamp": [5n, 0n],
      "events.name": ["retry", "bare"],
      "events.attributes": [{ n: "1", m: "2" }, {}],
      "links.trace_id": ["ab"],
      "links.span_id": ["cd"],
      "links.trace_state": ["s"],
      "links.attributes": [{ k: "v" }],
    });
  });

  it("hold the resource as one JSON object of texts", async () => {
    const resource = [
      text("service.name", "chatbot"),
      { key: "n", value: { intValue: 2 } },
      text("q", '"'),
    ];
    const rows = await spanRowsOf(aRequest([aSpan()], resource));
    expect(rows[0]).toMatchObject({
      service_name: "chatbot",
      resource: '{"service.name":"chatbot","n":"2","q":"\\""}',
    });
  });

  it("find the resource and the scope behind the spans", async () => {
    const inner = ExportTraceServiceRequest.encode(
      aRequest([aSpan()], [text("service.name", "late")]),
    );
    // The request's one group: its fields, each with a length of one byte or two.
    const group = fieldsOf(inner)[0]?.content ?? bytes();
    const reversed = join(
      fieldsOf(group)
        .reverse()
        .map(({ tag, content }) => field(tag, content)),
    );
    const { rows } = await rowsOf(spanEncoder(), [aLogRecord(field(0x0a, reversed))]);
    expect(rows).toMatchObject([{ service_name: "late" }]);
  });

  it.each([
    ["an end before the start", { endTimeUnixNano: "1" }, { duration: 0n }],
    ["no times", { startTimeUnixNano: 0, endTimeUnixNano: 0 }, { timestamp: 0n, duration: 0n }],
    [
      "the largest times",
      { startTimeUnixNano: "18446744073709551615", endTimeUnixNano: "18446744073709551615" },
      { timestamp: 9223372036854775807n, duration: 0n },
    ],
    [
      "the longest duration",
      { startTimeUnixNano: 1, endTimeUnixNano: "18446744073709551615" },
      { duration: 18446744073709551614n },
    ],
    [
      "an unknown kind and status",
      { kind: 9, status: { code: -1 } },
      { span_kind: 0, status_code: 0 },
    ],
    [
      "ids of other lengths",
      { traceId: bytes(7), spanId: Uint8Array.from({ length: 20 }, () => 1) },
      { trace_id: `07${"0".repeat(30)}`, span_id: "01".repeat(8) },
    ],
  ] as const)("take a span with %s", async (_, overrides, expected) => {
    expect(await rowOf(aSpan(overrides as Partial<Span>))).toMatchObject(expected);
  });

  it("carry the judgement they are given", async () => {
    const judged = {
      provider: "openai",
      model: "m",
      region: "r",
      operation: "chat",
      outcome: "ok",
    };
    const rows = await spanRowsOf(aRequest([aSpan(), aSpan({ kind: 1 })]), {
      judge: { ...silentJudge, judgeHeeded: ({ kind }) => (kind === 3 ? judged : undefined) },
    });
    expect(rows).toMatchObject([judged, { provider: "", outcome: "" }]);
  });
});

interface Field {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Fields with a length of a message. */
function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < message.length; ) {
    const tag = message[at++] as number;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] as number;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    fields.push({ tag, content: message.subarray(at, at + size) });
    at += size;
  }
  return fields;
}

const join = (parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

function field(tag: number, content: Uint8Array): Uint8Array {
  return join([bytes(tag, (content.length & 0x7f) | 0x80, content.length >> 7), content]);
}
