import { errorWords } from "../../../dashboards/sql/outcomes.ts";
import { knownErrorTextBytes } from "../../../services/contracts/error-text.ts";
import type { Outcome } from "../../../services/contracts/outcomes.ts";
import {
  count,
  type Expectation,
  type Expected,
  isChosen,
  isWithin,
  modelCalls,
  type Scene,
} from "./truth.ts";
import type { Call } from "./world.ts";

/** Spans stand in history by their start. */
const started = (scene: Scene) =>
  scene.world.calls.filter(
    (call) => call.kind === "genai" && isWithin(scene, call.startMs) && isChosen(scene, call),
  );

const columns = {
  time: "time",
  trace: "text",
  cell: "text",
  outcome: "text",
  seconds: "real",
  "first token": "real",
} as const satisfies Expected["columns"];

/** Of an error's text only the words that are known to be no content are kept. */
function known(message: string): string {
  const bytes = Buffer.from(message);
  return bytes.subarray(0, knownErrorTextBytes(bytes, 0, bytes.length)).toString();
}

const tokensOf = (call: Call, tokens: number) => (call.outcome === "ok" ? tokens : null);

const row = (call: Call) => ({
  time: call.startMs,
  trace: call.trace,
  cell: `${call.model}${call.region === "" ? "" : ` in ${call.region}`}`,
  outcome: call.outcome,
  seconds: call.durationUs / 1e6,
  "first token": Number.isNaN(call.firstTokenUs) ? null : call.firstTokenUs / 1e6,
  "tokens in": tokensOf(call, call.inputTokens),
  "tokens out": call.isEmbedding ? null : tokensOf(call, call.outputTokens),
});

export const requestsTruth: Readonly<Record<string, Expectation>> = {
  "Calls by outcome": (scene) => {
    const calls = modelCalls(scene);
    const named = Object.entries(errorWords);
    return {
      columns: Object.fromEntries(named.map(([, words]) => [words, "exact"])),
      rows: [
        Object.fromEntries(
          named.map(([outcome, words]) => [words, count(calls, outcome as Outcome)]),
        ),
      ],
    };
  },
  "Failed calls, newest first": (scene) => ({
    columns,
    rows: started(scene)
      .filter(({ outcome }) => outcome !== "ok")
      .toSorted((a, b) => b.startMs - a.startMs)
      .slice(0, 100)
      .map(row),
  }),
  "Slowest calls": (scene) => ({
    columns: { ...columns, "tokens in": "exact", "tokens out": "exact" },
    rows: started(scene)
      .toSorted((a, b) => b.durationUs - a.durationUs || a.startMs - b.startMs)
      .slice(0, 50)
      .map(row),
  }),
  "Spans of the trace": (scene) => {
    const spans = scene.world.traceSpans.toSorted((a, b) => Number(a.startNanos - b.startNanos));
    const first = spans[0]?.startNanos ?? 0n;
    return {
      columns: {
        "start, s": "real",
        seconds: "real",
        service: "text",
        span: "text",
        status: "text",
        message: "text",
        id: "text",
        parent: "text",
      },
      rows: spans.map((span) => ({
        "start, s": Number(span.startNanos - first) / 1e9,
        seconds: Number(span.endNanos - span.startNanos) / 1e9,
        service: String(span.resource["service.name"]),
        span: span.name,
        status: ["Unset", "Ok", "Error"][span.statusCode] ?? "",
        message: known(span.statusMessage),
        id: span.spanId,
        parent: span.parentSpanId,
      })),
    };
  },
};
