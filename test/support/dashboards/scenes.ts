/** A small fleet with an overload, in a real history, and the ways in which dashboards are looked at. */
import { dashboards } from "../../../dashboards/all.ts";
import {
  loadFleet,
  loadScenario,
  planRun,
  type RunPlan,
} from "../../../services/chatbot/chatbot.ts";
import { migrate } from "../../../services/history/migrate.ts";
import { type HistoryServer, startHistoryServer } from "../history-server.ts";
import type { Chosen, Range } from "./expand.ts";
import { rollUpAll } from "./roll-up-all.ts";
import { fillHistory } from "./simulated-history.ts";
import type { Scene } from "./truth.ts";
import type { World } from "./world.ts";

export interface FilledHistory extends AsyncDisposable {
  readonly plan: RunPlan;
  readonly server: HistoryServer;
  readonly world: World;
}

export interface Span {
  readonly hours: number;
  readonly requestsPerSecond: number;
}

const models = ["gpt-4o-mini", "claude-haiku-4-5", "claude-sonnet-4-5", "text-embedding-3-small"];

/** Scenario S05: demand grows past capacity in the last hour and twelve minutes. */
export function smallPlan({ hours, requestsPerSecond }: Span): RunPlan {
  const whole = loadFleet();
  return planRun({
    scenario: loadScenario("S05"),
    seed: 3,
    fleet: loadFleet({
      requestsPerSecond,
      tenants: 60,
      instancesPerRegion: 1,
      regions: whole.regions.slice(0, 2),
      models: whole.models.filter(({ name }) => models.includes(name)),
    }),
    quietMs: (hours - 1.2) * 3_600_000,
    durationMs: hours * 3_600_000,
  });
}

/** The end of the run that no minute and hour has yet, so that questions need all tables. */
const notAddedUpMs = 17 * 60_000;

export async function fillSmallHistory(span: Span): Promise<FilledHistory> {
  const plan = smallPlan(span);
  const server = await startHistoryServer();
  try {
    await migrate(server.history);
    const world = await fillHistory(server.history, plan);
    await rollUpAll(server.history, plan.endMs - notAddedUpMs);
    return { plan, server, world, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** What choice and text variables stand at when a dashboard is opened. */
export const defaultChoices: Chosen = Object.fromEntries(
  dashboards.flatMap(({ variables }) =>
    variables.flatMap((variable) => {
      if (variable.kind === "text") return [[variable.name, variable.value]];
      if (variable.kind === "choice") return [[variable.name, variable.options[0]?.value ?? ""]];
      return [];
    }),
  ),
);

export interface NamedScene extends Scene {
  readonly name: string;
}

export function scenesOf({ plan, world }: Pick<FilledHistory, "plan" | "world">): NamedScene[] {
  const paged = world.incidents.find(({ severity }) => severity === "page");
  if (paged === undefined) throw new Error("the run has no page: nothing to look at");
  const given: Chosen = { ...defaultChoices, incident: paged.incident, trace: world.trace };
  const scene = (name: string, range: Range, chosen: Chosen = {}): NamedScene => ({
    name,
    world,
    range,
    chosen: { ...given, ...chosen },
  });
  const { startMs, endMs } = plan;
  const minutes = 60_000;
  return [
    scene("all, a step a minute", { fromMs: startMs, toMs: endMs, intervalSeconds: 60 }),
    scene(
      "two models in one region, steps of 15 s, a range between windows",
      {
        fromMs: endMs - 75 * minutes + 2_345,
        toMs: endMs - 32 * minutes - 777,
        intervalSeconds: 15,
      },
      { model: ["claude-haiku-4-5", "gpt-4o-mini"], region: ["eu-west-1"] },
    ),
    scene(
      "one provider and operation, steps of 10 min",
      { fromMs: startMs + 11 * minutes, toMs: endMs, intervalSeconds: 600 },
      { provider: ["openai"], operation: ["chat"] },
    ),
    scene("all, steps of an hour", {
      fromMs: startMs + 90_000,
      toMs: endMs,
      intervalSeconds: 3_600,
    }),
    scene(
      "a name with a quote that nothing has",
      { fromMs: endMs - 20 * minutes, toMs: endMs, intervalSeconds: 60 },
      { model: ["it's') OR 1=1 --"] },
    ),
  ];
}
