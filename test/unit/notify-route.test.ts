import { describe, expect, it } from "vitest";
import type { Incident } from "../../services/contracts/incident.ts";
import {
  type RouteInput,
  route,
  type Told,
  toldAfter,
  untold,
} from "../../services/notify/route.ts";
import { anIncident } from "../support/incidents.ts";

const nowMs = 1_800_000_000_000;
const renotifyMs = 240 * 60_000;

const aQuestion = (
  incident: Partial<Incident>,
  told: Partial<Told> | undefined,
  rest: Partial<RouteInput> = {},
): RouteInput => ({
  tracked: {
    incident: anIncident({ incident: "i1", revision: 4, ...incident }),
    place: {},
    told:
      told === undefined ? {} : { hook: { ...untold, hasForecast: true, atMs: nowMs, ...told } },
  },
  sink: { name: "hook", minimumSeverity: "ticket" },
  silences: [],
  isAcknowledged: false,
  renotifyMs,
  nowMs,
  ...rest,
});

describe("route", () => {
  it("tells a new page under a key of incident, transition and sink", () => {
    expect(route(aQuestion({ severity: "page" }, undefined))).toEqual({
      send: true,
      why: "severity_rose",
      transition: "paged",
      key: "i1/paged/hook",
    });
  });

  it("tells a ticket, and the page that it becomes", () => {
    expect(route(aQuestion({ severity: "ticket" }, undefined))).toMatchObject({
      send: true,
      transition: "ticketed",
    });
    expect(route(aQuestion({ severity: "page" }, { severities: ["ticket"] }))).toMatchObject({
      send: true,
      why: "severity_rose",
      transition: "paged",
    });
  });

  it("tells nobody of what is pending", () => {
    expect(route(aQuestion({ phase: "pending", severity: "none" }, undefined))).toEqual({
      send: false,
      why: "nobody_to_be_told",
    });
  });

  it("keeps tickets from a sink that takes pages only", () => {
    const sink = { name: "hook", minimumSeverity: "page" } as const;
    expect(route(aQuestion({ severity: "ticket" }, undefined, { sink }))).toEqual({
      send: false,
      why: "below_minimum_severity",
    });
  });

  it("says the same thing once, and not again when the severity falls", () => {
    const told = { severities: ["page"], degradedCells: 3 } as const;
    expect(route(aQuestion({ severity: "page" }, { ...told, severities: ["page"] }))).toEqual({
      send: false,
      why: "already_told",
    });
    expect(
      route(aQuestion({ severity: "ticket" }, { ...told, severities: ["page"] })),
    ).toMatchObject({ send: false, why: "already_told" });
  });

  it("tells growth by half, under its revision, and not growth by less", () => {
    const told = { severities: ["page" as const], degradedCells: 4 };
    expect(route(aQuestion({ degradedCells: 6 }, told))).toEqual({
      send: true,
      why: "grew_much",
      transition: "grew",
      key: "i1/r4/hook",
    });
    expect(route(aQuestion({ degradedCells: 5 }, told))).toMatchObject({ why: "already_told" });
  });

  it("tells again when three times as many fail, but not of little, nor where it was never known", () => {
    const paged = { severities: ["page" as const], degradedCells: 4 };
    const why = (failing: number, told: number | undefined) =>
      route(aQuestion({ degradedCells: 4, failing }, { ...paged, failing: told })).why;
    expect(why(0.06, 0)).toBe("grew_much");
    expect(why(0.3, 0.08)).toBe("grew_much");
    expect(why(0.2, 0.08)).toBe("already_told");
    expect(why(0.04, 0.01)).toBe("already_told");
    expect(why(0.9, undefined)).toBe("already_told");
  });

  it("tells of a place that a page did not name, each once, and of no part of one that it did", () => {
    const region = { "cloud.region": "eu-west-1" };
    const model = { "gen_ai.request.model": "gpt-4o" };
    const page = { severities: ["page" as const], degradedCells: 9, places: [model] };
    const why = (dimensions: Incident["dimensions"], told: Partial<Told> = page) =>
      route(aQuestion({ severity: "page", dimensions }, told)).why;
    expect(why([model])).toBe("already_told");
    expect(why([{ ...model, ...region }])).toBe("already_told");
    expect(why([model, region])).toBe("place_named");
    expect(why([])).toBe("place_named");
    expect(why([region], { ...page, places: undefined })).toBe("already_told");
    const ticket = { ...page, severities: ["ticket" as const] };
    expect(route(aQuestion({ severity: "ticket", dimensions: [region] }, ticket))).toMatchObject({
      why: "already_told",
    });

    const { tracked } = aQuestion({ severity: "page", dimensions: [model, region] }, page);
    const told = toldAfter(tracked, "hook", { transition: "grew", nowMs });
    expect(told.places).toEqual([model, region]);
    expect(why([region, model], told)).toBe("already_told");
    expect(
      why(
        [],
        toldAfter(aQuestion({ dimensions: [] }, page).tracked, "hook", {
          transition: "grew",
          nowMs,
        }),
      ),
    ).toBe("already_told");
  });

  it("tells how long is left to whom was paged without a forecast, once, and not to whom has a ticket", () => {
    const page = { severities: ["page" as const], degradedCells: 9, hasForecast: false };
    const question = aQuestion({ severity: "page" }, page);
    expect(route(question)).toEqual({
      send: true,
      why: "forecast_made",
      transition: "grew",
      key: "i1/r4/hook",
    });
    const told = toldAfter(question.tracked, "hook", { transition: "grew", nowMs });
    expect(route(aQuestion({ severity: "page" }, told))).toMatchObject({ why: "already_told" });
    expect(route(aQuestion({ severity: "page", forecast: null }, page))).toMatchObject({
      why: "already_told",
    });
    const ticket = { ...page, severities: ["ticket" as const] };
    expect(route(aQuestion({ severity: "ticket" }, ticket))).toMatchObject({ why: "already_told" });
  });

  it("tells the end to whom the beginning was told, once", () => {
    const over = { phase: "resolved", transition: "resolved" } as const;
    expect(route(aQuestion(over, { severities: ["page"] }))).toMatchObject({
      send: true,
      key: "i1/resolved/hook",
    });
    expect(route(aQuestion(over, { severities: ["page"], isResolved: true }))).toMatchObject({
      why: "already_told",
    });
    expect(route(aQuestion(over, undefined))).toEqual({ send: false, why: "never_told" });
  });

  it("tells an incident that opens again after its end was told, and that end too, under keys of their own", () => {
    const over = { severities: ["page" as const], degradedCells: 9, isResolved: true };
    const again = aQuestion({ severity: "page", degradedCells: 2 }, over);
    expect(route(again)).toEqual({
      send: true,
      why: "severity_rose",
      transition: "paged",
      key: "i1/paged-2/hook",
    });
    const told = toldAfter(again.tracked, "hook", { transition: "paged", nowMs });
    expect(told).toMatchObject({ severities: ["page"], isResolved: false, degradedCells: 2 });
    expect(route(aQuestion({ severity: "page", degradedCells: 2 }, told))).toMatchObject({
      why: "already_told",
    });
    expect(route(aQuestion({ phase: "resolved" }, told))).toMatchObject({
      send: true,
      key: "i1/resolved-2/hook",
    });
    expect(route(aQuestion({ phase: "pending", severity: "none" }, over))).toMatchObject({
      why: "nobody_to_be_told",
    });
  });

  it("pages again when nobody acknowledged in time, counting the repeats in the key", () => {
    const told = { severities: ["page" as const], degradedCells: 3, atMs: nowMs - renotifyMs };
    expect(route(aQuestion({}, told))).toEqual({
      send: true,
      why: "not_acknowledged_in_time",
      transition: "renotified",
      key: "i1/renotified/hook",
    });
    expect(route(aQuestion({}, { ...told, renotified: 1 }))).toMatchObject({
      key: "i1/renotified-2/hook",
    });
    expect(route(aQuestion({}, { ...told, atMs: told.atMs + 1 }))).toMatchObject({ send: false });
    expect(route(aQuestion({}, told, { isAcknowledged: true }))).toEqual({
      send: false,
      why: "acknowledged",
    });
  });

  it("never pages a ticket again", () => {
    const told = { severities: ["ticket" as const], degradedCells: 3, atMs: 0 };
    expect(route(aQuestion({ severity: "ticket" }, told))).toMatchObject({ why: "already_told" });
  });

  it("holds back what a silence covers, puts that on record once, and tells it when the silence is over", () => {
    const silences = [{ id: "s1", matchers: {}, untilMs: nowMs + 1 }];
    const held = route(aQuestion({}, undefined, { silences }));
    expect(held).toEqual({
      send: false,
      why: "silenced",
      transition: "paged",
      key: "i1/silenced/paged/hook",
      record: true,
    });
    const silencedKeys = ["i1/silenced/paged/hook"];
    expect(route(aQuestion({}, { silencedKeys }, { silences }))).toMatchObject({ record: false });
    expect(route(aQuestion({}, { silencedKeys }, { silences, nowMs: nowMs + 1 }))).toEqual({
      send: true,
      why: "silence_over",
      transition: "paged",
      key: "i1/paged/hook",
    });
  });

  it("tells the end also under a silence", () => {
    const silences = [{ id: "s1", matchers: {}, untilMs: nowMs + 1 }];
    expect(
      route(aQuestion({ phase: "resolved" }, { severities: ["page"] }, { silences })),
    ).toMatchObject({ send: true, why: "resolved" });
  });
});
