import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { panelQueries } from "../../dashboards/panel-queries.ts";
import { askPanel } from "../support/dashboards/ask.ts";
import { compare } from "../support/dashboards/compare.ts";
import { expectationOf } from "../support/dashboards/expectations.ts";
import {
  type FilledHistory,
  fillSmallHistory,
  type NamedScene,
  scenesOf,
} from "../support/dashboards/scenes.ts";

/** Two hours of a small fleet, the second an overload: what a test can take. `npm run panels` does the same with a day. */
const span = { hours: 2, requestsPerSecond: 1.5 };

const names = [0, 1, 2, 3];

describe("what panels show", () => {
  let filled: FilledHistory;
  let scenes: readonly NamedScene[];
  beforeAll(async () => {
    filled = await fillSmallHistory(span);
    scenes = scenesOf(filled);
  }, 300_000);
  afterAll(() => filled?.[Symbol.asyncDispose]());

  describe.each(names)("in scene %i", (at) => {
    it.each(panelQueries)("is the truth: $dashboard, $panel ($type)", async (query) => {
      const scene = scenes[at];
      if (scene === undefined) throw new Error(`no scene ${at}`);
      const result = await askPanel(filled.server, query, scene);
      expect(compare(expectationOf(query)(scene), result).differences, scene.name).toEqual([]);
    });
  });
});
