/** The truth of every panel, variable and annotation, by the names in `panel-queries.ts`. */
import type { PanelQuery } from "../../../dashboards/panel-queries.ts";
import type { Expectation } from "./truth.ts";
import { cellTruth } from "./truth-cell.ts";
import { fleetTruth, incidentChoices, incidentSpans, variableValues } from "./truth-fleet.ts";
import { incidentTruth } from "./truth-incident.ts";
import { objectivesTruth } from "./truth-objectives.ts";
import { requestsTruth } from "./truth-requests.ts";
import { tokensTruth } from "./truth-tokens.ts";

const byDashboard: Readonly<Record<string, Readonly<Record<string, Expectation>>>> = {
  "foreshock-fleet": fleetTruth,
  "foreshock-incident": incidentTruth,
  "foreshock-cell": cellTruth,
  "foreshock-requests": requestsTruth,
  "foreshock-tokens": tokensTruth,
  "foreshock-objectives": objectivesTruth,
};

const variables: Readonly<Record<string, Expectation>> = {
  provider: variableValues("provider"),
  model: variableValues("model"),
  region: variableValues("region"),
  operation: variableValues("operation"),
  incident: incidentChoices,
};

export function expectationOf({ dashboard, panel, type }: PanelQuery): Expectation {
  const found =
    type === "variable"
      ? variables[panel]
      : type === "annotation"
        ? incidentSpans
        : byDashboard[dashboard]?.[panel];
  if (found === undefined) throw new Error(`nothing says what ${dashboard}, ${panel} should show`);
  return found;
}
