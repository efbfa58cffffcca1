/** Whose a data point is, by its attributes and its resource's, and how the requests that it counts ended. */
import { type CellKey, cellKey } from "../../contracts/cell.ts";
import { bareModel } from "../../contracts/model-names.ts";
import { type Outcome, outcomeIndex } from "../../contracts/outcomes.ts";
import { textOf } from "../decode/texts.ts";
import { createFields, fieldOf } from "./attributes.ts";
import { outcomeOfName, outcomeOfStatus, undecided } from "./error-names.ts";
import { finishKind } from "./finish.ts";
import { lookUp } from "./look-up.ts";
import type { MetricMapping } from "./metric-table.ts";
import { bareOf, canonicalProvider } from "./providers.ts";
import { firstNumber, firstText, type Reading, textIn } from "./reading.ts";

/** Names that only metrics have, and what Prometheus' exporters make of attributes. */
const metricNames = [
  "gen_ai.token.type",
  "gen_ai_token_type",
  "gen_ai_request_model",
  "gen_ai_response_model",
  "gen_ai_provider_name",
  "gen_ai_system",
  "gen_ai_operation_name",
  "error_type",
  "http_route",
  "http_request_method",
  "http_response_status_code",
  "cloud_region",
  "finished_reason",
  "envoy_response_code",
  "envoy.response_code",
] as const;

const fields = createFields(metricNames);
/** The attributes that points and resources of metrics are read for. */
export const metricKeys = fields.keys;
const own = (...names: readonly (typeof metricNames)[number][]): readonly number[] =>
  names.map((name) => fields.configured[metricNames.indexOf(name)] ?? -1);

const routeFields = [fieldOf("http.route"), fieldOf("url.template"), ...own("http_route")];
const methodFields = [
  fieldOf("http.request.method"),
  fieldOf("http.method"),
  ...own("http_request_method"),
];
const statusFields = [
  fieldOf("http.response.status_code"),
  fieldOf("http.status_code"),
  ...own("http_response_status_code"),
];
const modelFields = [
  fieldOf("gen_ai.request.model"),
  fieldOf("model_name"),
  ...own("gen_ai_request_model"),
];
const responseModelFields = [fieldOf("gen_ai.response.model"), ...own("gen_ai_response_model")];
const providerFields = [
  fieldOf("gen_ai.provider.name"),
  fieldOf("gen_ai.system"),
  ...own("gen_ai_provider_name", "gen_ai_system"),
];
const operationFields = [fieldOf("gen_ai.operation.name"), ...own("gen_ai_operation_name")];
const upstreamFields = [fieldOf("envoy_cluster_name"), fieldOf("envoy.cluster_name")];
const regionFields = [fieldOf("cloud.region"), ...own("cloud_region")];
const errorFields = [fieldOf("error.type"), ...own("error_type")];
const tokenFields = own("gen_ai.token.type", "gen_ai_token_type");
const reasonFields = own("finished_reason");
const envoyCodeFields = own("envoy_response_code", "envoy.response_code");
const serviceField = fieldOf("service.name");

/** The cell of a service as a whole: `http.server.active_requests` has no route, since a request in flight may have none yet. */
export const allRoutes = "all routes";

/** Undefined where the attributes name none. */
export function cellOf(reading: Reading, mapping: MetricMapping): CellKey | undefined {
  switch (mapping.of) {
    case "route":
      return routeCell(reading, mapping);
    case "model":
      return modelCell(reading, mapping);
    case "upstream":
      return upstreamCell(reading, mapping);
  }
}

const regionOf = (reading: Reading): string => {
  const { texts } = reading;
  const region = firstText(reading, regionFields);
  return textOf(
    texts,
    region !== 0 ? region : textIn(reading, reading.resource, regionFields[0] ?? -1),
  );
};
const serviceOf = (reading: Reading): string =>
  textOf(reading.texts, textIn(reading, reading.resource, serviceField));

function routeCell(reading: Reading, { gives }: MetricMapping): CellKey | undefined {
  const { texts } = reading;
  const route = firstText(reading, routeFields);
  const service = serviceOf(reading);
  const region = regionOf(reading);
  if (route === 0)
    return gives === "in-flight" && service !== "" ? serviceCell(service, region) : undefined;
  const method = textOf(texts, firstText(reading, methodFields));
  const operation = method === "" ? textOf(texts, route) : `${method} ${textOf(texts, route)}`;
  return cellKey({ kind: "http", provider: service, model: "", region, operation });
}

export function serviceCell(service: string, region: string): CellKey {
  return cellKey({ kind: "http", provider: service, model: "", region, operation: allRoutes });
}

/** A model server's metrics do not say which operation its requests are for: chat, as nearly all are. */
function modelCell(reading: Reading, mapping: MetricMapping): CellKey | undefined {
  const { texts } = reading;
  const model = modelOf(reading);
  if (model === "") return undefined;
  const named = firstText(reading, providerFields);
  const provider = textOf(
    texts,
    named !== 0 ? named : textIn(reading, reading.resource, providerFields[0] ?? -1),
  );
  const operation = textOf(texts, firstText(reading, operationFields));
  const canonical = provider === "" ? (mapping.provider ?? "") : canonicalProvider(provider);
  return cellKey({
    kind: "genai",
    provider: canonical,
    model: bareOf(model, canonical),
    region: regionOf(reading),
    operation: operation === "" ? "chat" : operation,
  });
}

/** The model asked for; where only the one that answered is named (OpenLLMetry), that one without its version. */
function modelOf(reading: Reading): string {
  const asked = textOf(reading.texts, firstText(reading, modelFields));
  return asked !== ""
    ? asked
    : bareModel(textOf(reading.texts, firstText(reading, responseModelFields)));
}

/** What a proxy has to do with one of its upstreams. */
function upstreamCell(reading: Reading, mapping: MetricMapping): CellKey | undefined {
  const upstream = firstText(reading, upstreamFields);
  if (upstream === 0) return undefined;
  const service = serviceOf(reading);
  return cellKey({
    kind: "http",
    provider: service === "" ? (mapping.provider ?? "") : service,
    model: "",
    region: regionOf(reading),
    operation: `upstream ${textOf(reading.texts, upstream)}`,
  });
}

/** How requests ended. */
export interface StreamEnding {
  /** Index in `outcomes`. */
  readonly outcome: number;
  /** A `finishKind`. */
  readonly finish: number;
}

const endedWell: StreamEnding = { outcome: outcomeIndex.ok, finish: finishKind.missing };
const endedAs = (outcome: Outcome, finish: number = finishKind.missing): StreamEnding => ({
  outcome: outcomeIndex[outcome],
  finish,
});
const failed = (outcome: number): StreamEnding => ({ outcome, finish: finishKind.missing });

/** vLLM's `FinishReason`. */
const finishedReasons: Readonly<Record<string, StreamEnding>> = {
  stop: endedAs("ok", finishKind.stop),
  length: endedAs("ok", finishKind.truncated),
  abort: endedAs("client_cancelled"),
  error: endedAs("server_error"),
};

export function endingOf(reading: Reading, { endsBy }: MetricMapping): StreamEnding {
  const { texts } = reading;
  switch (endsBy) {
    case "finished-reason":
      return (
        lookUp(finishedReasons, textOf(texts, firstText(reading, reasonFields))) ?? endedAs("other")
      );
    case "envoy-code":
      return statusEnding(firstNumber(reading, envoyCodeFields)) ?? endedAs("other");
    case "status":
      return statusEnding(firstNumber(reading, statusFields)) ?? errorEnding(reading);
    case "error.type":
      return errorEnding(reading);
    default:
      return endedWell;
  }
}

function statusEnding(status: number): StreamEnding | undefined {
  if (!(status >= 100)) return undefined;
  return status >= 400 ? failed(outcomeOfStatus(status)) : endedWell;
}

function errorEnding(reading: Reading): StreamEnding {
  const error = firstText(reading, errorFields);
  if (error === 0) return endedWell;
  const outcome = outcomeOfName(reading.texts, error);
  return failed(outcome === undecided ? outcomeIndex.other : outcome);
}

/** `input` or `output`, in the words of the conventions, current and former; empty for other kinds. */
export function tokenTypeOf(reading: Reading): "input" | "output" | "" {
  const type = textOf(reading.texts, firstText(reading, tokenFields));
  if (type === "input" || type === "prompt") return "input";
  return type === "output" || type === "completion" ? "output" : "";
}
