/** Refusals of the imitated APIs, in the shapes of their public references. They quote the prompt, as real ones may. */
import { canary } from "./behaviours.ts";

const openAiTypes: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  400: ["invalid_request_error", "context_length_exceeded"],
  401: ["invalid_request_error", "invalid_api_key"],
  429: ["requests", "rate_limit_exceeded"],
};
const anthropicTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};
const texts: Readonly<Record<number, string>> = {
  400: "This model's maximum context length is 8192 tokens",
  401: "Incorrect API key provided",
  429: "Rate limit reached",
  500: "The server had an error while processing your request",
  503: "The engine is currently overloaded, please try again later",
  529: "Overloaded",
};

export const messageOf = (status: number): string => `${texts[status] ?? "error"} (${canary})`;

export function refusal(provider: "openai" | "anthropic", status: number): object {
  const message = messageOf(status);
  if (provider === "anthropic")
    return { type: "error", error: { type: anthropicTypes[status] ?? "api_error", message } };
  const [type, code] = openAiTypes[status] ?? ["server_error", null];
  return { error: { message, type, param: null, code } };
}

/** The event that ends a stream with an error. */
export function errorEvent(api: "chat" | "responses" | "messages"): string {
  const message = `The server had an error ${canary}`;
  if (api === "chat")
    return `data: ${JSON.stringify({ error: { message, type: "server_error", param: null, code: null } })}\n\n`;
  if (api === "responses")
    return `event: error\ndata: ${JSON.stringify({ type: "error", code: "server_error", message, param: null, sequence_number: 9 })}\n\n`;
  return `event: error\ndata: ${JSON.stringify({ type: "error", error: { type: "overloaded_error", message } })}\n\n`;
}
