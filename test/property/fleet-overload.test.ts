import { describe, expect, it } from "vitest";
import { isUserVisibleFailure, simulate, truthOf } from "../../services/chatbot/chatbot.ts";
import { requestKinds } from "../../services/chatbot/fleet-model.ts";
import { planOf } from "../support/fleet-decoded.ts";

const minuteMs = 60_000;
const streamKind = requestKinds.indexOf("stream");

it("has no outage point from Friday noon into a clean weekend", () => {
  const shape = { requestsPerSecond: 4 };
  const plan = planOf("clean", {
    shape,
    startMs: Date.UTC(2026, 2, 6, 12),
    durationMs: 30 * 60 * minuteMs,
    seed: 5,
  });
  const { outage, onsetMs, requests } = truthOf(plan, simulate(plan)).header;
  expect(requests).toBeGreaterThan(250_000);
  expect({ outage: outage.pointMs, onsetMs }).toEqual({ outage: null, onsetMs: null });
});

describe("overload", () => {
  it("slows first tokens long before it fails requests (S04)", () => {
    const plan = planOf("S04", { shape: { requestsPerSecond: 10 } });
    const { header } = truthOf(plan, simulate(plan));
    const onsetMs = plan.faultStartMs ?? 0;
    const models = plan.faults[0]?.target.models ?? new Set<number>();
    const minutes = new Map<number, { slow: number[]; calls: number; failed: number }>();
    for (const event of simulate(plan)) {
      if (event.kind !== "request" || event.requestKind > streamKind || !models.has(event.model))
        continue;
      const minute = Math.floor((event.endMs - onsetMs) / (5 * minuteMs));
      const at = minutes.get(minute) ?? { slow: [], calls: 0, failed: 0 };
      minutes.set(minute, at);
      at.calls += 1;
      if (isUserVisibleFailure(event)) at.failed += 1;
      if (event.requestKind !== streamKind || Number.isNaN(event.firstTokenSeconds)) continue;
      at.slow.push(
        event.firstTokenSeconds / (plan.fleet.models[event.model]?.firstTokenSeconds ?? 1),
      );
    }
    const median = (values: readonly number[]) =>
      [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
    const usual = median(minutes.get(-2)?.slow ?? []);
    const first = (is: (at: { slow: number[]; calls: number; failed: number }) => boolean) =>
      Math.min(
        ...[...minutes].filter(([minute, at]) => minute >= 0 && is(at)).map(([minute]) => minute),
      );
    const slowAt = first((at) => median(at.slow) > 1.3 * usual) * 5 * minuteMs;
    const failingAt = first((at) => at.failed > 0.02 * at.calls) * 5 * minuteMs;
    const outageAt = (header.outage.fleetMs ?? 0) - onsetMs;
    expect(slowAt).toBeLessThan(failingAt);
    expect(failingAt).toBeLessThanOrEqual(outageAt);
    expect(outageAt - slowAt).toBeGreaterThan(15 * minuteMs);
  });

  it("fails users beyond the outage rule and ends with the fault (S05)", () => {
    const plan = planOf("S05", { seed: 3, shape: { requestsPerSecond: 10 } });
    const { header, rows } = truthOf(plan, simulate(plan));
    expect(header.outage.fleetMs).toBeGreaterThan(plan.faultStartMs ?? Infinity);
    const lastMs = plan.endMs - 5 * minuteMs;
    const late = rows.filter(
      (row) => row.windowMs > lastMs && header.cells[row.cell]?.kind === "genai",
    );
    const failures = late.reduce((sum, row) => sum + row.failures, 0);
    expect(failures).toBeLessThan(0.02 * late.reduce((sum, row) => sum + row.requests, 0));
  });
});
