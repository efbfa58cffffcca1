/** Walks the incident stage through random days of a small fleet and checks what must hold of every record. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cell, cellKey } from "../../services/contracts/cell.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { frameRecord } from "../../services/contracts/frame.ts";
import { type Incident, incidentRecord, severities } from "../../services/contracts/incident.ts";
import {
  fleetCells,
  fleetStartMs,
  fleetWindowMs,
  IncidentPlay,
  makeIncident,
  regions,
  stepFrame,
  type Trouble,
  warmUp,
} from "../support/incident-fleet.ts";

/** A stretch of time in which some cells have some trouble. */
interface Stretch {
  readonly windows: number;
  readonly where: "one" | "model" | "region" | "logins" | "all" | "nowhere";
  readonly place: number;
  readonly trouble: Trouble;
}

const troubles: readonly Trouble[] = [
  { failing: 0.9 },
  { failing: 0.12 },
  { failing: 0.01 },
  { slower: 1.6 },
  { slower: 3, failing: 0.05 },
  { authFailing: 0.3 },
  { limited: 0.5 },
  { limited: 0.3, limitedTenants: 1 },
  { invalid: 0.5 },
  { requests: 0 },
  { requests: 1, failing: 1 },
];

const stretch: fc.Arbitrary<Stretch> = fc.record({
  windows: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 8, max: 90 })),
  where: fc.constantFrom("one", "model", "region", "logins", "all", "nowhere"),
  place: fc.nat(fleetCells.length - 1),
  trouble: fc.constantFrom(...troubles),
});

function isIn({ where, place }: Stretch, cell: Cell): boolean {
  const chosen = fleetCells[place];
  switch (where) {
    case "one":
      return cell === chosen;
    case "model":
      return cell.kind === "genai" && cell.model === chosen?.model;
    case "region":
      return cell.region === regions[place % regions.length];
    case "logins":
      return cell.kind === "http";
    case "all":
      return true;
    case "nowhere":
      return false;
  }
}

/**
 * Signals that surely show a trouble. Rate limits are left out: whose incident they belong to depends on how many tenants
 * they hit.
 */
function signalsOf(trouble: Trouble): string[] {
  return [
    ...((trouble.failing ?? 0) > 0.1 ? ["failures"] : []),
    ...((trouble.slower ?? 1) >= 3 ? ["ttft", "duration"] : []),
    ...(trouble.authFailing === undefined ? [] : ["auth_failures"]),
    ...(trouble.invalid === undefined ? [] : ["client_errors"]),
  ];
}

const day = fc.array(stretch, { minLength: 1, maxLength: 8 });

function playDay(stretches: readonly Stretch[]): {
  readonly play: IncidentPlay;
  readonly badWindows: ReadonlyMap<number, ReadonlySet<string>>;
  readonly busyWindows: ReadonlyMap<string, ReadonlySet<number>>;
} {
  const play = new IncidentPlay();
  const badWindows = new Map<number, Set<string>>();
  const busyWindows = new Map<string, Set<number>>();
  const run = (windows: number, one: Stretch | undefined) =>
    play.play(windows, (cell, window) => {
      const trouble = one !== undefined && isIn(one, cell) ? one.trouble : {};
      const key = cellKey(cell);
      for (const signal of signalsOf(trouble))
        badWindows.set(window, (badWindows.get(window) ?? new Set()).add(`${signal}|${key}`));
      if (trouble.requests !== 0)
        busyWindows.set(key, (busyWindows.get(key) ?? new Set()).add(window));
      return trouble;
    });
  run(warmUp, undefined);
  for (const one of stretches) run(one.windows, one);
  run(150, undefined);
  return { play, badWindows, busyWindows };
}

const byIncident = (incidents: readonly Incident[]): ReadonlyMap<string, readonly Incident[]> => {
  const groups = new Map<string, Incident[]>();
  for (const one of incidents) groups.set(one.incident, [...(groups.get(one.incident) ?? []), one]);
  return groups;
};

/** Records from an opening to its resolution. */
function episodesOf(records: readonly Incident[]): Incident[][] {
  const episodes: Incident[][] = [];
  for (const record of records) {
    if (record.transition === "opened") episodes.push([]);
    episodes[episodes.length - 1]?.push(record);
  }
  return episodes;
}

describe("an incident's life", () => {
  it("counts its revisions from one without a gap, and opens first", () => {
    fc.assert(
      fc.property(day, (stretches) => {
        for (const records of byIncident(playDay(stretches).play.incidents).values()) {
          expect(records.map(({ revision }) => revision)).toEqual(records.map((_, i) => i + 1));
          expect(records[0]?.transition).toBe("opened");
        }
      }),
      { numRuns: 15 },
    );
  });

  it("goes from opened to resolved, each at most once, with a severity that only rises", () => {
    fc.assert(
      fc.property(day, (stretches) => {
        for (const records of byIncident(playDay(stretches).play.incidents).values())
          for (const episode of episodesOf(records)) {
            const names = episode.map(({ transition }) => transition);
            for (const once of ["opened", "ticketed", "paged", "resolved"] as const)
              expect(names.filter((name) => name === once).length).toBeLessThanOrEqual(1);
            if (names.includes("resolved")) expect(names.at(-1)).toBe("resolved");
            const levels = episode.map(({ severity }) => severities.indexOf(severity));
            expect(levels).toEqual(levels.toSorted((a, b) => a - b));
            for (const { transition, severity, phase } of episode) {
              if (transition === "paged") expect([severity, phase]).toEqual(["page", "firing"]);
              if (transition === "ticketed")
                expect([severity, phase]).toEqual(["ticket", "firing"]);
              if (transition === "resolved") expect(phase).toBe("resolved");
            }
          }
      }),
      { numRuns: 15 },
    );
  });

  it("tells nobody without evidence: cells, signals and a reason stand behind every ticket and page", () => {
    fc.assert(
      fc.property(day, (stretches) => {
        for (const record of playDay(stretches).play.incidents) {
          if (record.transition !== "ticketed" && record.transition !== "paged") continue;
          expect(record.degradedCells).toBeGreaterThan(0);
          expect(record.evidence.length).toBeGreaterThan(0);
          expect(record.reason).not.toBe("");
          if (record.severity === "ticket") expect(record.reason).toMatch(/^Not a page: /);
        }
      }),
      { numRuns: 15 },
    );
  });

  it("says nothing of a day on which nothing is wrong", () => {
    fc.assert(
      fc.property(day, (stretches) => {
        const quiet = stretches.map((one) => ({ ...one, where: "nowhere" as const }));
        expect(playDay(quiet).play.incidents).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it("resolves only after as many windows with requests and without trouble as configured", () => {
    const { resolveAfterWindows } = judgementSchema.parse({}).incident;
    fc.assert(
      fc.property(day, (stretches) => {
        const { play, badWindows, busyWindows } = playDay(stretches);
        for (const record of play.incidents) {
          if (record.transition !== "resolved" || record.reason.startsWith("Part of")) continue;
          const at = (record.windowStartMs - fleetStartMs) / fleetWindowMs;
          const calm = record.cells.map((cell) => {
            let windows = 0;
            for (let window = at; window >= 0; window--) {
              // One bad window alone is no evidence, and other signals are other incidents'.
              const isBad = record.signals.some((signal) =>
                [window, window - 1].every((w) => badWindows.get(w)?.has(`${signal}|${cell}`)),
              );
              if (isBad) break;
              if (busyWindows.get(cell)?.has(window) === true) windows++;
            }
            return windows;
          });
          expect(Math.max(...calm)).toBeGreaterThanOrEqual(resolveAfterWindows);
          // The window in which it is resolved had requests.
          expect(record.cells.some((cell) => busyWindows.get(cell)?.has(at) === true)).toBe(true);
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe("a snapshot", () => {
  it("goes on as if it had never stopped, wherever it is taken", () => {
    fc.assert(
      fc.property(day, fc.array(fc.nat(400), { maxLength: 4 }), (stretches, cuts) => {
        const whole = new IncidentPlay();
        const frames = recordFrames(whole, stretches);
        let reducer = makeIncident();
        const again: Incident[] = [];
        frames.forEach((frame, index) => {
          if (cuts.some((cut) => cut % frames.length === index))
            reducer = makeIncident(reducer.snapshot().chunks);
          again.push(...stepFrame(reducer, frame));
        });
        expect(again.map(encoded)).toEqual(whole.incidents.map(encoded));
        expect(Buffer.concat(reducer.snapshot().chunks)).toEqual(
          Buffer.concat(whole.reducer.snapshot().chunks),
        );
      }),
      { numRuns: 10 },
    );
  });

  it("is in chunks of at most 512 KiB", () => {
    const play = new IncidentPlay();
    play.play(warmUp);
    for (const chunk of play.reducer.snapshot().chunks)
      expect(chunk.length).toBeLessThanOrEqual(512 * 1024);
  });
});

const encoded = (incident: Incident) => Buffer.from(incidentRecord.encode(incident)).toString();

/** Plays a day and keeps the frames as they were read from the log. */
function recordFrames(play: IncidentPlay, stretches: readonly Stretch[]) {
  const frames: ReturnType<typeof frameRecord.decode>[] = [];
  const run = (windows: number, one: Stretch | undefined) => {
    for (let i = 0; i < windows; i++) {
      const frame = frameRecord.decode(
        frameRecord.encode(
          play.frame((cell) => (one !== undefined && isIn(one, cell) ? one.trouble : {})),
        ),
      );
      play.window++;
      frames.push(frame);
      play.incidents.push(...stepFrame(play.reducer, frame));
    }
  };
  run(warmUp, undefined);
  for (const one of stretches) run(Math.min(one.windows, 40), one);
  run(40, undefined);
  return frames;
}
