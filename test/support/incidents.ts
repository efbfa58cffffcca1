/** Builders for incidents and commands in tests: valid by default, with what a test is about overridden. */
import { cellKey } from "../../services/contracts/cell.ts";
import type { Incident } from "../../services/contracts/incident.ts";
import { aCell } from "./records.ts";

/** 2026-11-24T12:41:05Z, the start of a window of 5 s. */
export const incidentStartMs = Date.UTC(2026, 10, 24, 12, 41, 5);

export const anIncident = (overrides: Partial<Incident> = {}): Incident => ({
  incident: "7f3a91c2",
  revision: 1,
  epoch: 1,
  atMs: incidentStartMs + 30_000,
  windowStartMs: incidentStartMs + 10_000,
  windowMs: 5_000,
  transition: "paged",
  phase: "firing",
  severity: "page",
  title: "claude-sonnet in eu-west-1: first tokens 2.3× slower, spreading",
  dimensions: [{ "gen_ai.request.model": "claude-sonnet", "cloud.region": "eu-west-1" }],
  cells: [cellKey(aCell({ provider: "anthropic", model: "claude-sonnet" }))],
  degradedCells: 3,
  liveCells: 24,
  degradedShare: 0.18,
  signals: ["ttft", "failures"],
  leadingSignal: "ttft",
  evidence: [
    {
      signal: "ttft",
      cell: cellKey(aCell({ provider: "anthropic", model: "claude-sonnet" })),
      seen: 2_900_000,
      expected: 1_150_000,
      low: 900_000,
      high: 1_400_000,
      bad: 1_212,
      of: 4_100,
      surprise: 4.6,
      sinceMs: incidentStartMs,
    },
    {
      signal: "failures",
      cell: cellKey(aCell({ provider: "anthropic", model: "claude-sonnet" })),
      seen: 0.018,
      expected: 0.002,
      low: 0,
      high: 0.004,
      bad: 74,
      of: 4_100,
      surprise: 3.9,
      sinceMs: incidentStartMs + 10_000,
    },
  ],
  attribution: [
    {
      dimension: "gen_ai.request.model",
      value: "claude-sonnet",
      bad: 1_127,
      of: 4_000,
      share: 0.93,
      expectedShare: 0.31,
      isNamed: true,
    },
  ],
  sinceMs: incidentStartMs,
  openedMs: incidentStartMs + 25_000,
  resolvedMs: null,
  spread: { doublingMinutes: 4, next: [cellKey(aCell({ region: "us-east-1" }))] },
  forecast: {
    what: "20 % of users failing",
    breachLowMs: incidentStartMs + 6 * 60_000,
    breachMedianMs: incidentStartMs + 9 * 60_000,
    breachHighMs: incidentStartMs + 14 * 60_000,
    coverage: 0.8,
  },
  totals: { bad: 1_286, of: 4_100, tenants: 212 },
  examples: [
    { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", why: "slowest" },
    { traceId: "a3ce929d0e0e47364bf92f3577b34da6", spanId: "b7ad6b7169203331", why: "timeout" },
  ],
  reason: "latency given load is unusual (1 in 40,000 windows) and a breach is forecast in 9 min",
  ...overrides,
});
