import { describe, expect, it } from "vitest";
import {
  type FleetEvent,
  type FleetInput,
  simulate,
  type TruthCell,
  toRecords,
  truthOf,
} from "../../services/chatbot/chatbot.ts";
import { quantilesOf } from "../../services/chatbot/truth-cells.ts";
import type { CaptureRecord } from "../../services/log/capture.ts";
import { partitionFor } from "../../services/log/partitioner.ts";
import {
  type DecodedSpan,
  digestOf,
  plainAttributes,
  planOf,
  spansOf,
} from "../support/fleet-decoded.ts";
import { ExportMetricsServiceRequest } from "../support/otlp-proto.ts";

const minuteMs = 60_000;

function recordsOf(scenario: string, options: Parameters<typeof planOf>[1] = {}) {
  const shape = { requestsPerSecond: 15, ...options.shape };
  const plan = planOf(scenario, { durationMs: 4 * minuteMs, ...options, shape });
  const events = [...simulate(plan)];
  return { plan, events, records: [...toRecords(events, { plan })] };
}

const genai = (span: DecodedSpan) => span.attributes["gen_ai.provider.name"] !== undefined;

describe("the same seed", () => {
  it("gives the same bytes", () => {
    const digests = [1, 2].map(() => digestOf(recordsOf("S05", { compress: 20, seed: 9 }).records));
    expect(digests[0]).toBe(digests[1]);
  });

  it("gives other bytes than another seed", () => {
    expect(digestOf(recordsOf("clean", { seed: 1 }).records)).not.toBe(
      digestOf(recordsOf("clean", { seed: 2 }).records),
    );
  });
});

describe("truth", () => {
  /** Cell of a span, as the truth file names it. */
  function cellOf(span: DecodedSpan): string {
    const region = String(span.resource["cloud.region"]);
    const a = span.attributes;
    return genai(span)
      ? [
          "genai",
          a["gen_ai.provider.name"],
          a["gen_ai.request.model"],
          region,
          a["gen_ai.operation.name"],
        ].join("|")
      : ["http", span.resource["service.name"], "", region, `POST ${a["http.route"]}`].join("|");
  }
  const nameOf = (c: TruthCell | undefined) =>
    [c?.kind, c?.provider, c?.model, c?.region, c?.operation].join("|");
  const seconds = (span: DecodedSpan) => Number(span.endNanos - span.startNanos) / 1e9;

  it.each(["clean", "S05"])("equals what is decoded from the bytes (%s)", (scenario) => {
    const shape = { requestsPerSecond: 15 };
    const times = { compress: 12, quietMs: minuteMs, durationMs: 4 * minuteMs };
    const plan = planOf(scenario, { ...times, shape });
    const { header, rows } = truthOf(plan, simulate(plan));
    const windows = new Map<string, DecodedSpan[]>();
    for (const span of spansOf(toRecords(simulate(plan), { plan }))) {
      const windowMs = Math.floor(Number(span.endNanos / 1000n) / 1000 / 5000) * 5000;
      const key = `${windowMs} ${cellOf(span)}`;
      windows.set(key, [...(windows.get(key) ?? []), span]);
    }
    expect(rows.length).toBe(windows.size);
    for (const row of rows) {
      const spans = windows.get(`${row.windowMs} ${nameOf(header.cells[row.cell])}`) ?? [];
      const tokens = (kind: string) =>
        spans.reduce(
          (sum, span) => sum + Number(span.attributes[`gen_ai.usage.${kind}_tokens`] ?? 0),
          0,
        );
      const first = spans.flatMap((span) => {
        const value = span.attributes["gen_ai.response.time_to_first_chunk"];
        return value === undefined ? [] : [Number(value)];
      });
      const tenants = new Set(spans.map((span) => span.attributes["enduser.id"]));
      const isFilter = header.cells[row.cell]?.provider === "safety-filter";
      expect({
        requests: row.requests,
        ok: header.cells[row.cell]?.kind === "genai" ? (row.outcomes.ok ?? 0) : -1,
        inputTokens: row.inputTokens,
        outputTokens: row.outputTokens,
        tenants: isFilter ? 0 : row.tenants,
        firstToken: row.firstToken,
      }).toEqual({
        requests: spans.length,
        ok:
          header.cells[row.cell]?.kind === "genai"
            ? spans.filter((span) => span.attributes["gen_ai.usage.input_tokens"] !== undefined)
                .length
            : -1,
        inputTokens: tokens("input"),
        outputTokens: tokens("output"),
        tenants: isFilter ? 0 : tenants.size,
        firstToken: quantilesOf(first),
      });
      expect(row.duration?.p50).toBeCloseTo(quantilesOf(spans.map(seconds))?.p50 ?? -1, 6);
      expect(row.duration?.p99).toBeCloseTo(quantilesOf(spans.map(seconds))?.p99 ?? -1, 6);
    }
  });
});

describe("records", () => {
  const { plan, records } = recordsOf("clean");

  it("append in order of time, over all partitions", () => {
    const times = records.map((record) => record.appendMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it("leave no partition of any signal silent for more than a second", () => {
    const last = new Map<string, number>();
    let longest = 0;
    for (const { signal, partition, appendMs } of records) {
      const key = `${signal}/${partition}`;
      longest = Math.max(longest, appendMs - (last.get(key) ?? plan.startMs));
      last.set(key, appendMs);
    }
    expect([...last.keys()].sort()).toEqual([
      "logs/0",
      "metrics/0",
      "traces/0",
      "traces/1",
      "traces/2",
      "traces/3",
    ]);
    expect(longest).toBeLessThanOrEqual(1001);
  });

  it("are heartbeats of no bytes where nothing came", () => {
    const heartbeats = records.filter((record) => record.isHeartbeat);
    expect(heartbeats.length).toBeGreaterThan(0);
    expect(heartbeats.every((record) => record.payload.length === 0)).toBe(true);
    expect(records.some((record) => !record.isHeartbeat && record.payload.length === 0)).toBe(
      false,
    );
  });

  it("put a trace into the partition of its id", () => {
    for (const record of records.filter((r) => r.signal === "traces" && !r.isHeartbeat)) {
      for (const span of spansOf([record])) {
        expect(partitionFor(Buffer.from(span.traceId, "hex"), 4)).toBe(record.partition);
      }
    }
  });

  it("hold each span once, after its end, by at most a batch and the way", () => {
    const seen = new Set<string>();
    for (const record of records) {
      for (const span of spansOf([record])) {
        seen.add(span.traceId + span.spanId);
        const lateMs = record.appendMs - Number(span.endNanos / 1000n) / 1000;
        expect(lateMs).toBeGreaterThan(0);
        expect(lateMs).toBeLessThan(5000 + 500);
      }
    }
    expect(seen.size).toBe(spansOf(records).length);
  });

  it("export metrics of each application process every minute, equal to its spans", () => {
    const exports = records.filter((record) => record.signal === "metrics" && !record.isHeartbeat);
    expect(exports).toHaveLength(12 * 3);
    const lastMs = plan.startMs + 3 * minuteMs;
    const ended = spansOf(records).filter(
      (span) => genai(span) && span.endNanos < BigInt(lastMs) * 1_000_000n,
    );
    let counted = 0;
    for (const { payload } of exports.slice(-12)) {
      for (const group of ExportMetricsServiceRequest.decode(payload).resourceMetrics ?? []) {
        for (const metric of (group.scopeMetrics ?? []).flatMap((scoped) => scoped.metrics ?? [])) {
          if (metric.name !== "gen_ai.client.operation.duration") continue;
          for (const point of metric.histogram?.dataPoints ?? []) {
            counted += Number(point.count);
            const buckets = (point.bucketCounts ?? []).reduce<number>(
              (sum, n) => sum + Number(n),
              0,
            );
            expect(buckets).toBe(Number(point.count));
          }
        }
        expect(plainAttributes(group.resource?.attributes)["service.name"]).toBe("chatbot-api");
      }
    }
    // A call's span ends a few milliseconds before the request whose end records both.
    expect(Math.abs(counted - ended.length)).toBeLessThanOrEqual(2);
  });
});

describe("telemetry settings", () => {
  const withTelemetry = (telemetry: FleetInput["telemetry"]) =>
    recordsOf("clean", { shape: { telemetry }, durationMs: minuteMs });

  it("sample by trace id and state the threshold", () => {
    const all = spansOf(withTelemetry({}).records);
    const kept = spansOf(withTelemetry({ sampling: { ratio: 0.25 } }).records);
    const wanted = all.filter((span) => BigInt(`0x${span.traceId.slice(18)}`) >= 0xc0000000000000n);
    expect(kept.map((span) => span.spanId).sort()).toEqual(
      wanted.map((span) => span.spanId).sort(),
    );
    expect(new Set(kept.map((span) => span.traceState))).toEqual(new Set(["ot=th:c"]));
    expect(new Set(all.map((span) => span.traceState))).toEqual(new Set([""]));
  });

  it("put a canary into the content attribute of calls", () => {
    const spans = spansOf(withTelemetry({ contentCanary: "CANARY-7" }).records);
    const calls = spans.filter((span) => genai(span));
    expect(
      calls.every((span) => String(span.attributes["gen_ai.input.messages"]).includes("CANARY-7")),
    ).toBe(true);
  });

  it("nest Anthropic's own span in the instrumentation's when both are on", () => {
    const spans = spansOf(withTelemetry({ anthropic: "both" }).records);
    const inner = spans.filter((span) => span.scope === "com.anthropic.sdk.python");
    const outer = new Map(spans.map((span) => [span.spanId, span]));
    expect(inner.length).toBeGreaterThan(0);
    for (const span of inner) {
      const parent = outer.get(span.parentSpanId);
      expect(parent?.scope).toBe("opentelemetry.instrumentation.genai.anthropic");
      expect(parent?.attributes["gen_ai.response.id"]).toBe(span.attributes["gen_ai.response.id"]);
    }
  });

  it("move the clocks of skewed senders and of no other", () => {
    const plain = new Map(spansOf(withTelemetry({}).records).map((span) => [span.spanId, span]));
    const skewed = spansOf(withTelemetry({ clockSkewMs: 300_000, skewedShare: 0.3 }).records);
    const offsets = new Map<string, Set<number>>();
    for (const span of skewed) {
      const sender = String(span.resource["service.instance.id"]);
      const offset = Number(span.endNanos - (plain.get(span.spanId)?.endNanos ?? 0n)) / 1e6;
      offsets.set(sender, (offsets.get(sender) ?? new Set()).add(offset));
    }
    const all = [...offsets.values()].map((set) => [...set]);
    expect(all.every((values) => values.length === 1)).toBe(true);
    expect([...new Set(all.flat().map(Math.abs))].sort((a, b) => a - b)).toEqual([0, 300_000]);
  });

  it("make a share of the batches late", () => {
    const plain = spansOf(withTelemetry({}).records).length;
    const { plan, records } = withTelemetry({ lateShare: 0.2, lateSeconds: 90 });
    const late = records.filter((r) => !r.isHeartbeat && r.appendMs > plan.endMs + 20_000);
    expect(spansOf(records)).toHaveLength(plain);
    expect(late.length).toBeGreaterThan(0);
  });
});

describe("telemetry faults", () => {
  const count = (records: readonly CaptureRecord[]) =>
    records.filter((record) => record.signal === "traces" && !record.isHeartbeat).length;
  const options = { quietMs: 2 * minuteMs, durationMs: 6 * minuteMs };

  it("lose what arrives while the collector is away (C11)", () => {
    const { plan, records } = recordsOf("C11", options);
    const { startMs = 0, endMs = 0 } = plan.faults[0]?.course ?? {};
    const during = records.filter((r) => r.appendMs > startMs && r.appendMs < endMs);
    expect(count(during)).toBe(0);
    expect(during.length).toBeGreaterThan(0);
  });

  it("repeat the last minutes byte for byte (C14)", () => {
    const { plan, records } = recordsOf("C14", options);
    const { startMs = 0 } = plan.faults[0]?.course ?? {};
    const texts = records
      .filter((r) => r.signal === "traces" && !r.isHeartbeat)
      .map((r) => ({ ms: r.appendMs, text: Buffer.from(r.payload).toString("base64") }));
    const before = new Set(texts.filter((t) => t.ms < startMs).map((t) => t.text));
    const again = texts.filter((t) => t.ms >= startMs && before.has(t.text));
    expect(again.length).toBeGreaterThan(20);
  });

  it("delay some batches by one to five minutes (C12)", () => {
    const { records } = recordsOf("C12", options);
    const late = records.flatMap((record) =>
      spansOf([record]).map((span) => record.appendMs - Number(span.endNanos / 1_000_000n)),
    );
    const delayed = late.filter((ms) => ms > 10_000);
    expect(delayed.length).toBeGreaterThan(0);
    expect(Math.min(...delayed)).toBeGreaterThan(60_000);
    expect(Math.max(...delayed)).toBeLessThan(306_000);
  });
});

it("shows failures as the libraries word them", () => {
  const { events, records } = recordsOf("S05", {
    compress: 12,
    quietMs: minuteMs,
    durationMs: 5 * minuteMs,
  });
  const wordings = new Set(
    spansOf(records)
      .filter((span) => genai(span) && span.statusCode === 2)
      .map((span) => `${span.attributes["error.type"]}: ${span.statusMessage.slice(0, 16)}`),
  );
  expect(
    events.some((event: FleetEvent) => event.kind === "request" && event.outcome === "overloaded"),
  ).toBe(true);
  expect([...wordings]).toEqual(
    expect.arrayContaining([
      "anthropic.OverloadedError: Error code: 529 ",
      "anthropic.RateLimitError: Error code: 429 ",
      "openai.APITimeoutError: Request timed ou",
      "openai.InternalServerError: Error code: 503 ",
      "openai.RateLimitError: Error code: 429 ",
    ]),
  );
});
