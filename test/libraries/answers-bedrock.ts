/** Answers of Amazon Bedrock's runtime: Converse, and the invocation of a model with that model's own messages, here Anthropic's. */
import { crc32 } from "node:zlib";
import {
  type Asked,
  city,
  messageEvents,
  outputTokensOf,
  piecesOf,
  textOf,
  tokens,
} from "./answers.ts";

const stopOf = ({ behaviour }: Asked): string => {
  if (behaviour.ending === "tool") return "tool_use";
  return behaviour.ending === "truncated" ? "max_tokens" : "end_turn";
};

const usageOf = (asked: Asked) => ({
  inputTokens: tokens.input,
  outputTokens: outputTokensOf(asked.behaviour),
  totalTokens: tokens.input + outputTokensOf(asked.behaviour),
});

export function converseAnswer(asked: Asked): object {
  const toolUse = { toolUseId: "tool_1", name: "weather", input: { city } };
  const isTool = asked.behaviour.ending === "tool";
  return {
    output: {
      message: { role: "assistant", content: [isTool ? { toolUse } : { text: textOf(asked) }] },
    },
    stopReason: stopOf(asked),
    usage: usageOf(asked),
    metrics: { latencyMs: 100 },
  };
}

export function converseEvents(asked: Asked): Buffer[] {
  const contentBlockIndex = 0;
  const start = { toolUse: { toolUseId: "tool_1", name: "weather" } };
  const deltas =
    asked.behaviour.ending === "tool"
      ? [{ toolUse: { input: JSON.stringify({ city }) } }]
      : piecesOf(asked).map((text) => ({ text }));
  return [
    frame("messageStart", { role: "assistant" }),
    ...(asked.behaviour.ending === "tool"
      ? [frame("contentBlockStart", { start, contentBlockIndex })]
      : []),
    ...deltas.map((delta) => frame("contentBlockDelta", { delta, contentBlockIndex })),
    frame("contentBlockStop", { contentBlockIndex }),
    frame("messageStop", { stopReason: stopOf(asked) }),
    frame("metadata", { usage: usageOf(asked), metrics: { latencyMs: 100 } }),
  ];
}

/** Anthropic's events, each in a frame of Bedrock's. */
export function invokeEvents(asked: Asked): Buffer[] {
  return messageEvents(asked).map((event) => {
    const json = event.slice(event.indexOf("data: ") + 6).trim();
    return frame("chunk", { bytes: Buffer.from(json).toString("base64") });
  });
}

/** Amazon's names of the errors that stand for a status. */
const exceptions: Readonly<Record<number, string>> = {
  400: "ValidationException",
  401: "AccessDeniedException",
  429: "ThrottlingException",
  500: "InternalServerException",
  503: "ServiceUnavailableException",
};

export const exceptionOf = (status: number): string => exceptions[status] ?? "ModelErrorException";

export const exceptionEvent = (message: string): Buffer =>
  frame("modelStreamErrorException", { message, originalStatusCode: 500 }, "exception");

/** A frame of `application/vnd.amazon.eventstream`: lengths, headers and payload, each part with its checksum. */
function frame(type: string, payload: object, kind: "event" | "exception" = "event"): Buffer {
  const headers = Buffer.concat([
    header(":message-type", kind),
    header(`:${kind}-type`, type),
    header(":content-type", "application/json"),
  ]);
  const content = Buffer.from(JSON.stringify(payload));
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(16 + headers.length + content.length, 0);
  prelude.writeUInt32BE(headers.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const checked = Buffer.concat([prelude, headers, content]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(checked), 0);
  return Buffer.concat([checked, sum]);
}

const textHeader = 7;

function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name),
    Buffer.from([textHeader]),
    length,
    Buffer.from(value),
  ]);
}
