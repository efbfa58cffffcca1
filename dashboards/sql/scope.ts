/** Which rows a panel is about: the dashboard's time range and its variables. */

/** Half-open, unlike `$__timeFilter`: a window that begins where the range ends is not in it, so that ranges add up. */
export const inRange = (column = "window_start") =>
  `${column} >= $__fromTime AND ${column} < $__toTime`;

/** The last part of the range, for panels that say how things are now. */
export const inLast = (interval: string, column = "window_start") =>
  `${column} >= $__toTime - INTERVAL ${interval} AND ${column} < $__toTime`;

const cellVariables = ["provider", "model", "region", "operation"] as const;
export type CellVariable = (typeof cellVariables)[number];

/** `1=1` when All is chosen; else the chosen values, quoted and escaped by Grafana. */
const chosen = (variable: CellVariable, column: string) =>
  `$__conditionalAll(${column} IN (\${${variable}:singlequote}), $${variable})`;

/** Cells that the variables choose, on a table with a cell's columns. */
export const chosenCells = (kind: "genai" | "http" = "genai") =>
  [
    `kind = '${kind}'`,
    ...(kind === "genai"
      ? cellVariables.map((variable) => chosen(variable, variable))
      : [chosen("region", "region")]),
  ].join("\n  AND ");

/** Parts of a cell key, which history keeps as one string joined by the unit separator, from 1. */
const keyPart: Readonly<Record<CellVariable, number>> = {
  provider: 2,
  model: 3,
  region: 4,
  operation: 5,
};

/** Incidents that ever touched a chosen cell. A resolved one names none any more, so all of its rows count or none. */
export const chosenIncidents = `incident IN
  (
    SELECT incident
    FROM incidents
    WHERE ${cellVariables
      .map(
        (variable) =>
          `$__conditionalAll(arrayExists(cell -> splitByChar(char(31), cell)[${keyPart[variable]}] IN (\${${variable}:singlequote}), cells), $${variable})`,
      )
      .join("\n      AND ")}
  )`;

/** The cell of a row in a reader's words, as the page says it. */
export const cellName =
  "concat(model, ' ', operation, if(region = '', '', concat(' in ', region)))";

/** The same of a cell key. */
export const keyName = (key: string) =>
  `trim(BOTH ' ' FROM concat(splitByChar(char(31), ${key})[3], ' ', splitByChar(char(31), ${key})[5], if(splitByChar(char(31), ${key})[4] = '', '', concat(' in ', splitByChar(char(31), ${key})[4]))))`;

/** First unusual window of an incident over its revisions; one that does not know it has 0 there, and its opening is taken. */
export const began = "min(if(since > toDateTime64(0, 3), since, opened))";
