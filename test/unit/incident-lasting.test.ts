import { describe, expect, it } from "vitest";
import {
  fleetCells,
  fleetStartMs,
  fleetWindowMs,
  IncidentPlay,
  warmUp,
} from "../support/incident-fleet.ts";

const minute = 60_000 / fleetWindowMs;
/** One request of a cell's sixty in every other window: .8 % of them, never enough in one cell at one time. */
const now = (cell: { readonly model: string; readonly region: string }, window: number) => {
  const turn = fleetCells.findIndex(
    ({ model, region }) => model === cell.model && region === cell.region,
  );
  return (window + turn) % 2 === 0 ? { failing: 1 / 60 } : {};
};

function played(
  hits: (cell: { readonly provider: string; readonly kind: string }) => boolean,
  minutes: number,
) {
  const play = new IncidentPlay();
  play.play(warmUp + 30 * minute);
  play.play(minutes * minute, (cell, window) => (hits(cell) ? now(cell, window) : {}));
  return play;
}

describe("what is small, in much of the traffic, and does not end", () => {
  it("is one ticket, then one page, and names all of it", () => {
    const play = played(({ kind }) => kind === "genai", 90);
    const told = play.incidents.filter(({ transition }) => transition !== "grew");
    expect(told.map(({ transition }) => transition)).toEqual(["opened", "ticketed", "paged"]);
    const page = told.at(-1);
    expect(page?.dimensions).toEqual([]);
    expect(page?.reason).toContain("does not end");
    expect(page?.title).toMatch(/^Everywhere: [01](\.\d)? % of requests failing/);
    expect(page?.degradedCells).toBe(12);
  });

  it("is over some minutes after it has ended, and is not told again", () => {
    const play = played(({ kind }) => kind === "genai", 60);
    const before = play.incidents.length;
    play.play(60 * minute);
    const after = play.incidents.slice(before);
    expect(after.map(({ transition }) => transition)).toEqual(["resolved"]);
    const endMs = fleetStartMs + (warmUp + 90 * minute) * fleetWindowMs;
    expect(after[0]?.resolvedMs).toBeGreaterThan(endMs);
    expect(after[0]?.resolvedMs).toBeLessThan(endMs + 10 * 60_000);
  });

  it("names the provider that has it, not its neighbours", () => {
    const play = played(({ provider, kind }) => kind === "genai" && provider === "openai", 90);
    const page = play.incidents.find(({ transition }) => transition === "paged");
    expect(page?.dimensions).toEqual([{ "gen_ai.provider.name": "openai" }]);
    expect(page?.degradedCells).toBe(6);
  });

  it("is nothing where it is as usual from the first window on", () => {
    const play = new IncidentPlay();
    play.play(warmUp + 4 * 60 * minute, now);
    expect(play.incidents).toEqual([]);
  });
});
