/** Rows that belong to the one incident that is looked at. */
import { cellName } from "./scope.ts";

export const chosenIncident = "incident = ${incident:singlequote}";

/** Verdicts of every cell that the incident ever named. */
export const itsCells = `(provider, model, region, operation, kind) IN
  (
    SELECT key[2], key[3], key[4], key[5], key[1]
    FROM (SELECT splitByChar(char(31), arrayJoin(cells)) AS key FROM incidents WHERE ${chosenIncident})
  )`;

/** HTTP cells have no model: their service stands there. */
export const anyCellName = `if(kind = 'http', concat(provider, ' ', operation, if(region = '', '', concat(' in ', region))), ${cellName})`;

/** The newest record of the incident, which is JSON. */
export const newestRecord = `SELECT argMax(record, revision) AS record FROM incidents WHERE ${chosenIncident}`;
