/** A quarter of an hour of a small fleet with one outage, in a real history on disk: what questions, backtests and reports are tried on. */
import { loadFleet, planRun } from "../../services/chatbot/chatbot.ts";
import { scenarioSchema } from "../../services/chatbot/scenario-schema.ts";
import { migrate } from "../../services/history/migrate.ts";
import { fillHistory } from "./dashboards/simulated-history.ts";
import type { World } from "./dashboards/world.ts";
import type { HistoryServer } from "./history-server.ts";

export const sceneStartMs = Date.UTC(2026, 2, 2, 12);

const scenario = scenarioSchema.parse({
  scenario: "outage",
  title: "One provider fails",
  about: "",
  kind: "fault",
  quietMinutes: 8,
  tailMinutes: 4,
  holdMinutes: 3,
  faults: [
    {
      name: "outage",
      target: { provider: ["openai"], operation: ["chat", "stream"] },
      effect: { kind: "error", classes: { overloaded: 2, server_error: 1 } },
      ramp: { shape: "step" },
      to: 0.6,
      recoverMinutes: 0.1,
    },
  ],
});

export async function fillScene({ history }: HistoryServer): Promise<World> {
  await migrate(history);
  const fleet = loadFleet({ requestsPerSecond: 8, instancesPerRegion: 2, tenants: 20 });
  return await fillHistory(history, planRun({ scenario, seed: 1, fleet, startMs: sceneStartMs }));
}
