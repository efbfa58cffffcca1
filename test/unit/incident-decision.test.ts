import { describe, expect, it } from "vitest";
import type { Incident } from "../../services/contracts/incident.ts";
import {
  fleetCells,
  fleetWindowMs,
  IncidentPlay,
  type TroubleAt,
  warmUp,
} from "../support/incident-fleet.ts";

const minute = 60_000 / fleetWindowMs;
const pages = (incidents: readonly Incident[]) =>
  incidents.filter(({ transition }) => transition === "paged");
const said = (incidents: readonly Incident[]) => incidents.map(({ transition }) => transition);

function warm(): IncidentPlay {
  const play = new IncidentPlay();
  expect(play.play(warmUp)).toEqual([]);
  return play;
}

describe("what pages", () => {
  it("pages within a minute when a model fails entirely, and names the model alone", () => {
    const play = warm();
    play.play(minute, ({ model }) => (model === "gpt-4o" ? { failing: 0.9 } : {}));
    expect(said(play.incidents).slice(0, 2)).toEqual(["opened", "paged"]);
    const [page] = pages(play.incidents);
    expect(page?.dimensions).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
    expect(page?.cells).toHaveLength(3);
    expect(page?.title).toMatch(/^gpt-4o: \d+ % of requests failing/);
    expect(page?.evidence.every(({ signal }) => signal === "failures")).toBe(true);
  });

  it("counts a request once, though it was refused, failed and was late", () => {
    const play = warm();
    const refused = { requests: 3, failures: 3, limited: 3, slow: 3 };
    const dimensions = [
      {
        dimension: "error.type",
        values: [
          { value: "RateLimitError", ...refused },
          { value: "", requests: 30, failures: 0, limited: 0, slow: 0 },
        ],
      },
    ];
    play.play(minute, ({ model }) => (model === "gpt-4o" ? { failing: 0.9, dimensions } : {}));
    const [page] = pages(play.incidents);
    const told = page?.attribution.filter(({ value }) => value === "RateLimitError") ?? [];
    expect(told.map(({ bad, of }) => bad === of)).toEqual([true]);
  });

  it("names model and region when one cell fails", () => {
    const play = warm();
    play.play(2 * minute, ({ model, region }) =>
      model === "gpt-4o" && region === "eu-west-1" ? { failing: 0.5 } : {},
    );
    expect(pages(play.incidents).map(({ dimensions }) => dimensions)).toEqual([
      [{ "gen_ai.request.model": "gpt-4o", "cloud.region": "eu-west-1" }],
    ]);
  });

  it("pages for failing logins before anything else fails", () => {
    const play = warm();
    play.play(4 * minute, ({ kind }) => (kind === "http" ? { authFailing: 0.2 } : {}));
    const [page] = pages(play.incidents);
    expect(page?.leadingSignal).toBe("auth_failures");
    expect(page?.dimensions).toEqual([{ "service.name": "api" }]);
  });

  it("pages for a failing ratio that rises to the paging ratio, before a fifth of requests fail", () => {
    const play = warm();
    const start = play.window;
    const failing: TroubleAt = (_, window) => ({ failing: ((window - start) / minute) * 0.01 });
    play.play(19 * minute, failing);
    const [page] = pages(play.incidents);
    expect(page?.dimensions).toEqual([]);
    expect(((page?.windowStartMs ?? 0) - 1_800_000_000_000) / fleetWindowMs - start).toBeLessThan(
      10 * minute,
    );
  });

  it("pages on latency that rises for a quarter of an hour, with a forecast and no failing request", () => {
    const play = warm();
    play.play(15 * minute);
    const start = play.window;
    play.play(30 * minute, ({ provider }, window) =>
      provider === "anthropic" ? { slower: 1 + 0.03 * ((window - start) / minute) } : {},
    );
    const [page] = pages(play.incidents);
    expect(page?.leadingSignal).toBe("ttft");
    expect(page?.dimensions).toEqual([{ "gen_ai.provider.name": "anthropic" }]);
    expect(page?.forecast).not.toBeNull();
    expect(page?.forecast?.breachLowMs).toBeLessThanOrEqual(page?.forecast?.breachMedianMs ?? 0);
    expect(page?.reason).toContain("rising");
  });

  it("tells how long is left once that can be said, though the page could not", () => {
    const play = warm();
    play.play(10 * minute, () => ({ failing: 0.06 }));
    const [page] = pages(play.incidents);
    expect(page?.forecast).toBeNull();
    const start = play.window;
    play.play(20 * minute, (_, window) => ({
      failing: 0.06 + 0.005 * ((window - start) / minute),
    }));
    const told = play.incidents.filter(({ forecast }) => forecast !== null);
    expect(said(told)).toEqual(["grew"]);
    expect(told[0]?.forecast?.what).toBe("20 % of users failing");
  });

  it("pages when a model takes more than twice as long for five minutes, though nothing rises or fails", () => {
    const play = warm();
    play.play(15 * minute);
    const start = play.window;
    play.play(12 * minute, ({ model }) => (model === "gpt-4o" ? { slower: 2.5 } : {}));
    const [page] = pages(play.incidents);
    expect(page?.dimensions).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
    expect(page?.leadingSignal).toBe("ttft");
    expect(page?.reason).toMatch(/^Latency \d\.\d× for 5 min over model gpt-4o/);
    const after = ((page?.windowStartMs ?? 0) - 1_800_000_000_000) / fleetWindowMs - start;
    expect(after).toBeGreaterThanOrEqual(4 * minute);
    expect(after).toBeLessThan(8 * minute);
  });

  it("pages when a model refuses nearly everybody's requests as invalid, and names it", () => {
    const play = warm();
    play.play(3 * minute, ({ model }) => (model === "gpt-4o" ? { invalid: 0.95 } : {}));
    const [page] = pages(play.incidents);
    expect(page?.dimensions).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
    expect(page?.leadingSignal).toBe("client_errors");
    expect(page?.reason).toMatch(/refused as invalid .* whoever sends them$/);
  });

  it("pages when rate limits hit many tenants", () => {
    const play = warm();
    play.play(3 * minute, ({ kind }) => (kind === "genai" ? { limited: 0.4 } : {}));
    expect(pages(play.incidents)).toHaveLength(1);
  });

  it("pages when most requests are refused for quota and nobody knows whose they are", () => {
    const play = warm();
    play.play(5 * minute, () => ({ limited: 0.6, namesNoTenants: true }));
    expect(pages(play.incidents)).toHaveLength(1);
  });
});

describe("what does not page", () => {
  it.each<[string, TroubleAt, number]>([
    [
      "one tenant's rate limits, a third of all requests",
      () => ({ limited: 0.3, limitedTenants: 1 }),
      20,
    ],
    [
      "rate limits for a quarter of all requests, nobody knows whose",
      () => ({ limited: 0.25, namesNoTenants: true }),
      20,
    ],
    ["client mistakes of one version", () => ({ invalid: 0.4 }), 20],
    [
      "client mistakes of one tenant that sends nearly all",
      () => ({ invalid: 0.9, tenants: 3 }),
      20,
    ],
    ["client mistakes, nobody knows whose", () => ({ invalid: 0.9, namesNoTenants: true }), 20],
    ["a deploy: 1 % errors for three minutes", () => ({ failing: 0.01 }), 3],
    ["a deploy: first tokens 50 % slower for ten minutes", () => ({ slower: 1.5 }), 10],
    ["first tokens slower because prompts are longer", () => ({ slower: 2, longerPrompts: 4 }), 30],
    ["three times the traffic", () => ({ requests: 180 }), 20],
    ["a third of the traffic", () => ({ requests: 20 }), 20],
    ["a gap of two minutes in everything", () => ({ requests: 0 }), 2],
    [
      "one cell that falls silent",
      ({ model, region }) => (model === "gpt-4o" && region === "eu-west-1" ? { requests: 0 } : {}),
      15,
    ],
  ])("%s", (_, trouble, minutes) => {
    const play = warm();
    play.play(15 * minute);
    play.play(minutes * minute, trouble);
    play.play(15 * minute);
    expect(pages(play.incidents)).toEqual([]);
  });

  it("one error in six at night", () => {
    const play = warm();
    const start = play.window;
    // The night falls within half an hour. Every cell on its own: one failure in its six requests of three windows, now and then.
    play.play(90 * minute, (cell, window) => ({
      requests: Math.max(2, Math.round(60 * (1 - (window - start) / (30 * minute)))),
      failing: (window + fleetCells.indexOf(cell) * 13) % 101 === 0 ? 0.5 : 0,
    }));
    expect(pages(play.incidents)).toEqual([]);
  });

  it("prompts that grow over a quarter of an hour", () => {
    const play = warm();
    play.play(15 * minute);
    const start = play.window;
    play.play(25 * minute, ({ kind }, window) => {
      const part = Math.min(1, (window - start) / (15 * minute));
      return kind === "genai" ? { slower: 1 + 1.2 * part, longerPrompts: 1 + 3 * part } : {};
    });
    expect(pages(play.incidents)).toEqual([]);
    expect(play.incidents.find(({ transition }) => transition === "ticketed")?.reason).toContain(
      "prompts are",
    );
  });

  it("says in a ticket why it is none", () => {
    const play = warm();
    play.play(5 * minute, () => ({ limited: 0.3, limitedTenants: 1 }));
    const tickets = play.incidents.filter(({ transition }) => transition === "ticketed");
    expect(tickets).toHaveLength(1);
    expect(tickets[0]?.reason).toBe(
      "Not a page: as far as telemetry names tenants, the rate limits hit few, not the service's users at large",
    );
  });
});

describe("silence", () => {
  it("pages when nothing at all is heard for five minutes, and says that it may be the way here", () => {
    const play = warm();
    play.play(6 * minute, () => ({ requests: 0 }));
    const [page] = pages(play.incidents);
    expect(page?.title).toMatch(/^Foreshock sees no telemetry/);
    expect(page?.reason).toContain("can not be told from here");
    expect(page?.leadingSignal).toBe("traffic");
  });

  it("opens a ticket for a busy cell without requests", () => {
    const play = warm();
    play.play(10 * minute, ({ model, region }) =>
      model === "gpt-4o" && region === "eu-west-1" ? { requests: 0 } : {},
    );
    const [ticket] = play.incidents.filter(({ transition }) => transition === "ticketed");
    expect(ticket?.title).toMatch(/^gpt-4o in eu-west-1: no requests for/);
    expect(pages(play.incidents)).toEqual([]);
  });

  it("resolves nothing while there are no requests", () => {
    const play = warm();
    play.play(2 * minute, ({ model }) => (model === "gpt-4o" ? { failing: 0.9 } : {}));
    const gap = play.play(4 * minute, ({ model }) => (model === "gpt-4o" ? { requests: 0 } : {}));
    expect(said(gap)).not.toContain("resolved");
    const after = play.play(10 * minute);
    expect(said(after)).toContain("resolved");
  });
});

describe("a trickle that fails", () => {
  it("does not resolve an incident, though one request a window is no evidence", () => {
    const play = warm();
    play.play(2 * minute, ({ model }) => (model === "gpt-4o" ? { failing: 0.9 } : {}));
    const trickle = play.play(10 * minute, ({ model }) =>
      model === "gpt-4o" ? { requests: 1, failing: 1 } : {},
    );
    expect(said(trickle)).not.toContain("resolved");
    expect(said(play.play(10 * minute))).toContain("resolved");
  });
});

describe("one incident or two", () => {
  it("is one for all cells of a model", () => {
    const play = warm();
    play.play(5 * minute, ({ model }) => (model === "claude-haiku" ? { failing: 0.3 } : {}));
    expect(new Set(play.incidents.map(({ incident }) => incident)).size).toBe(1);
  });

  it("is one when trouble begins all over the fleet", () => {
    const play = warm();
    play.play(5 * minute, () => ({ failing: 0.3 }));
    expect(pages(play.incidents)).toHaveLength(1);
  });

  it("is two for troubles that share nothing", () => {
    const play = warm();
    const first: TroubleAt = ({ model, region }) =>
      model === "gpt-4o" && region === "eu-west-1" ? { failing: 0.4 } : {};
    play.play(10 * minute, first);
    play.play(5 * minute, (cell, window) =>
      cell.model === "claude-haiku" && cell.region === "us-east-1"
        ? { failing: 0.4 }
        : first(cell, window),
    );
    expect(pages(play.incidents).map(({ dimensions }) => dimensions)).toEqual([
      [{ "gen_ai.request.model": "gpt-4o", "cloud.region": "eu-west-1" }],
      [{ "gen_ai.request.model": "claude-haiku", "cloud.region": "us-east-1" }],
    ]);
  });

  it("keeps its id when it comes again soon, and takes a new one later", () => {
    const play = warm();
    const trouble: TroubleAt = ({ model }) => (model === "gpt-4o" ? { failing: 0.5 } : {});
    play.play(3 * minute, trouble);
    play.play(8 * minute);
    play.play(3 * minute, trouble);
    play.play(45 * minute);
    play.play(3 * minute, trouble);
    const opened = play.incidents.filter(({ transition }) => transition === "opened");
    expect(opened).toHaveLength(3);
    expect(opened[1]?.incident).toBe(opened[0]?.incident);
    expect(opened[2]?.incident).not.toBe(opened[0]?.incident);
  });

  it("says that it grew once its cells have doubled", () => {
    const play = warm();
    play.play(6 * minute, ({ model, region }) =>
      model === "gpt-4o" && region === "eu-west-1" ? { failing: 0.4 } : {},
    );
    play.play(6 * minute, ({ model }) => (model === "gpt-4o" ? { failing: 0.4 } : {}));
    const grew = play.incidents.filter(({ transition }) => transition === "grew");
    expect(grew).toHaveLength(1);
    expect(grew[0]?.dimensions).toEqual([{ "gen_ai.request.model": "gpt-4o" }]);
  });
});
