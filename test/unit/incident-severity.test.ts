import { describe, expect, it } from "vitest";
import { judgementSchema } from "../../services/contracts/config.ts";
import { farSlowerLastsMs } from "../../services/incident/far-slower.ts";
import { initialGroupTrack } from "../../services/incident/group-track.ts";
import type { SeverityInput } from "../../services/incident/opinion.ts";
import { judgeSeverity } from "../../services/incident/severity.ts";

const incident: SeverityInput = {
  judgement: judgementSchema.parse({}),
  family: "service",
  scopes: [],
  pressure: 0,
  failingRatio: 0.01,
  degradedShare: 0.25,
  outright: { outright: 0, unfolding: 0 },
  surelyFailing: { share: 0, ratio: 0, isUnfolding: false },
  slice: undefined,
  farSlower: { share: 0, ratio: 0, longestMs: 0, weight: 0 },
  refusal: { share: 0, ratio: 0 },
  slowdown: 0,
  promptGrowth: 0,
  signals: ["ttft"],
  unusualWindows: 40,
  windowMs: 5_000,
  isSpreading: false,
};

/** An incident of a model that has pressed for a page: by requests of which `failing` fail now. */
function pressed(
  failing: number,
  pressures: {
    readonly pressure?: number;
    readonly lastingPressure?: number;
    readonly isLasting?: boolean;
  },
) {
  const minute = { requests: 1000, usualRequests: 1000, failing, slowdown: 0 };
  const scope = {
    name: "model gpt-4o",
    track: { ...initialGroupTrack(), minutes: [minute], ...pressures },
    share: 0.25,
    isWhole: false,
    isHttp: false,
    failing,
    isFilled: true,
  };
  return judgeSeverity({
    ...incident,
    family: "quality",
    scopes: [scope],
    signals: ["empty_answers"],
  }).severity;
}

describe("what has pressed for a page", () => {
  it("pages while it goes on", () => {
    expect(pressed(0.06, { pressure: 30 })).toBe("page");
    expect(pressed(0.012, { lastingPressure: 120, isLasting: true })).toBe("page");
  });

  it("is a ticket once it is over, or was another incident's", () => {
    expect(pressed(0.01, { pressure: 60 })).toBe("ticket");
    expect(pressed(0, { pressure: 60, lastingPressure: 180 })).toBe("ticket");
    expect(pressed(0, { lastingPressure: 180, isLasting: true })).toBe("ticket");
  });
});

describe("what is nothing but slower", () => {
  const slower = (more: Partial<SeverityInput> & { readonly factor: number }) =>
    judgeSeverity({ ...incident, slowdown: Math.log(more.factor), ...more });

  it("is told after ten minutes where it is little, after one where it is much", () => {
    expect(slower({ factor: 1.4 })).toMatchObject({
      severity: "none",
      reason: "Watching: not yet 10 min old",
    });
    expect(slower({ factor: 1.4, unusualWindows: 120 }).severity).toBe("ticket");
    expect(slower({ factor: 1.6 }).severity).toBe("ticket");
  });

  it("waits as long in few requests, and where longer prompts explain most of it", () => {
    expect(slower({ factor: 1.6, degradedShare: 0.01 }).severity).toBe("none");
    expect(slower({ factor: 1.9, promptGrowth: Math.log(1.4) }).severity).toBe("none");
  });

  it("does not wait beside anything else that is wrong", () => {
    expect(slower({ factor: 1.4, signals: ["ttft", "retries"] }).severity).toBe("ticket");
  });
});

describe("answers that are far slower than usual, in a part of the traffic", () => {
  const inPart = (share: number, timesLeast: number, more: Partial<SeverityInput> = {}) =>
    judgeSeverity({
      ...incident,
      signals: ["stragglers"],
      farSlower: {
        share,
        ratio: 0.04,
        longestMs: timesLeast * farSlowerLastsMs,
        weight: share * timesLeast,
      },
      ...more,
    }).severity;

  it("page in a fiftieth once they have lasted, in less after as much longer", () => {
    expect(inPart(0.02, 1)).toBe("page");
    expect(inPart(0.01, 1.9)).toBe("ticket");
    expect(inPart(0.01, 2)).toBe("page");
    expect(inPart(0.005, 4)).toBe("page");
  });

  it("stay a ticket in a two-hundredth and less, or beside anything else that is wrong", () => {
    expect(inPart(0.0049, 8)).toBe("ticket");
    expect(inPart(0.2, 4, { signals: ["stragglers", "ttft"] })).toBe("ticket");
  });
});
