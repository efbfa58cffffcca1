import { describe, expect, it } from "vitest";
import { type Cell, cellKey, parseCellKey } from "../../services/contracts/cell.ts";
import { locate } from "../../services/incident/attribution.ts";
import type { DimensionCounts } from "../../services/incident/other-dimension.ts";
import type { PlaceSample } from "../../services/incident/place-sample.ts";
import { aCell } from "../support/records.ts";

const regions = ["eu-west-1", "us-east-1", "us-west-2", "ap-southeast-1"];
const models: readonly (readonly [provider: string, model: string])[] = [
  ["openai", "gpt-4o"],
  ["openai", "gpt-4o-mini"],
  ["openai", "o4-mini"],
  ["anthropic", "claude-haiku"],
  ["anthropic", "claude-sonnet"],
  ["anthropic", "claude-opus"],
];
const fleet: readonly Cell[] = [
  ...models.flatMap(([provider, model]) =>
    regions.map((region) => aCell({ provider, model, region })),
  ),
  ...["POST /login", "POST /chat"].flatMap((operation) =>
    regions.map((region) => aCell({ kind: "http", provider: "api", model: "", region, operation })),
  ),
];

/** 1,000 requests a cell, 0.3 % bad in health, 30 % where it is hit. */
function samplesOf(isHit: (cell: Cell) => boolean, hitRatio = 0.3): PlaceSample[] {
  return fleet.map((cell) => {
    const bad = isHit(cell) ? 1_000 * hitRatio : 3;
    return {
      cell: cellKey(cell),
      usual: 1_000,
      of: 1_000,
      bad,
      expected: 3,
      strength: (bad - 3) / 1_000,
      doubt: Math.sqrt(bad + 1) / 1_000,
      isMember: isHit(cell),
    };
  });
}

describe("attribution", () => {
  it.each<[string, (cell: Cell) => boolean, Record<string, string>[]]>([
    [
      "all regions of one model",
      (c) => c.model === "claude-sonnet",
      [{ "gen_ai.request.model": "claude-sonnet" }],
    ],
    [
      "all models of one region",
      (c) => c.region === "eu-west-1",
      [{ "cloud.region": "eu-west-1" }],
    ],
    [
      "one model in one region",
      (c) => c.model === "gpt-4o" && c.region === "us-west-2",
      [{ "gen_ai.request.model": "gpt-4o", "cloud.region": "us-west-2" }],
    ],
    ["one provider", (c) => c.provider === "anthropic", [{ "gen_ai.provider.name": "anthropic" }]],
    [
      "one provider in one region",
      (c) => c.provider === "openai" && c.region === "us-east-1",
      [{ "gen_ai.provider.name": "openai", "cloud.region": "us-east-1" }],
    ],
    ["one route", (c) => c.operation === "POST /login", [{ "http.route": "/login" }]],
    [
      "two models of one provider",
      (c) => ["gpt-4o", "o4-mini"].includes(c.model),
      [{ "gen_ai.request.model": "gpt-4o" }, { "gen_ai.request.model": "o4-mini" }],
    ],
    [
      "a model and another region",
      (c) => c.model === "claude-opus" || c.region === "us-west-2",
      [{ "cloud.region": "us-west-2" }, { "gen_ai.request.model": "claude-opus" }],
    ],
    ["every model call", (c) => c.kind === "genai", []],
    ["the whole fleet", () => true, []],
    ["nothing", () => false, []],
  ])("names %s", (_, isHit, expected) => {
    expect(locate(samplesOf(isHit), {}).dimensions).toEqual(expected);
  });

  it("names the model when the application's own routes fail with it", () => {
    const samples = samplesOf((c) => c.model === "gpt-4o" || c.operation === "POST /chat");
    expect(locate(samples, {}).dimensions).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
  });

  it("leaves out cells that are too thin to tell", () => {
    const samples = samplesOf((c) => c.model === "gpt-4o").map((sample) =>
      sample.cell.includes("gpt-4o\u001fus-east-1")
        ? { ...sample, of: 4, bad: 0, expected: 0, strength: 0, doubt: 0.25 }
        : sample,
    );
    expect(locate(samples, {}).dimensions).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
  });

  it("leaves the model out of it when its other cells, each too thin to tell, are healthy together", () => {
    const isHit = (c: Cell) => c.model === "gpt-4o" && c.region === "us-east-1";
    const samples = samplesOf(isHit).map((sample, at) =>
      fleet[at]?.model === "gpt-4o" && !sample.isMember
        ? { ...sample, of: 10, bad: 0, expected: 0, strength: 0, doubt: 0.1 }
        : sample,
    );
    expect(locate(samples, {}).dimensions).toEqual([
      { "gen_ai.request.model": "gpt-4o", "cloud.region": "us-east-1" },
    ]);
  });

  /** Counts by value, with what each would have if values did not matter. */
  function dimension(name: string, values: Record<string, readonly [bad: number, of: number]>) {
    const bad = Object.values(values).reduce((sum, [count]) => sum + count, 0);
    const of = Object.values(values).reduce((sum, [, count]) => sum + count, 0);
    return {
      [name]: Object.fromEntries(
        Object.entries(values).map(([value, counts]) => [
          value,
          { bad: counts[0], of: counts[1], expected: (bad * counts[1]) / of },
        ]),
      ),
    };
  }
  const versions = (
    bad: readonly [number, number],
    of: readonly [number, number],
  ): DimensionCounts =>
    dimension("service.version", { "1.4.0": [bad[0], of[0]], "1.5.0": [bad[1], of[1]] });

  it("names the version that holds nearly all of it", () => {
    const place = locate(
      samplesOf((c) => c.kind === "genai", 0.05),
      versions([20, 900], [9_000, 3_000]),
    );
    expect(place.dimensions).toEqual([{ "service.version": "1.5.0" }]);
  });

  it("names one instance of eight after six failures that are all its own, not after four of them", () => {
    const instances = (bad: number) =>
      dimension(
        "service.instance.id",
        Object.fromEntries(
          Array.from({ length: 8 }, (_, at) => [`i${at}`, [at === 3 ? bad : 0, 200] as const]),
        ),
      );
    const samples = samplesOf((c) => c.operation === "POST /chat", 0.05);
    expect(locate(samples, instances(6)).dimensions).toEqual([
      { "http.route": "/chat", "service.instance.id": "i3" },
    ]);
    expect(locate(samples, instances(4)).dimensions).toEqual([{ "http.route": "/chat" }]);
  });

  it("names the region where routes fail and its model calls do, though no single cell of these for sure", () => {
    const inRegion = (c: Cell) => c.region === "eu-west-1";
    const samples = samplesOf((c) => c.kind === "http" && inRegion(c), 0.1).map((sample, at) =>
      fleet[at]?.kind === "genai" && inRegion(fleet[at] as Cell)
        ? { ...sample, of: 60, bad: 6, expected: 0.2, strength: 0.1, doubt: 0.06 }
        : sample,
    );
    expect(locate(samples, {}).dimensions).toEqual([{ "cloud.region": "eu-west-1" }]);
  });

  it("says everywhere when calls fail too, however many requests flood the routes before them", () => {
    const samples = samplesOf((c) => c.kind === "http", 0.3).map((sample, at) =>
      fleet[at]?.kind === "genai"
        ? { ...sample, bad: 40, strength: 0.037, doubt: 0.006 }
        : { ...sample, of: 6_000, bad: 1_800 },
    );
    expect(locate(samples, {}).dimensions).toEqual([]);
  });

  it("names a region once, though several of its routes fail and one does not", () => {
    const inRegion = (c: Cell) => c.region === "eu-west-1";
    const samples = samplesOf((c) => inRegion(c) && c.operation === "POST /login", 0.1).map(
      (sample, at) =>
        fleet[at]?.kind === "genai" && inRegion(fleet[at] as Cell)
          ? { ...sample, of: 60, bad: 6, expected: 0.2, strength: 0.1, doubt: 0.06 }
          : sample,
    );
    const search = samples
      .filter(({ cell }) => cell.endsWith("POST /login"))
      .map((sample) => ({
        ...sample,
        cell: cellKey({ ...parseCellKey(sample.cell), operation: "POST /search" }),
      }));
    expect(locate([...samples, ...search], {}).dimensions).toEqual([
      { "cloud.region": "eu-west-1" },
    ]);
  });

  it("does not say everywhere for one cell because nothing is sure of the others", () => {
    const one = (c: Cell) => c.model === "gpt-4o" && c.region === "eu-west-1";
    const samples = samplesOf(one).map((sample) =>
      sample.isMember ? sample : { ...sample, of: 4, bad: 1, strength: 0.25, doubt: 0.35 },
    );
    expect(locate(samples, {}).dimensions).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
  });

  it("names what is degraded when counts say nothing of it", () => {
    const samples = samplesOf((c) => c.region === "us-west-2").map((sample) => ({
      ...sample,
      bad: 3,
      strength: 0,
    }));
    expect(locate(samples, {}).dimensions).toEqual([{ "cloud.region": "us-west-2" }]);
  });

  it("names the cell that is slower by its level, though no more of its requests are slow", () => {
    const one = (c: Cell) => c.model === "gpt-4o" && c.region === "eu-west-1";
    const samples = samplesOf(one).map((sample) =>
      sample.isMember
        ? { ...sample, bad: 3, strength: 1.1, doubt: 0.2 }
        : { ...sample, of: 4, bad: 0, strength: 0, doubt: 0.9 },
    );
    expect(locate(samples, {}).dimensions).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
  });

  it("names the model and the version when it takes both", () => {
    const place = locate(
      samplesOf((c) => c.model === "gpt-4o"),
      versions([5, 400], [3_000, 1_000]),
    );
    expect(place.dimensions).toEqual([
      { "gen_ai.request.model": "gpt-4o", "service.version": "1.5.0" },
    ]);
  });

  it.each<[string, DimensionCounts]>([
    ["that fails like the others", versions([300, 100], [3_000, 1_000])],
    ["that is the only one", dimension("k8s.cluster.name", { one: [900, 3_000] })],
    [
      "that says what rather than where",
      dimension("error.type", { timeout: [300, 300], "500": [10, 3_000] }),
    ],
    [
      "that only stands for a region",
      {
        "k8s.cluster.name": {
          east: { bad: 900, of: 3_000, expected: 900 },
          west: { bad: 3, of: 1_000, expected: 3 },
        },
      },
    ],
  ])("does not name a value %s", (_, dimensions) => {
    expect(
      locate(
        samplesOf((c) => c.model === "gpt-4o"),
        dimensions,
      ).dimensions,
    ).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
  });

  it("counts beside every share", () => {
    const place = locate(
      samplesOf((c) => c.model === "gpt-4o"),
      {},
    );
    expect(place.attribution[0]).toEqual({
      dimension: "gen_ai.request.model",
      value: "gpt-4o",
      bad: 1_188,
      of: 4_000,
      share: 1,
      expectedShare: 4 / 24,
      isNamed: true,
    });
  });
});
