import { describe, expect, it } from "vitest";
import type { SignalVerdict } from "../../services/contracts/frame.ts";
import {
  initialTokenSpeed,
  isSlowByTokens,
  stepTokenSpeed,
  type TokenSpeed,
} from "../../services/incident/token-speed.ts";

const fading = 0.99;
/** Twenty requests, one of which is usually late. */
const first = (bad: number) => ({ bad, of: 20, expected: 1 });
const slowTokens = (bad: number) => ({ direction: "up", bad, of: 20 }) as unknown as SignalVerdict;

function stepped(windows: number, bad: number, verdict: SignalVerdict | undefined) {
  const memory: TokenSpeed = initialTokenSpeed();
  let tally = first(bad);
  for (let window = 0; window < windows; window++)
    tally = stepTokenSpeed(memory, first(bad), { verdict, fading });
  return { memory, tally };
}

describe("a cell's token speed", () => {
  it("leaves the first tokens' tally as it is while tokens come as usual", () => {
    expect(stepped(100, 1, undefined).tally).toEqual(first(1));
    expect(stepped(100, 1, slowTokens(2)).tally).toEqual(first(1));
    expect(stepped(100, 1, { ...slowTokens(20), direction: "down" }).tally).toEqual(first(1));
  });

  it("is what the cell is slow by when first tokens come in time and the others late", () => {
    const { memory, tally } = stepped(40, 1, slowTokens(19));
    expect(isSlowByTokens(memory)).toBe(true);
    expect(tally).toMatchObject({ of: 20, expected: 1 });
    expect(tally.bad).toBeGreaterThan(10);
  });

  it("gives way to first tokens that are later still", () => {
    const { memory, tally } = stepped(40, 19, slowTokens(12));
    expect(isSlowByTokens(memory)).toBe(false);
    expect(tally).toEqual(first(19));
  });

  it("proves nothing within a few windows", () => {
    expect(stepped(1, 1, slowTokens(10)).tally).toEqual(first(1));
  });

  it("counts nothing in a window without first tokens", () => {
    const memory = initialTokenSpeed();
    const none = { bad: 0, of: 0, expected: 0 };
    expect(stepTokenSpeed(memory, none, { verdict: slowTokens(9), fading })).toBe(none);
    expect(memory.tokens.of).toBe(0);
  });
});
