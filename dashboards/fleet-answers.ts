/** The row that answers the question: are we fine? */

import { answer } from "./shapes.ts";
import type { PanelSpec } from "./spec.ts";
import { failureRatio } from "./sql/outcomes.ts";
import { chosenCells, chosenIncidents, inLast, inRange } from "./sql/scope.ts";
import { hasSignal, timesExpected } from "./sql/verdicts.ts";
import { severities, severityNumber } from "./states.ts";

const lately = `${chosenCells()}\n  AND ${inLast("5 MINUTE")}`;

export const answers: readonly PanelSpec[] = [
  answer(
    "Worst open incident",
    "Severity of the worst incident that is open at the end of the range. Bad: ticket or page. `none` says nothing while the newest data is old: look at its age beside.",
    {
      unit: "none",
      values: severities,
      noValue: "none",
    },
    `SELECT max(if(phase = 'resolved', 0, ${severityNumber("severity")})) AS severity
FROM
(
  SELECT argMax(severity, revision) AS severity, argMax(phase, revision) AS phase
  FROM incidents
  WHERE at < $__toTime
    AND ${chosenIncidents}
  GROUP BY incident
)`,
  ),
  answer(
    "Cells anomalous",
    "Models in regions whose newest verdict of the last minute is anomalous. Bad: more than a window's chance; a cell that stays here is in an incident.",
    {
      unit: "none",
      decimals: 0,
    },
    `SELECT countIf(newest = 'anomalous') AS cells
FROM
(
  SELECT argMax(state, window_start) AS newest
  FROM verdicts
  WHERE ${chosenCells()}
    AND ${inLast("1 MINUTE")}
  GROUP BY provider, model, region, operation
)`,
  ),
  answer(
    "Failing, last 5 min",
    "Share of model calls that the service failed (5xx, 529, time-outs, broken streams), of those that were not refused for quota, login or a mistake of the caller. Bad: anything that users feel; the usual is under 1 %.",
    {
      unit: "percentunit",
      decimals: 2,
    },
    `SELECT ${failureRatio} AS failing
FROM windows
WHERE ${lately}`,
  ),
  answer(
    "First token × expected",
    "First-token p95 of the last 5 minutes against what each cell expected of itself; 1 is as usual. Bad: 1.5 and rising. It moves before anything fails.",
    {
      unit: "x",
      decimals: 2,
    },
    `SELECT ${timesExpected("ttft")} AS times
FROM verdicts
WHERE ${lately}
  AND ${hasSignal("ttft")}`,
  ),
  answer(
    "Traffic, last 5 min",
    "Model calls that ended, a second. Bad: 0 while users are awake, or far under the same time yesterday; silence is not health.",
    {
      unit: "reqps",
      decimals: 1,
    },
    `SELECT sum(requests) / 300 AS requests
FROM windows
WHERE ${lately}`,
  ),
  answer(
    "Age of the newest data",
    "End of the newest closed window to the end of the range. 15 s is normal. Bad: over a minute; then nothing else here is known to be true.",
    {
      unit: "s",
      decimals: 0,
      thresholds: [
        { from: undefined, color: "green" },
        { from: 60, color: "red" },
      ],
      noValue: "no data",
    },
    `SELECT if(count() = 0, NULL, toUnixTimestamp($__toTime) - max(toUnixTimestamp(window_start) + intDiv(window_ms, 1000))) AS age
FROM windows
WHERE ${inRange()}
  AND window_start >= (SELECT max(window_start) FROM windows_hour WHERE ${inRange()})`,
  ),
];
