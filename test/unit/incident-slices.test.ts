import { describe, expect, it } from "vitest";
import type { Cell } from "../../services/contracts/cell.ts";
import type { CellFrame } from "../../services/contracts/frame.ts";
import type { Incident } from "../../services/contracts/incident.ts";
import { IncidentPlay, type TroubleAt, warmUp } from "../support/incident-fleet.ts";

const minute = 12;
const pages = (incidents: readonly Incident[]) =>
  incidents.filter(({ transition }) => transition === "paged");

type Dimensions = CellFrame["dimensions"];

/** Requests and failures by value of one dimension. */
function counts(dimension: string, values: Readonly<Record<string, [number, number]>>): Dimensions {
  return [
    {
      dimension,
      values: Object.entries(values).map(([value, [requests, failures]]) => ({
        value,
        requests,
        failures,
        limited: 0,
        slow: 0,
      })),
    },
  ];
}

const cells: readonly string[] = ["gpt-4o", "o4-mini", "claude-haiku", "claude-sonnet"];

/** One failing request in 60 of one model after the other, told with its values; all other windows tell of none. */
function oneInTurn(values: (window: number) => Readonly<Record<string, [number, number]>>) {
  return (dimension: string): TroubleAt =>
    ({ model, region }: Cell, window) =>
      region === "eu-west-1" && model === cells[window % cells.length]
        ? { failing: 1 / 60, dimensions: counts(dimension, values(window)) }
        : {};
}

describe("what fails in one version, instance or tier", () => {
  it("pages and names the version when its requests fail in every cell a little", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    const bad = oneInTurn(() => ({ "2026.11.1": [59, 0], "2026.11.2": [1, 1] }));
    play.play(6 * minute, bad("service.version"));
    const [page] = pages(play.incidents);
    expect(page?.dimensions).toEqual([{ "service.version": "2026.11.2" }]);
    expect(page?.title).toBe("service.version 2026.11.2: 100 % of requests failing");
    expect(page?.reason).toContain("service.version 2026.11.2");
  });

  it("goes on to name the version when that spreads after it has lasted", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    const values: Readonly<Record<string, [number, number]>> = {
      "2026.11.1": [57, 0],
      "2026.11.2": [3, 1],
    };
    play.play(6 * minute, oneInTurn(() => values)("service.version"));
    const bad = { failing: 1 / 60, dimensions: counts("service.version", values) };
    play.play(40 * minute, ({ provider }) => (provider === "openai" ? bad : {}));
    play.play(12 * minute, ({ kind }) => (kind === "genai" ? bad : {}));
    const told = play.incidents.filter(({ severity }) => severity === "page");
    expect(told.map(({ transition }) => transition)).toEqual(["paged", "grew"]);
    for (const one of told) expect(one.dimensions).toEqual([{ "service.version": "2026.11.2" }]);
  });

  it("names the version where its first process has all of its requests", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    const told = (version: string, instance: string): TroubleAt => {
      const dimensions = [
        ...counts("service.instance.id", { [instance]: [1, 1], other: [59, 0] }),
        ...counts("service.version", { [version]: [1, 1], other: [59, 0] }),
      ];
      return ({ model, region }, window) =>
        region === "eu-west-1" && model === cells[window % cells.length]
          ? { failing: 1 / 60, dimensions }
          : {};
    };
    // Requests of the version before fail now and then, in one process or the other.
    for (const instance of ["a1", "a2", "a3"]) play.play(1, told("2026.11.1", instance));
    play.play(6 * minute, told("2026.11.2", "a4"));
    const [page] = pages(play.incidents);
    expect(page?.dimensions).toEqual([{ "service.version": "2026.11.2" }]);
  });

  it("does not page when the same failures are spread over versions as requests are", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    const spread = oneInTurn((window) =>
      window % 2 === 0
        ? { "2026.11.1": [30, 1], "2026.11.2": [30, 0] }
        : { "2026.11.1": [30, 0], "2026.11.2": [30, 1] },
    );
    play.play(30 * minute, spread("service.version"));
    expect(pages(play.incidents)).toEqual([]);
  });

  it("does not page for an instance that stops and starts again", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    for (let instance = 0; instance < 6; instance++)
      play.play(
        2 * minute,
        oneInTurn(() => ({ others: [55, 0], [`instance-${instance}`]: [5, 1] }))(
          "service.instance.id",
        ),
      );
    expect(pages(play.incidents)).toEqual([]);
  });

  it("takes no page from a kind of error, which says what happened and not where", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    const kinds = oneInTurn(() => ({ "": [59, 0], timeout: [1, 1] }));
    play.play(10 * minute, kinds("error.type"));
    expect(pages(play.incidents)).toEqual([]);
  });

  it("learns that a tier has more failures than others", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    // Two of three failing requests are of a fifth of the requests, for hours, an hour apart.
    const usual = (window: number): Readonly<Record<string, [number, number]>> =>
      window % 3 === 0 ? { free: [12, 0], pro: [48, 1] } : { free: [12, 1], pro: [48, 0] };
    play.play(90 * minute, (cell, window) =>
      window % 4 === 0 ? oneInTurn(usual)("openai.request.service_tier")(cell, window) : {},
    );
    expect(pages(play.incidents)).toEqual([]);
  });

  it("says that it is over once nothing of it fails", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    const bad = oneInTurn(() => ({ "2026.11.1": [59, 0], "2026.11.2": [1, 1] }));
    play.play(6 * minute, bad("service.version"));
    expect(pages(play.incidents)).toHaveLength(1);
    play.play(12 * minute);
    expect(play.incidents.at(-1)?.transition).toBe("resolved");
  });
});
