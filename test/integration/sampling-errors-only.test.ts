/** A tail sampler that keeps traces with errors alone: what share fails cannot be known, so nobody is told that all of them do. */
import { describe, expect, it } from "vitest";
import { namedRandom } from "../../services/chatbot/random.ts";
import { encodeBatches, type SpanSketch } from "../support/aggregate-harness.ts";
import { firstPageMs, playScene, type SceneRecord } from "../support/scene-pipeline.ts";

const windowMs = 5_000;
const minute = 12;
const perWindow = 100;
const call = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
} as const;
const app = { "service.name": "app", "service.instance.id": "1" };

interface Traffic {
  readonly windows: number;
  /** Share of attempts that fail in a window; a failed first one is tried again. */
  readonly failing: (window: number) => number;
  readonly keepsErrorsOnly: boolean;
}

/** Requests of one or two attempts below the span of the application's route. */
function traffic({ windows, failing, keepsErrorsOnly }: Traffic): SceneRecord[] {
  const random = namedRandom(7, "errors only");
  let id = 1;
  return Array.from({ length: windows }, (_, window) => {
    const spans: SpanSketch[] = [];
    for (let i = 0; i < perWindow; i++) {
      const trace = id;
      const root = id++;
      const endMs = window * windowMs + (i * windowMs) / perWindow;
      const attempt = (isFailed: boolean, beforeMs: number): SpanSketch => ({
        trace,
        id: id++,
        parent: root,
        startMs: endMs - beforeMs - 400,
        endMs: endMs - beforeMs,
        status: isFailed ? "error" : "ok",
        attributes: { ...call, ...(isFailed && { "error.type": "InternalServerError" }) },
      });
      const fails = [random.unit() < failing(window), random.unit() < failing(window)];
      const attempts =
        fails[0] === true
          ? [attempt(true, 600), attempt(fails[1] === true, 20)]
          : [attempt(false, 20)];
      const isLost = fails[0] === true && fails[1] === true;
      const served: SpanSketch = {
        trace,
        id: root,
        kind: "server",
        startMs: endMs - 1_200,
        endMs,
        status: isLost ? "error" : "unset",
        attributes: {
          "http.route": "/chat",
          "http.request.method": "POST",
          "http.response.status_code": isLost ? 502 : 200,
        },
      };
      if (!keepsErrorsOnly || fails[0] === true) spans.push(...attempts, served);
    }
    const bytes = encodeBatches({ resource: app, scope: "openai", spans });
    return { ms: (window + 1) * windowMs, signal: "traces", bytes };
  });
}

const windows = 14 * minute;
const outageFrom = 10 * minute;
const outage = (window: number) => (window >= outageFrom ? 0.7 : 0.03);

describe("a service of whose traces only those with errors are kept", () => {
  const play = (failing: Traffic["failing"]) =>
    playScene(traffic({ windows, failing, keepsErrorsOnly: true }), windows * windowMs);

  it("is not said to fail while all is well: its ratios are sampled, and unknown", () => {
    const outcome = play(() => 0.03);

    expect(firstPageMs(outcome)).toBeUndefined();
    expect(outcome.incidents.map(({ transition }) => transition)).toEqual([]);
    expect(outcome.states("failures", 9 * minute)).toEqual(["sampled", "sampled"]);
  });

  it("stays unknown in an outage, which all of its traces would have shown", () => {
    expect(play(outage).states("failures", windows - 6)).toEqual(["sampled", "sampled"]);

    const whole = traffic({ windows, failing: outage, keepsErrorsOnly: false });
    const seen = playScene(whole, windows * windowMs);
    expect(seen.states("failures", 9 * minute)).toEqual(["normal", "normal"]);
    expect(firstPageMs(seen)).toBeGreaterThanOrEqual(outageFrom * windowMs);
  });
});
