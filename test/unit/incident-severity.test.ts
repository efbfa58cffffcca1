import { describe, expect, it } from "vitest";
import { judgementSchema } from "../../services/contracts/config.ts";
import { initialGroupTrack } from "../../services/incident/group-track.ts";
import type { SeverityInput } from "../../services/incident/opinion.ts";
import { judgeSeverity } from "../../services/incident/severity.ts";

/** An incident of a model that has pressed for a page: by requests of which `failing` fail now. */
function pressed(
  failing: number,
  pressures: { readonly pressure?: number; readonly lastingPressure?: number },
) {
  const input: SeverityInput = {
    judgement: judgementSchema.parse({}),
    family: "quality",
    scopes: [
      {
        name: "model gpt-4o",
        track: { ...initialGroupTrack(), ...pressures },
        share: 0.25,
        isWhole: false,
        isHttp: false,
        failing,
        isFilled: true,
      },
    ],
    pressure: 0,
    failingRatio: 0.01,
    degradedShare: 0.25,
    outright: { outright: 0, unfolding: 0 },
    surelyFailing: { share: 0, ratio: 0, isUnfolding: false },
    slice: undefined,
    farSlower: { share: 0, ratio: 0 },
    refusal: { share: 0, ratio: 0 },
    promptGrowth: 0,
    signals: ["empty_answers"],
    unusualWindows: 40,
    windowMs: 5_000,
    isSpreading: false,
  };
  return judgeSeverity(input).severity;
}

describe("what has pressed for a page", () => {
  it("pages while it goes on", () => {
    expect(pressed(0.06, { pressure: 30 })).toBe("page");
    expect(pressed(0.012, { lastingPressure: 100 })).toBe("page");
  });

  it("is a ticket once it is over, or was another incident's", () => {
    expect(pressed(0.01, { pressure: 60 })).toBe("ticket");
    expect(pressed(0, { pressure: 60, lastingPressure: 180 })).toBe("ticket");
  });
});
