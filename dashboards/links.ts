/** Ways between dashboards and to the page; time and variables go along. */
import type { Link } from "./spec.ts";

export const uids = {
  fleet: "foreshock-fleet",
  incident: "foreshock-incident",
  cell: "foreshock-cell",
  requests: "foreshock-requests",
  tokens: "foreshock-tokens",
  objectives: "foreshock-objectives",
  itself: "foreshock-itself",
} as const;

const carried = "${__url_time_range}&${__all_variables}";

const to = (uid: string, title: string): Link => ({ title, url: `/d/${uid}?${carried}` });

export const toRequests = to(uids.requests, "Requests and traces behind this");
export const toCell = to(uids.cell, "Model and region in detail");
export const toFleet = to(uids.fleet, "Whole fleet");

const time = "${__url_time_range}";
const incident = "${__data.fields.incident}";

/** On a column of a table that also has a column `incident`. */
export const incidentLinks: readonly Link[] = [
  { title: "Open on Foreshock's page", url: `\${console}/incidents/${incident}` },
  {
    title: "Incident in detail",
    url: `/d/${uids.incident}?${time}&var-incident=${incident}`,
  },
];

/** On a column of a table that also has a column `trace`. */
export const traceLinks: readonly Link[] = [
  {
    title: "Spans of this trace",
    url: `/d/${uids.requests}?${carried}&var-trace=\${__data.fields.trace}`,
  },
];
