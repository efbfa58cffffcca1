import { describe, expect, it } from "vitest";
import { knownErrorTextBytes } from "../../services/contracts/error-text.ts";
import { findModel } from "../../services/contracts/model-parameter.ts";

describe("error texts", () => {
  it.each([
    [
      "Error code: 529 - {'type': 'error', 'message': 'tell me'}",
      "Error code: 529 - {'type': 'error', 'message': '",
    ],
    [
      'litellm.InternalServerError: AnthropicError - {"type":"error","error":{"type":"overloaded_error","message":"Overloaded',
      'litellm.InternalServerError: AnthropicError - {"type":"error","error":{"type":"overloaded_error","message":"Overloaded',
    ],
    [
      "Error getting response: {'error': \"Error code: 503 - no\"}",
      "Error getting response: {'error': \"Error code: 503 - ",
    ],
    ["status_code: 429, model_name: gpt-4o, body: {}", "status_code: 429, "],
    ["RateLimitError: Error code: 429 - quoted", "RateLimitError: Error code: 429 - "],
    [
      "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for gpt-4o",
      "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached ",
    ],
    ["Request timed out.", "Request timed out."],
    ["Connection error.", "Connection error."],
    ["peer closed connection without a word", "peer closed connection "],
    [
      "Peer closed connection without sending complete message body",
      "Peer closed connection without sending complete message body",
    ],
    [
      "The server had an error while processing your request. Sorry",
      "The server had an error while processing your request. ",
    ],
    [
      "Failed after 3 attempts. Last error: Overloaded",
      "Failed after 3 attempts. Last error: Overloaded",
    ],
    ["This model's maximum context length is 8192 tokens", "This model's maximum context length "],
    [
      "{'status': '503', 'message': 'Service Unavailable'}",
      "{'status': '503', 'message': 'Service Unavailable'}",
    ],
    ["AI_RetryError: tell me", "AI_RetryError: "],
    ["HTTP 503 Service Unavailable", "HTTP 503 Service Unavailable"],
    ["GeneratorExit", "GeneratorExit"],
    [
      "<class 'openai.RateLimitError'>: Error code: 429 - tell me",
      "<class 'openai.RateLimitError'>: Error code: 429 - ",
    ],
    [
      `ServiceResponseException("<class 'semantic_kernel.ai.open_ai.OpenAIChatCompletion'> service failed to complete the prompt", RateLimitError("Error code: 429 - {'error': {'message': 'my prompt`,
      `ServiceResponseException("<class 'semantic_kernel.ai.open_ai.OpenAIChatCompletion'> service failed to complete the prompt", RateLimitError("Error code: 429 - {'error': {'message': '`,
    ],
    ["<class 'a.B'> failed", ""],
    ["Tell me a secret", ""],
    ["'quoted'", "'"],
    ["Überlastet", ""],
    ["", ""],
    ["1234567890", ""],
    [`Error ${"x".repeat(200)}Error`, "Error "],
  ])("keep their known beginning: %s", (message, kept) => {
    const bytes = Buffer.from(message);
    expect(message.slice(0, knownErrorTextBytes(bytes, 0, bytes.length))).toBe(kept);
  });

  it.each([
    ["Invalid request: 'please write your last message again'", "Invalid request: '"],
    ["Invalid request: please write your last message again", "Invalid request: "],
    ["Invalid message: '4111 1111 1111 1111'", "Invalid message: '"],
    ["Invalid message: 4111 1111 1111 1111", "Invalid message: "],
    ["Invalid message: 555 123 45 67", "Invalid message: 555 "],
    ["Invalid message: 'at 555 12'", "Invalid message: '"],
    [
      "Error code: 400 - {'error': {'message': 'the first time it was your call'}}",
      "Error code: 400 - {'error': {'message': '",
    ],
    [
      'Error code: 400 - {"error": {"message": "model: could you"}}',
      'Error code: 400 - {"error": {"message": "model: ',
    ],
    ["Bad request: 'it is the model's first time'", "Bad request: '"],
    ["Error: <class 'Tell me a secret, Model'>", "Error: "],
    ["Error: <class 'tell.me.4111111111111111.Model'>", "Error: "],
    ["Error: <class 'tell.me.secret'>", "Error: "],
    ["Error: <b>Tell me</b>", "Error: "],
    ["Error: '<class 'x.Model'> tell'", "Error: '<class 'x.Model'> "],
    ["Error: 'was <class 'x.Model'> for the limit'", "Error: '"],
    ["Error: 'code <class 'x.Model'> for the limit'", "Error: 'code <class 'x.Model'> "],
    ["please", ""],
    ["12 34 is the code", "12 "],
  ])("leave out what a person may have written, though in known words: %s", (message, kept) => {
    const bytes = Buffer.from(message);
    expect(message.slice(0, knownErrorTextBytes(bytes, 0, bytes.length))).toBe(kept);
  });

  it("keep 128 bytes at most", () => {
    const bytes = Buffer.from("error ".repeat(50));
    expect(knownErrorTextBytes(bytes, 0, bytes.length)).toBe(126);
  });

  it("keep 128 bytes at most behind the first class that they name", () => {
    const named = "error: <class 'x.Client'>";
    const bytes = Buffer.from(
      `${named}${" error".repeat(20)} <class 'x.Client'>${" error".repeat(20)}`,
    );
    expect(knownErrorTextBytes(bytes, 0, bytes.length)).toBe(named.length + 6 * 20 + 1);
  });
});

describe("the model in JSON parameters", () => {
  it.each([
    ['{"model": "gpt-4o", "x": 1}', '"gpt-4o"'],
    ['{"x": {"model": "inner"}, "model":"openai/gpt-4o-2024-08-06"}', '"openai/gpt-4o-2024-08-06"'],
    ['{"a": "\\"model\\": \\"no\\"", "model": "m"}', '"m"'],
    ['{"x": "model", "y": [{"model": "inner"}]}', undefined],
    ['{"model": "tell me a secret"}', undefined],
    ['{"model": {"name": "m"}}', undefined],
    ['{"model": "unfinished', undefined],
    ["not JSON", undefined],
    ["", undefined],
  ])("is found at the top only, as a plain name: %s", (json, model) => {
    const bytes = Buffer.from(json);
    const found = findModel(bytes, 0, bytes.length);
    expect(found && json.slice(found.start, found.end)).toBe(model);
  });
});
