import { describe, expect, it } from "vitest";
import { isUserVisibleFailure, simulate, truthOf } from "../../services/chatbot/chatbot.ts";
import { requestKinds } from "../../services/chatbot/fleet-model.ts";
import { planOf, requestsOf } from "../support/fleet-decoded.ts";

const minuteMs = 60_000;
const streamKind = requestKinds.indexOf("stream");

/** Whether `count` of `n` is within five standard deviations of a binomial's mean. */
function isBinomial(count: number, n: number, p: number): boolean {
  return Math.abs(count - n * p) <= 5 * Math.sqrt(n * p * (1 - p));
}

describe("clean traffic", () => {
  const plan = planOf("clean", { durationMs: 60 * minuteMs });
  const requests = requestsOf(plan);
  const calls = requests.filter((event) => event.model >= 0);

  it("keeps the configured base rates of 429 and of other errors", () => {
    const limited = calls.filter((event) => event.outcome === "rate_limit").length;
    const failed = requests.filter(isUserVisibleFailure).length;
    expect(isBinomial(limited, calls.length, 0.01 * (1 - 0.003))).toBe(true);
    expect(isBinomial(failed, requests.length, 0.003)).toBe(true);
  });

  it("keeps the configured mix of operations and models", () => {
    const logins = requests.filter((event) => requestKinds[event.requestKind] === "login");
    const mini = calls.filter((event) => event.model === 0);
    const chats = calls.filter((event) => event.requestKind <= streamKind);
    expect(isBinomial(logins.length, requests.length, 0.06)).toBe(true);
    expect(isBinomial(mini.length, chats.length, 0.26)).toBe(true);
  });

  it("sends the configured requests a second, times the hour's place in the day", () => {
    const perSecond = requests.length / (60 * 60);
    expect(perSecond).toBeGreaterThan(40 * 0.7);
    expect(perSecond).toBeLessThan(40 * 1.6);
  });

  it("comes in the order of ends, touched by nothing", () => {
    const ends = requests.map((event) => event.endMs);
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    expect(requests.some((event) => event.isTouched || event.isFaultCaused)).toBe(false);
  });

  it("has medians of the first token near the configured ones", () => {
    for (const [index, model] of plan.fleet.models.entries()) {
      const first = calls
        .filter((event) => event.model === index && event.requestKind === streamKind)
        .map((event) => event.firstTokenSeconds)
        .filter((seconds) => !Number.isNaN(seconds))
        .sort((a, b) => a - b);
      if (first.length === 0) continue;
      const median = first[first.length >> 1] ?? 0;
      expect(median / model.firstTokenSeconds).toBeGreaterThan(0.8);
      expect(median / model.firstTokenSeconds).toBeLessThan(1.5);
    }
  });
});

describe("paired seeds", () => {
  it("give the same requests until a fault begins", () => {
    const faulty = planOf("S13", { seed: 2, quietMs: 5 * minuteMs, durationMs: 5 * minuteMs });
    const clean = planOf("clean", { seed: 2, startMs: faulty.startMs, durationMs: 5 * minuteMs });
    expect(requestsOf(faulty)).toEqual(requestsOf(clean));
  });

  it("give the same arrivals and lengths while a fault acts that draws no traffic", () => {
    const facts = (scenario: string, startMs?: number) => {
      const plan = planOf(scenario, {
        seed: 2,
        quietMs: 0,
        durationMs: 5 * minuteMs,
        ...(startMs === undefined ? {} : { startMs }),
        shape: { clients: { userRetryShare: 0 } },
      });
      const requests = requestsOf(plan).filter(
        (event) => event.startMs < plan.startMs + 3 * minuteMs,
      );
      const known = requests.map(
        (e) => [e.startMs, e.key1, e.model, e.region, e.inputTokens] as const,
      );
      return { plan, known: known.sort((a, b) => a[0] - b[0] || a[1] - b[1]) };
    };
    const faulty = facts("S13");
    expect(faulty.known).toEqual(facts("clean", faulty.plan.startMs).known);
  });
});

it("loses requests at the edge that no telemetry shows, and says so in the truth (S12)", () => {
  const plan = planOf("S12", { quietMs: 0, durationMs: 10 * minuteMs });
  const { header, rows } = truthOf(plan, simulate(plan));
  const seen = rows.reduce(
    (sum, row) =>
      header.cells[row.cell]?.operation.startsWith("POST /api") ? sum + row.requests : sum,
    0,
  );
  expect(header.lostAtEdge).toBeGreaterThan(0);
  expect(header.requests).toBe(seen + header.lostAtEdge);
});
