import { describe, expect, it } from "vitest";
import { cellKey } from "../../services/contracts/cell.ts";
import { usualRatioOf } from "../../services/incident/usual-ratio.ts";
import { seeded } from "../support/detect-traffic.ts";
import { fleetCells, fleetWindowMs, IncidentPlay, warmUp } from "../support/incident-fleet.ts";

const prior = { ratio: 0.003, of: 200 };
const hour = 3_600_000 / fleetWindowMs;

describe("what is usual in a cell of which little is known", () => {
  it("is what is usual in its class", () => {
    expect(usualRatioOf({ bad: 6, of: 60 }, prior, 0.1)).toBeCloseTo(0.1, 3);
    expect(usualRatioOf({ bad: 0, of: 20 }, prior, 0.1)).toBeGreaterThan(0.08);
  });

  it("is its own where its requests speak against that", () => {
    expect(usualRatioOf({ bad: 1, of: 1000 }, prior, 0.1)).toBeLessThan(0.004);
    expect(usualRatioOf({ bad: 100, of: 1000 }, prior, 0.003)).toBeGreaterThan(0.08);
  });

  it("tells of nothing where a tenth of few requests fails from the first one on", () => {
    const random = seeded(7);
    const play = new IncidentPlay();
    play.play(warmUp + 3 * hour, () => ({ requests: 1, failing: random() < 0.1 ? 1 : 0 }));
    expect(play.incidents).toEqual([]);
  });

  it("hides nothing of a class in which a fifth of one cell always fails", () => {
    const always = cellKey(fleetCells[0] as (typeof fleetCells)[number]);
    const play = new IncidentPlay();
    play.play(warmUp + hour, (cell) => (cellKey(cell) === always ? { failing: 0.2 } : {}));
    expect(play.incidents).toEqual([]);
    play.play(hour / 12, (cell) =>
      cellKey(cell) === always ? { failing: 0.2 } : cell.model === "gpt-4o" ? { failing: 0.1 } : {},
    );
    expect(play.incidents.some(({ transition }) => transition === "paged")).toBe(true);
  });
});
