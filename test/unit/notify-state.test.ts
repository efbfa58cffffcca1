import { describe, expect, it } from "vitest";
import { checkpointChunkBytes } from "../../services/contracts/records.ts";
import { decodeState, emptyState, encodeState } from "../../services/notify/state.ts";
import { type Duties, isUpkeepDue, prune, takeIncident } from "../../services/notify/tasks.ts";
import { anIncident } from "../support/incidents.ts";

const nowMs = 1_800_000_000_000;
const duties: Duties = {
  sinks: [
    { name: "hook", minimumSeverity: "ticket" },
    { name: "pager", minimumSeverity: "page" },
  ],
  renotifyMs: 240 * 60_000,
  recorded: new Set(),
};

/** Many open incidents with work for two sinks each. */
function aBusyState(incidents: number) {
  const state = emptyState();
  for (let index = 0; index < incidents; index++)
    takeIncident(state, anIncident({ incident: `é${index}` }), nowMs, duties);
  return state;
}

describe("the state of notify", () => {
  it("comes back as it was, in chunks that a checkpoint takes", () => {
    const state = aBusyState(200);
    const chunks = encodeState(state);
    expect(chunks.length).toBeGreaterThan(1);
    expect(Math.max(...chunks.map(({ length }) => length))).toBe(checkpointChunkBytes);
    expect(decodeState(chunks)).toEqual(state);
  });

  it("is refused when a chunk is missing", () => {
    const chunks = encodeState(aBusyState(200));
    expect(() => decodeState(chunks.slice(1))).toThrow(
      expect.objectContaining({ code: "checkpoint_invalid" }),
    );
  });
});

describe("takeIncident", () => {
  it("owes each sink that wants it one telling, and nothing for a repeat", () => {
    const state = aBusyState(1);
    takeIncident(state, anIncident({ incident: "é0" }), nowMs, duties);
    expect(state.tasks.map(({ key }) => key)).toEqual(["é0/paged/hook", "é0/paged/pager"]);
  });

  it("keeps the place that was named first", () => {
    const state = aBusyState(1);
    takeIncident(state, anIncident({ incident: "é0", revision: 2, dimensions: [] }), nowMs, duties);
    expect(state.incidents["é0"]?.place).toEqual(anIncident().dimensions[0]);
  });

  it("owes nothing that an earlier life has put on record", () => {
    const state = emptyState();
    const recorded = new Set(["7f3a91c2/paged/hook"]);
    takeIncident(state, anIncident(), nowMs, { ...duties, recorded });
    expect(state.tasks.map(({ key }) => key)).toEqual(["7f3a91c2/paged/pager"]);
  });
});

describe("isUpkeepDue", () => {
  it("is so from the last telling on, until the end was told", () => {
    const state = aBusyState(1);
    const due = (atMs: number) => {
      const tracked = state.incidents["é0"];
      return tracked && isUpkeepDue(tracked, "hook", { nowMs: atMs, resendMs: 60_000 });
    };
    expect([due(nowMs + 59_999), due(nowMs + 60_000)]).toEqual([false, true]);
    takeIncident(
      state,
      anIncident({ incident: "é0", revision: 2, phase: "resolved", transition: "resolved" }),
      nowMs,
      duties,
    );
    expect(due(nowMs + 600_000)).toBe(false);
  });
});

describe("prune", () => {
  it("forgets resolved incidents after an hour, but not while work is left", () => {
    const state = aBusyState(1);
    const over = { phase: "resolved", transition: "resolved", revision: 2, atMs: nowMs } as const;
    takeIncident(state, anIncident({ incident: "é0", ...over }), nowMs, duties);
    prune(state, nowMs + 3_600_001);
    expect(Object.keys(state.incidents)).toEqual(["é0"]);
    state.tasks = [];
    prune(state, nowMs + 3_600_000);
    expect(Object.keys(state.incidents)).toEqual(["é0"]);
    prune(state, nowMs + 3_600_001);
    expect(state.incidents).toEqual({});
  });
});
