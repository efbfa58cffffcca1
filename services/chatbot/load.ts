import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ForeshockError } from "../contracts/errors.ts";
import { type FleetConfig, type FleetInput, fleetSchema } from "./fleet-schema.ts";
import { type Scenario, scenarioSchema } from "./scenario-schema.ts";
import { checkDocument, readYamlDocument } from "./yaml-document.ts";

const scenarioDirectory = join(import.meta.dirname, "scenarios");

/** Names of the scenarios that come with the project, sorted. */
export function scenarioNames(): readonly string[] {
  return readdirSync(scenarioDirectory)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length))
    .sort();
}

/** A scenario by its name (`S04`) or by the path of a YAML file. Throws `scenario_invalid`. */
export function loadScenario(nameOrPath: string): Scenario {
  const shipped = join(scenarioDirectory, `${nameOrPath}.yaml`);
  if (existsSync(shipped)) return readYamlDocument(shipped, scenarioSchema);
  if (existsSync(nameOrPath)) return readYamlDocument(nameOrPath, scenarioSchema);
  throw new ForeshockError(
    "scenario_invalid",
    `scenario ${nameOrPath}: no such file, and none of ${scenarioNames().join(", ")}`,
  );
}

/** A fleet from a YAML file, from an object, or the default one. Throws `scenario_invalid`. */
export function loadFleet(source?: string | FleetInput): FleetConfig {
  if (typeof source === "string") return readYamlDocument(source, fleetSchema);
  return checkDocument(source ?? {}, fleetSchema, "fleet");
}

/** The fleet with what the scenario changes of it. */
export function fleetFor(fleet: FleetConfig, scenario: Scenario): FleetConfig {
  if (scenario.fleet === undefined) return fleet;
  return checkDocument(merge(fleet, scenario.fleet), fleetSchema, `${scenario.scenario}.fleet`);
}

/** Objects merge key by key; a list under `key+` is appended to the list `key`; all else replaces. */
function merge(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (key.endsWith("+")) {
      const list = result[key.slice(0, -1)];
      result[key.slice(0, -1)] = [...(Array.isArray(list) ? list : []), ...asList(value)];
    } else {
      result[key] = merge(result[key], value);
    }
  }
  return result;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
