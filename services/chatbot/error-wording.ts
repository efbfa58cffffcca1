import type { Outcome } from "./fleet-event.ts";

/** How a failed call appears in the span of one library. */
interface ErrorWording {
  readonly errorType: string;
  /** Status message; Anthropic's own SDK sets none. */
  readonly message: string;
  /** Number that the provider answered with; undefined where no answer came. */
  readonly httpStatus: number | undefined;
}

type Wording = readonly [errorClass: string, message: string, httpStatus: number | undefined];
type Failure = Exclude<Outcome, "ok" | "client_cancelled">;

/** opentelemetry-instrumentation-genai-openai 1.3b0 over openai 2.x: `error.type` is the class with its module. */
const openai: Readonly<Record<Failure, Wording>> = {
  rate_limit: [
    "openai.RateLimitError",
    "Error code: 429 - {'error': {'message': 'Rate limit reached', 'type': 'requests', 'param': None, 'code': 'rate_limit_exceeded'}}",
    429,
  ],
  overloaded: [
    "openai.InternalServerError",
    "Error code: 529 - {'error': {'message': 'Overloaded', 'type': 'server_error'}}",
    529,
  ],
  server_error: [
    "openai.InternalServerError",
    "Error code: 500 - {'error': {'message': 'The server had an error while processing your request', 'type': 'server_error', 'param': None, 'code': None}}",
    500,
  ],
  bad_gateway: ["openai.InternalServerError", "Error code: 502", 502],
  unavailable: [
    "openai.InternalServerError",
    "Error code: 503 - {'error': {'message': 'The engine is currently overloaded, please try again later', 'type': 'server_error', 'param': None, 'code': None}}",
    503,
  ],
  timeout: ["openai.APITimeoutError", "Request timed out.", undefined],
  auth: [
    "openai.AuthenticationError",
    "Error code: 401 - {'error': {'message': 'Authentication failed', 'type': 'invalid_request_error', 'param': None, 'code': 'invalid_api_key'}}",
    401,
  ],
  forbidden: [
    "openai.PermissionDeniedError",
    "Error code: 403 - {'error': {'message': 'Permission denied', 'type': 'invalid_request_error', 'param': None, 'code': None}}",
    403,
  ],
  invalid_request: [
    "openai.BadRequestError",
    "Error code: 400 - {'error': {'message': 'Invalid request', 'type': 'invalid_request_error', 'param': None, 'code': None}}",
    400,
  ],
  context_length: [
    "openai.BadRequestError",
    "Error code: 400 - {'error': {'message': 'Maximum context length exceeded', 'type': 'invalid_request_error', 'param': 'messages', 'code': 'context_length_exceeded'}}",
    400,
  ],
  model_not_found: [
    "openai.NotFoundError",
    "Error code: 404 - {'error': {'message': 'The model does not exist', 'type': 'invalid_request_error', 'param': None, 'code': 'model_not_found'}}",
    404,
  ],
  connection_error: ["openai.APIConnectionError", "Connection error.", undefined],
  stream_error: ["openai.APIConnectionError", "Connection error.", undefined],
};

/** opentelemetry-instrumentation-genai-anthropic 1.3b0 over anthropic 2.x. */
const anthropic: Readonly<Record<Failure, Wording>> = {
  rate_limit: anthropicAnswer("anthropic.RateLimitError", 429, "rate_limit_error", "Rate limited"),
  overloaded: anthropicAnswer("anthropic.OverloadedError", 529, "overloaded_error", "Overloaded"),
  server_error: anthropicAnswer(
    "anthropic.InternalServerError",
    500,
    "api_error",
    "Internal server error",
  ),
  bad_gateway: ["anthropic.InternalServerError", "Error code: 502", 502],
  unavailable: ["anthropic.ServiceUnavailableError", "Error code: 503", 503],
  timeout: ["anthropic.APITimeoutError", "Request timed out.", undefined],
  auth: anthropicAnswer(
    "anthropic.AuthenticationError",
    401,
    "authentication_error",
    "invalid x-api-key",
  ),
  forbidden: anthropicAnswer(
    "anthropic.PermissionDeniedError",
    403,
    "permission_error",
    "Permission denied",
  ),
  invalid_request: anthropicAnswer(
    "anthropic.BadRequestError",
    400,
    "invalid_request_error",
    "Invalid request",
  ),
  context_length: anthropicAnswer(
    "anthropic.RequestTooLargeError",
    413,
    "request_too_large",
    "Request exceeds the maximum size",
  ),
  model_not_found: anthropicAnswer("anthropic.NotFoundError", 404, "not_found_error", "model"),
  connection_error: ["anthropic.APIConnectionError", "Connection error.", undefined],
  stream_error: [
    "httpx2.RemoteProtocolError",
    "peer closed connection without sending complete message body (incomplete chunked read)",
    undefined,
  ],
};

function anthropicAnswer(errorClass: string, status: number, type: string, text: string): Wording {
  const body = `{'type': 'error', 'error': {'type': '${type}', 'message': '${text}'}}`;
  return [errorClass, `Error code: ${status} - ${body}`, status];
}

/** Anthropic's SDK 2.12.0 itself: the API's error types, no message. */
const anthropicSdk: Readonly<Record<Failure, Wording>> = {
  rate_limit: ["rate_limit_error", "", 429],
  overloaded: ["overloaded_error", "", 529],
  server_error: ["api_error", "", 500],
  bad_gateway: ["api_error", "", 502],
  unavailable: ["api_error", "", 503],
  timeout: ["client_timeout_error", "", undefined],
  auth: ["authentication_error", "", 401],
  forbidden: ["permission_error", "", 403],
  invalid_request: ["invalid_request_error", "", 400],
  context_length: ["request_too_large", "", 413],
  model_not_found: ["not_found_error", "", 404],
  connection_error: ["connection_error", "", undefined],
  stream_error: ["connection_error", "", 200],
};

export type Flavour = "openai" | "anthropic" | "anthropic-sdk";

/** The wording of a failure; undefined where the span shows none (a cancelled call is UNSET). */
export function errorWording(flavour: Flavour, outcome: Outcome): ErrorWording | undefined {
  if (outcome === "ok" || outcome === "client_cancelled") return undefined;
  const table = flavour === "openai" ? openai : flavour === "anthropic" ? anthropic : anthropicSdk;
  const [errorType, message, httpStatus] = table[outcome];
  return { errorType, message, httpStatus };
}

/**
 * Status that the application's own HTTP server answers with; undefined when the client went away before it
 * answered. A stream has answered 200 before it breaks.
 */
export function serverStatus(outcome: Outcome, hasStarted: boolean): number | undefined {
  if (hasStarted) return 200;
  switch (outcome) {
    case "ok":
    case "stream_error":
      return 200;
    case "client_cancelled":
      return undefined;
    case "rate_limit":
      return 429;
    case "overloaded":
    case "unavailable":
      return 503;
    case "server_error":
      return 500;
    case "bad_gateway":
    case "connection_error":
      return 502;
    case "timeout":
      return 504;
    case "auth":
      return 401;
    case "forbidden":
      return 403;
    case "invalid_request":
      return 400;
    case "context_length":
      return 413;
    case "model_not_found":
      return 404;
  }
}
