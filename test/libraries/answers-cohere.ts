/** Answers of Cohere's chat, second version, whole and as a stream. */
import { type Asked, city, outputTokensOf, piecesOf, textOf, tokens } from "./answers.ts";

const finishOf = ({ behaviour }: Asked): string => {
  if (behaviour.ending === "tool") return "TOOL_CALL";
  return behaviour.ending === "truncated" ? "MAX_TOKENS" : "COMPLETE";
};

const usageOf = (asked: Asked) => {
  const counts = {
    input_tokens: tokens.input,
    output_tokens: outputTokensOf(asked.behaviour),
  };
  return { billed_units: counts, tokens: counts };
};

const toolCall = {
  id: "call_1",
  type: "function",
  function: { name: "weather", arguments: JSON.stringify({ city }) },
};

export function cohereAnswer(asked: Asked): object {
  const isTool = asked.behaviour.ending === "tool";
  const content = [{ type: "text", text: textOf(asked) }];
  return {
    id: asked.id,
    finish_reason: finishOf(asked),
    message: { role: "assistant", ...(isTool ? { tool_calls: [toolCall] } : { content }) },
    usage: usageOf(asked),
  };
}

export function cohereEvents(asked: Asked): string[] {
  const index = 0;
  const delta = (content: object) => ({ index, delta: { message: { content } } });
  const events: (readonly [string, object])[] = [
    ["message-start", { id: asked.id, delta: { message: { role: "assistant", content: [] } } }],
    ["content-start", delta({ type: "text", text: "" })],
    ...piecesOf(asked).map((text) => ["content-delta", delta({ text })] as const),
    ["content-end", { index }],
    ["message-end", { delta: { finish_reason: finishOf(asked), usage: usageOf(asked) } }],
  ];
  return events.map(
    ([type, data]) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`,
  );
}
