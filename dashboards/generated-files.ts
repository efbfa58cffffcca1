/** Every generated file under `dashboards/`, by its path from there, with the text that it should have. */
import { dashboards } from "./all.ts";
import { buildDashboard } from "./build-dashboard.ts";
import { rulesFile } from "./prometheus/rules-file.ts";

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...dashboards.map((dashboard): [string, string] => [
      `generated/${dashboard.uid}.json`,
      `${JSON.stringify(buildDashboard(dashboard), inPlainSight, 2)}\n`,
    ]),
    ["prometheus/rules.yml", rulesFile],
  ]);
}

/** The SDK puts links and annotations into a menu; they belong beside the variables. */
function inPlainSight(key: string, value: unknown): unknown {
  return key === "placement" && value === "inControlsMenu" ? undefined : value;
}
