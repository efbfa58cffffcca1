import { expect, it } from "vitest";
import { crashPoints } from "../../services/runtime/crash-points.ts";
import { runKills } from "../support/kill-run.ts";

it("loses nothing, doubles nothing and decides alike when killed at every point", async () => {
  const { hits, violations, looked } = await runKills({
    seed: 1,
    timesEach: 1,
    limitMs: 240_000,
    onLife: () => {},
  });
  expect(violations).toEqual([]);
  expect([...hits.keys()].sort()).toEqual([...crashPoints].sort());
  expect(looked["deliveries"]).toBeGreaterThan(0);
  expect(looked["incident transitions"]).toBeGreaterThan(0);
}, 480_000);
