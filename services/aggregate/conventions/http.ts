/** HTTP requests that the application serves: SERVER spans with a route. Login and session start fail before chat does. */
import { outcomeIndex } from "../../contracts/outcomes.ts";
import { internText, textOf } from "../decode/texts.ts";
import { fieldOf, fieldsOf } from "./attributes.ts";
import { outcomeOfStatus } from "./error-names.ts";
import { finishKind } from "./finish.ts";
import { spanKind } from "./operations.ts";
import { failureOf } from "./outcomes.ts";
import { firstNumber, firstText, type Reading, textIn } from "./reading.ts";

const routes = fieldsOf("http.route", "url.template");
const methods = fieldsOf("http.request.method", "http.method");
const statuses = fieldsOf("http.response.status_code", "http.status_code");
const serviceName = fieldOf("service.name");

/** Interned `POST /login`; 0 for spans that are no served request with a route (a raw path would make a series each). */
export function routeOf(reading: Reading): number {
  if (reading.span.kind !== spanKind.server) return 0;
  const route = firstText(reading, routes);
  if (route === 0) return 0;
  const method = firstText(reading, methods);
  if (method === 0) return route;
  return internText(
    reading.texts,
    `${textOf(reading.texts, method)} ${textOf(reading.texts, route)}`,
  );
}

/** The service that serves it. */
export function serviceOf(reading: Reading): number {
  return textIn(reading, reading.resource, serviceName);
}

/** Index in `outcomes`. The status number decides; without one, the span's status and error. */
export function httpOutcomeOf(reading: Reading): number {
  const status = firstNumber(reading, statuses);
  if (status >= 400) return outcomeOfStatus(status);
  if (status >= 100) return outcomeIndex.ok;
  if (reading.span.statusCode !== 2) return outcomeIndex.ok;
  const answer = { hasBegun: false, isMidStream: false, finish: finishKind.missing };
  return failureOf(reading, answer).outcome;
}
