import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { panelQueries } from "../../dashboards/panel-queries.ts";
import { askPanel } from "../support/dashboards/ask.ts";
import { compare } from "../support/dashboards/compare.ts";
import { expandQuery } from "../support/dashboards/expand.ts";
import { expectationOf } from "../support/dashboards/expectations.ts";
import { askThroughGo, buildGoClient } from "../support/dashboards/go-client.ts";
import { lacksOf } from "../support/dashboards/panel-shape.ts";
import {
  type FilledHistory,
  fillSmallHistory,
  type NamedScene,
  scenesOf,
} from "../support/dashboards/scenes.ts";
import { needsGo } from "../support/needs.ts";

/** Two hours of a small fleet, the second an overload: what a test can take. `npm run panels` does the same with a day. */
const span = { hours: 2, requestsPerSecond: 1.5 };

const names = [0, 1, 2, 3, 4];
const missing = needsGo();
if (missing !== undefined)
  console.warn(`SKIPPED: panels were not asked through clickhouse-go, ${missing}`);

describe("what panels show", () => {
  let filled: FilledHistory;
  let scenes: readonly NamedScene[];
  beforeAll(async () => {
    filled = await fillSmallHistory(span);
    scenes = scenesOf(filled);
  }, 900_000);
  afterAll(() => filled?.[Symbol.asyncDispose]());

  function sceneAt(at: number): NamedScene {
    const scene = scenes[at];
    if (scene === undefined) throw new Error(`no scene ${at}`);
    return scene;
  }

  describe.each(names)("in scene %i", (at) => {
    it.each(panelQueries)("is the truth: $dashboard, $panel ($type)", async (query) => {
      const scene = sceneAt(at);
      const result = await askPanel(filled.server, query, scene);
      expect(compare(expectationOf(query)(scene), result).differences, scene.name).toEqual([]);
      expect(lacksOf(query, result)).toEqual([]);
    });
  });

  describe.skipIf(missing !== undefined)(
    `through clickhouse-go${missing === undefined ? "" : ` (${missing})`}`,
    () => {
      it.each([0, 1])(
        "is the same truth in scene %i",
        async (at) => {
          await using client = await buildGoClient();
          const scene = sceneAt(at);
          const results = await askThroughGo(
            client.program,
            filled.server.server.port,
            panelQueries.map(({ sql }) => expandQuery(sql, scene.range, scene.chosen)),
          );
          const found = panelQueries.map((query, i) => {
            const result = results[i] ?? { columns: [], rows: [], error: "no result" };
            const differences =
              result.error === undefined
                ? compare(expectationOf(query)(scene), result).differences
                : [result.error];
            return { dashboard: query.dashboard, panel: query.panel, differences };
          });
          expect(found.filter(({ differences }) => differences.length > 0)).toEqual([]);
        },
        600_000,
      );
    },
  );
});
