import { describe, expect, it } from "vitest";
import { outageWindow } from "../../services/chatbot/outage-rule.ts";

const rule = { share: 0.2, sustainWindows: 4, smoothWindows: 2 };

/** Windows of ten requests each, with these failures. */
const of = (failures: readonly number[]) => ({ requests: failures.map(() => 10), failures });

describe("the outage point", () => {
  it("is the first window of a stretch at or above the share", () => {
    expect(outageWindow(of([0, 0, 0, 4, 4, 4, 4, 4, 4]), rule)).toBe(3);
  });

  it("is none when the stretch is too short", () => {
    expect(outageWindow(of([0, 0, 4, 4, 4, 0, 0, 0]), rule)).toBe(-1);
  });

  it("is none just below the share", () => {
    expect(outageWindow(of([0, 2, 1, 2, 1, 2, 1, 2, 1, 2]), rule)).toBe(-1);
  });

  it("survives one quiet window", () => {
    expect(outageWindow(of([0, 0, 5, 5, 1, 5, 5, 5]), rule)).toBe(2);
  });

  it("is none without requests", () => {
    expect(outageWindow({ requests: [0, 0, 0, 0, 0, 0], failures: [0, 0, 0, 0, 0, 0] }, rule)).toBe(
      -1,
    );
  });
});
