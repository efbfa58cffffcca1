import { cell } from "./cell.ts";
import { fleet } from "./fleet.ts";
import { incident } from "./incident.ts";
import { itself } from "./itself.ts";
import { objectives } from "./objectives.ts";
import { requests } from "./requests.ts";
import type { DashboardSpec } from "./spec.ts";
import { tokens } from "./tokens.ts";

/** In the order in which Grafana's folder should be read. */
export const dashboards: readonly DashboardSpec[] = [
  fleet,
  incident,
  cell,
  requests,
  tokens,
  objectives,
  itself,
];
