import { describe, expect, it } from "vitest";
import { alertText } from "../../services/contracts/alert-text.ts";
import { cellKey } from "../../services/contracts/cell.ts";
import {
  formatCount,
  formatRatio,
  formatSpan,
  formatTime,
  formatValue,
  zoneName,
} from "../../services/contracts/format.ts";
import type { Incident } from "../../services/contracts/incident.ts";
import { rarity, type TitleFacts, titleOf } from "../../services/incident/wording.ts";
import { aCell } from "../support/records.ts";

// 2026-03-02T13:47:30Z, six minutes after it began.
const atMs = 1_772_459_250_000;
const sinceMs = 1_772_458_865_000;
const sonnet = (region: string) =>
  cellKey(aCell({ provider: "anthropic", model: "claude-sonnet", region }));

const incident: Incident = {
  incident: "7f3a",
  revision: 2,
  epoch: 1,
  atMs,
  windowStartMs: atMs - 16_000,
  windowMs: 5_000,
  transition: "paged",
  phase: "firing",
  severity: "page",
  title: "claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading",
  dimensions: [{ "gen_ai.request.model": "claude-sonnet", "cloud.region": "eu-west-1" }],
  cells: [sonnet("eu-west-1")],
  degradedCells: 3,
  liveCells: 24,
  degradedShare: 0.18,
  signals: ["ttft", "failures"],
  leadingSignal: "ttft",
  evidence: [
    {
      signal: "ttft",
      cell: sonnet("eu-west-1"),
      seen: 2_900_000,
      expected: 1_100_000,
      low: 900_000,
      high: 1_400_000,
      bad: 1_212,
      of: 4_100,
      surprise: 4.6,
      sinceMs,
    },
    {
      signal: "failures",
      cell: sonnet("eu-west-1"),
      seen: 0.018,
      expected: 0.003,
      low: 0,
      high: 0.004,
      bad: 74,
      of: 4_100,
      surprise: 3.2,
      sinceMs: sinceMs + 60_000,
    },
  ],
  attribution: [
    {
      dimension: "gen_ai.request.model",
      value: "claude-sonnet",
      bad: 1_150,
      of: 2_400,
      share: 0.95,
      expectedShare: 0.2,
      isNamed: true,
    },
    {
      dimension: "cloud.region",
      value: "eu-west-1",
      bad: 1_127,
      of: 3_000,
      share: 0.93,
      expectedShare: 0.28,
      isNamed: true,
    },
  ],
  sinceMs,
  openedMs: sinceMs + 10_000,
  resolvedMs: null,
  spread: { doublingMinutes: 4.2, next: [sonnet("us-east-1")] },
  forecast: {
    what: "20 % of users failing",
    breachLowMs: atMs + 6 * 60_000,
    breachMedianMs: atMs + 9 * 60_000,
    breachHighMs: atMs + 14 * 60_000,
    coverage: 0.8,
  },
  totals: { bad: 1_212, of: 4_100, tenants: 31 },
  examples: [
    { traceId: "4bf92f35", spanId: "1", why: "timeout" },
    { traceId: "a3ce929d", spanId: "2", why: "first token after 4.1 s" },
  ],
  reason: "Latency 2.3× and rising over model claude-sonnet, 24 % of traffic",
  whyNow: ["first tokens (1 in 40,000 windows)"],
};

describe("an alert's text", () => {
  it("answers is it real, where, how bad, how long is left", () => {
    const text = alertText(incident, {
      timeZone: "Europe/Berlin",
      publicUrl: "https://foreshock.example",
    });
    expect([text.headline, ...text.lines].join("\n")).toBe(
      `PAGE  claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading
Seen      first token p95 2.9 s, expected 0.9–1.4 s at this load; 1,212 of 4,100 requests slow since 14:41:05 CET
          failing requests 1.8 %, expected ≤ 0.4 %; 74 of 4,100 requests
Where     model=claude-sonnet, region=eu-west-1 explain 93 % of it; the other 21 cells are normal
Spread    3 of 24 cells (18 % of traffic), doubling every 4 min; next: claude-sonnet in us-east-1
Left      20 % of users failing in 6–14 min (80 % interval)
Why now   Latency 2.3× and rising over model claude-sonnet, 24 % of traffic; first tokens (1 in 40,000 windows)
Look      page https://foreshock.example/incidents/7f3a   traces 4bf92f35, a3ce929d`,
    );
  });

  it("says whose value it is, where many are hit: the one with the most requests in trouble", () => {
    const [slow] = incident.evidence;
    if (slow === undefined) throw new Error("the incident has no evidence");
    const faster = { ...slow, cell: sonnet("us-east-1"), seen: 151_000, bad: 12, surprise: 99 };
    const [seen] = alertText(
      { ...incident, evidence: [faster, ...incident.evidence] },
      { timeZone: "UTC" },
    ).lines;
    expect(seen).toBe(
      "Seen      first token p95 2.9 s, expected 0.9–1.4 s at this load (claude-sonnet in eu-west-1); 1,224 of 8,200 requests slow since 13:41:05 UTC",
    );
  });

  it("leaves out what is not known", () => {
    const bare: Incident = {
      ...incident,
      severity: "ticket",
      dimensions: [],
      attribution: [],
      forecast: null,
      examples: [],
      spread: { doublingMinutes: null, next: [] },
      reason: "Not a page: nothing is surely rising",
      whyNow: [],
    };
    expect(alertText(bare, { timeZone: "UTC" })).toEqual({
      headline: "TICKET  claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading",
      lines: [
        "Seen      first token p95 2.9 s, expected 0.9–1.4 s at this load; 1,212 of 4,100 requests slow since 13:41:05 UTC",
        "          failing requests 1.8 %, expected ≤ 0.4 %; 74 of 4,100 requests",
        "Spread    3 of 24 cells (18 % of traffic)",
        "Why       Not a page: nothing is surely rising",
      ],
    });
  });

  it("says of a resolved one how long it was, how many it hit and what was first", () => {
    const resolved: Incident = {
      ...incident,
      transition: "resolved",
      phase: "resolved",
      resolvedMs: sinceMs + 47 * 60_000,
      forecast: null,
      reason: "Back to normal for 24 windows with requests (120 s)",
    };
    expect(alertText(resolved, { timeZone: "UTC" })).toEqual({
      headline: "RESOLVED  claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading",
      lines: [
        "Lasted    47 min, 13:41:05 to 14:28:05 UTC",
        "Hit       1,212 of 4,100 requests failed or slow, about 31 tenants",
        "Where     model=claude-sonnet, region=eu-west-1 explain 93 % of it",
        "First     first tokens in claude-sonnet, eu-west-1 at 13:41:05",
        "Why       Back to normal for 24 windows with requests (120 s)",
        "Look      traces 4bf92f35, a3ce929d",
      ],
    });
  });
});

describe("values in words", () => {
  it.each([
    [0, "0 %"],
    [0.93, "93 %"],
    [0.018, "1.8 %"],
    [0.0004, "0.04 %"],
    [0.05, "5 %"],
    [1, "100 %"],
  ])("ratio %d is %s", (ratio, text) => {
    expect(formatRatio(ratio)).toBe(text);
  });

  it("names the unit of a range once", () => {
    expect(formatValue("ttft", 900_000, "1.4 s")).toBe("0.9");
    expect(formatValue("ttft", 340_000, "410 ms")).toBe("340");
    expect(formatValue("ttft", 34_000, "1.4 s")).toBe("34 ms");
    expect(formatValue("time_per_output_token", 420, "")).toBe("420 µs");
    expect(formatValue("traffic", 12.4)).toBe("12 requests/s");
  });

  it("counts in groups of three and times in the reader's zone", () => {
    expect(formatCount(1_234_567)).toBe("1,234,567");
    expect(formatTime(sinceMs, "Asia/Tokyo")).toBe("22:41:05");
    expect(zoneName(sinceMs, "UTC")).toBe("UTC");
    expect([formatSpan(47_000), formatSpan(12 * 60_000), formatSpan(185 * 60_000)]).toEqual([
      "47 s",
      "12 min",
      "3 h 5 min",
    ]);
  });

  it("rounds rarity to one digit", () => {
    expect(rarity(4.6)).toBe("1 in 40,000 windows");
    expect(rarity(3)).toBe("1 in 1,000 windows");
    expect(rarity(30)).toBe("less than once in a billion windows");
  });
});

describe("titles", () => {
  const facts: TitleFacts = {
    dimensions: [],
    signal: "failures",
    slowdown: 2.3,
    ratio: 0.12,
    quietMs: 360_000,
    isFleetSilent: false,
    trafficLoss: undefined,
    decline: undefined,
    trend: "steady",
  };
  it.each<[Partial<TitleFacts>, string]>([
    [{}, "Everywhere: 12 % of requests failing"],
    [
      { dimensions: [{ "cloud.region": "eu-west-1" }], signal: "ttft", trend: "spreading" },
      "All of eu-west-1: first tokens 2.3× slower, spreading",
    ],
    [
      { dimensions: [{ "http.route": "/login" }], signal: "auth_failures", trend: "growing" },
      "/login: 12 % of logins and keys refused, growing",
    ],
    [
      { dimensions: [{ "gen_ai.request.model": "gpt-4o", "service.version": "1.5.0" }] },
      "gpt-4o, service.version 1.5.0: 12 % of requests failing",
    ],
    [
      { dimensions: [{ "gen_ai.request.model": "a" }, { "gen_ai.request.model": "b" }] },
      "a and b: 12 % of requests failing",
    ],
    [
      { dimensions: [{ "gen_ai.request.model": "gpt-4o" }], signal: "traffic" },
      "gpt-4o: no requests for 6 min",
    ],
    [{ isFleetSilent: true }, "Foreshock sees no telemetry at all, for 6 min"],
  ])("%j", (overrides, title) => {
    expect(titleOf({ ...facts, ...overrides })).toBe(title);
  });
});
