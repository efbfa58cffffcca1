/** Metrics through the whole of the judgement: they stand in for spans, are never added to them, and show what hangs. */
import { describe, expect, it } from "vitest";
import { encodeBatches } from "../support/aggregate-harness.ts";
import { encodeMetrics, outcomesOf } from "../support/metric-scenes.ts";
import { firstPageMs, playScene, type SceneRecord } from "../support/scene-pipeline.ts";

const call = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
} as const;
const app = { "service.name": "app", "service.instance.id": "1" };
const windowMs = 5_000;
const perWindow = 20;

/** Spans of twenty calls that end in the window, sent at its end. */
function spansOf(window: number): SceneRecord {
  const ms = (window + 1) * windowMs;
  const spans = Array.from({ length: perWindow }, (_, i) => {
    const endMs = window * windowMs + i * 240;
    return { startMs: endMs - 900, endMs, name: "chat gpt-4o", attributes: call };
  });
  return { ms, signal: "traces", bytes: encodeBatches({ resource: app, scope: "openai", spans }) };
}

/** The same calls as an SDK's cumulative histogram, exported every `interval` windows. */
function durationsOf(window: number): SceneRecord {
  const ms = (window + 1) * windowMs - 1;
  const counts = [0, perWindow * (window + 1), 0];
  return {
    ms,
    signal: "metrics",
    bytes: encodeMetrics(app, {
      name: "gen_ai.client.operation.duration",
      unit: "s",
      shape: "histogram",
      points: [{ ms, startMs: 0, bounds: [0.5, 1], counts, attributes: call }],
    }),
  };
}

const windows = Array.from({ length: 24 }, (_, window) => window);
const untilMs = 24 * windowMs + 30_000;
const exports = windows.filter((window) => window % 6 === 5).map(durationsOf);
const told = (records: readonly SceneRecord[]) =>
  outcomesOf(playScene(records, untilMs).closed.flatMap(({ cells }) => cells));

describe("calls that spans and metrics tell of", () => {
  const truth = { "openai/gpt-4o/chat": { ok: perWindow * windows.length } };

  it("count once", () => {
    expect(told([...windows.map(spansOf), ...exports])).toEqual(truth);
  });

  it("count where only metrics tell of them", () => {
    expect(told(exports)).toEqual(truth);
  });

  it("count once where spans are sampled, for what the sampled ones stand for", () => {
    const sampled = windows.map((window) => {
      const ms = (window + 1) * windowMs;
      const spans = Array.from({ length: perWindow / 10 }, (_, i) => {
        const endMs = window * windowMs + i * 2_400;
        const traceState = "ot=th:e6666666666666";
        return { startMs: endMs - 900, endMs, traceState, attributes: call };
      });
      const bytes = encodeBatches({ resource: app, scope: "openai", spans });
      return { ms, signal: "traces" as const, bytes };
    });
    const { ok = 0 } = told([...sampled, ...exports])["openai/gpt-4o/chat"] ?? {};
    expect(ok).toBeGreaterThan(0.9 * perWindow * windows.length);
    expect(ok).toBeLessThan(1.1 * perWindow * windows.length);
  });
});

/** A model server as a Collector scrapes it every five seconds. */
function scrape(ms: number, of: { readonly ended: number; readonly running: number }): SceneRecord {
  const labels = { model_name: "llama", engine: "0" };
  const counter = { ...labels, finished_reason: "stop" };
  return {
    ms: ms + 100,
    signal: "metrics",
    bytes: encodeMetrics(
      { "service.name": "vllm", "service.instance.id": "vllm:8000" },
      {
        name: "vllm:request_success_total",
        shape: "sum",
        points: [{ ms, value: of.ended, attributes: counter }],
      },
      {
        name: "vllm:num_requests_running",
        shape: "gauge",
        points: [{ ms, value: of.running, attributes: labels }],
      },
    ),
  };
}

const minuteWindows = 12;

/** A server that ends `rate` requests a window until `stallAt`, and none from there on. */
function served(
  length: number,
  of: { readonly every: number; readonly rate: number; readonly stallAt: number },
): SceneRecord[] {
  let ended = 1_000;
  let hanging = 0;
  const records: SceneRecord[] = [];
  for (let window = 0; window < length; window++) {
    if (window < of.stallAt) ended += of.rate + ((window * 7) % 5) - 2;
    else hanging += of.rate;
    if (window % of.every === of.every - 1)
      records.push(scrape((window + 1) * windowMs - 500, { ended, running: 8 + hanging }));
  }
  return records;
}

describe("a model server on which nothing ends any more", () => {
  it.each([
    ["every window", 1],
    ["every three windows", 3],
  ])("pages within three of its scrapes, scraped %s", (_, every) => {
    const stallAt = 20 * minuteWindows;
    const length = 23 * minuteWindows;
    const outcome = playScene(served(length, { every, rate: 20, stallAt }), length * windowMs);
    const page = firstPageMs(outcome);
    expect(page).toBeDefined();
    const after = ((page ?? 0) - stallAt * windowMs) / windowMs;
    expect(after).toBeGreaterThanOrEqual(0);
    expect(after).toBeLessThanOrEqual(3 * every);
  });

  it("is no news where there often is a window in which none ends", () => {
    const records: SceneRecord[] = [];
    let ended = 0;
    const length = 40 * minuteWindows;
    for (let window = 0; window < length; window++) {
      // One request at a time, of half a minute each.
      if (window % 6 === 0) ended++;
      records.push(scrape((window + 1) * windowMs - 500, { ended, running: 1 }));
    }
    expect(firstPageMs(playScene(records, length * windowMs))).toBeUndefined();
  });
});
