import type { AnnotationSpec, VariableSpec } from "./spec.ts";
import { rolledQuery } from "./sql/rolled.ts";
import type { CellVariable } from "./sql/scope.ts";
import { began, chosenIncidents } from "./sql/scope.ts";
import { severityNumber } from "./states.ts";

/** Values that occur in the range, narrowed by what was chosen before. */
const cellVariable = (
  name: CellVariable,
  label: string,
  narrowedBy: readonly CellVariable[],
): VariableSpec => ({
  kind: "query",
  name,
  label,
  description: `${label}s with model calls in this time range.`,
  isMulti: true,
  sql: rolledQuery({
    table: "windows",
    where: [
      "kind = 'genai'",
      ...narrowedBy.map(
        (other) => `$__conditionalAll(${other} IN (\${${other}:singlequote}), $${other})`,
      ),
    ].join("\n  AND "),
    values: [name],
    rest: `GROUP BY ${name}\nORDER BY ${name}`,
  }),
});

export const cellVariables: readonly VariableSpec[] = [
  cellVariable("provider", "Provider", []),
  cellVariable("model", "Model", ["provider"]),
  cellVariable("region", "Region", []),
  cellVariable("operation", "Operation", []),
];

/** Where Foreshock's own page is reached from the reader's browser. */
export const consoleVariable: VariableSpec = {
  kind: "text",
  name: "console",
  label: "Foreshock's page",
  description: "Address of Foreshock's page, for the links to it.",
  value: "http://127.0.0.1:8080",
};

/** Incidents that anyone was told of, as spans of time with a link to the page. */
export const incidentAnnotation: AnnotationSpec = {
  name: "Incidents",
  color: "#E02F44",
  sql: `SELECT
  ${began} AS time,
  if(argMax(phase, revision) = 'resolved', max(at), $__toTime) AS timeEnd,
  concat('<a href="\${console}/incidents/', incident, '">', argMax(title, revision), '</a>') AS text,
  concat(['watching', 'ticket', 'page'][max(${severityNumber("severity")})], ',', argMax(phase, revision)) AS tags
FROM incidents
WHERE at < $__toTime
  AND ${chosenIncidents}
GROUP BY incident
HAVING timeEnd >= $__fromTime AND max(${severityNumber("severity")}) > 1
ORDER BY time
LIMIT 200`,
};
