import { describe, expect, it } from "vitest";
import { judgementSchema } from "../../services/contracts/config.ts";
import { initialOutright, type Outright, stepOutright } from "../../services/incident/outright.ts";
import { fleetStartMs, fleetWindowMs, IncidentPlay, warmUp } from "../support/incident-fleet.ts";

const { incident } = judgementSchema.parse({});

interface Seen {
  readonly bad: number;
  readonly of: number;
  readonly tenants?: number;
  readonly tenantsFailed?: number;
  readonly usualRatio?: number;
}

function played(windows: readonly Seen[], when = incident): Outright {
  const outright = initialOutright();
  for (const { bad, of, ...rest } of windows)
    stepOutright(
      outright,
      { bad, of, usualRatio: 0.003, tenants: of, tenantsFailed: bad, ...rest },
      when,
    );
  return outright;
}

describe("a cell that fails outright", () => {
  it("is sure after two windows of a few requests that all fail", () => {
    expect(played([{ bad: 3, of: 3 }]).isSure).toBe(false);
    expect(
      played([
        { bad: 3, of: 3 },
        { bad: 2, of: 2 },
      ]).isSure,
    ).toBe(true);
  });

  it("is not sure after four failures", () => {
    expect(
      played([
        { bad: 2, of: 2 },
        { bad: 2, of: 2 },
      ]).isSure,
    ).toBe(false);
  });

  it("is not what one tenant's requests do, however many fail", () => {
    const one = { bad: 6, of: 6, tenantsFailed: 1 };
    expect(played([one, one, one]).isSure).toBe(false);
  });

  it("takes nine failures where tenants are not known", () => {
    const unknown = { tenants: 0, tenantsFailed: 0 };
    expect(played([4, 4].map((n) => ({ bad: n, of: n, ...unknown }))).isSure).toBe(false);
    expect(played([4, 5].map((n) => ({ bad: n, of: n, ...unknown }))).isSure).toBe(true);
  });

  it("is not a half that fails, be it certain", () => {
    const half = { bad: 20, of: 40 };
    const outright = played([half, half, half]);
    expect(outright.digits).toBeGreaterThan(8);
    expect(outright.isSure).toBe(false);
  });

  it("needs more where every tenth request usually fails", () => {
    const five = [
      { bad: 3, of: 3, usualRatio: 0.1 },
      { bad: 2, of: 2, usualRatio: 0.1 },
    ];
    expect(played(five).isSure).toBe(false);
  });

  it("is over once most requests are answered again", () => {
    const down = { bad: 5, of: 5 };
    expect(played([down, down, { bad: 0, of: 5 }, { bad: 0, of: 5 }]).isSure).toBe(false);
  });

  it("waits for as many windows as an incident needs to open", () => {
    const down = { bad: 5, of: 5 };
    const patient = { ...incident, openAfterWindows: 3 };
    expect(played([down, down], patient).isSure).toBe(false);
    expect(played([down, down, down], patient).isSure).toBe(true);
  });
});

describe("a page for what fails outright", () => {
  it("comes with the second window, and names the cell", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    const from = play.window;
    play.play(3, ({ model, region }) =>
      model === "o4-mini" && region === "us-east-1" ? { requests: 6, failing: 1 } : {},
    );
    const page = play.incidents.find(({ transition }) => transition === "paged");
    expect(page?.windowStartMs).toBe(fleetStartMs + (from + 1) * fleetWindowMs);
    expect(page?.dimensions).toEqual([
      { "gen_ai.request.model": "o4-mini", "cloud.region": "us-east-1" },
    ]);
    expect(page?.title).toBe("o4-mini in us-east-1: 100 % of requests failing");
  });

  it("names nothing when everything fails", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    play.play(3, () => ({ failing: 0.8 }));
    const page = play.incidents.find(({ transition }) => transition === "paged");
    expect(page?.dimensions).toEqual([]);
  });
});
