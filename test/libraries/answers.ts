/** Answers of the imitated APIs: the shapes of OpenAI's and Anthropic's public references, with fixed numbers of tokens. */
import { type Behaviour, canary } from "./behaviours.ts";

export interface Asked {
  readonly id: string;
  readonly model: string;
  readonly behaviour: Behaviour;
  readonly includesUsage: boolean;
}

export const tokens = { input: 120, output: 48, cached: 20, embedding: 9 };
const created = 1_780_000_000;
const words = ["The ", "answer ", `${canary} `, "is ", "here."];

export const outputTokensOf = ({ ending }: Behaviour): number =>
  ending === "empty" ? 0 : tokens.output;

/** The model that answers, dated as providers do it. */
export const answering = (model: string): string =>
  model.startsWith("gpt") ? `${model}-2024-08-06` : model;

export const textOf = ({ behaviour }: Asked): string =>
  behaviour.ending === "empty" ? "" : words.join("");
export const piecesOf = ({ behaviour }: Asked): readonly string[] =>
  behaviour.ending === "empty" ? [] : words;

export const city = `Paris ${canary}`;
const toolArguments = JSON.stringify({ city });

const openAiFinish = ({ behaviour }: Asked): string => {
  if (behaviour.ending === "tool") return "tool_calls";
  return behaviour.ending === "truncated" ? "length" : "stop";
};
const anthropicFinish = ({ behaviour }: Asked): string => {
  if (behaviour.ending === "tool") return "tool_use";
  return behaviour.ending === "truncated" ? "max_tokens" : "end_turn";
};

const chatUsage = (asked: Asked) => ({
  prompt_tokens: tokens.input,
  completion_tokens: outputTokensOf(asked.behaviour),
  total_tokens: tokens.input + outputTokensOf(asked.behaviour),
  prompt_tokens_details: { cached_tokens: tokens.cached, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
});

const toolCall = {
  id: "call_1",
  type: "function",
  function: { name: "weather", arguments: toolArguments },
};

export function chatAnswer(asked: Asked): object {
  const isTool = asked.behaviour.ending === "tool";
  const message = isTool
    ? { role: "assistant", content: null, tool_calls: [toolCall] }
    : { role: "assistant", content: textOf(asked) };
  return {
    id: asked.id,
    object: "chat.completion",
    created,
    model: answering(asked.model),
    choices: [{ index: 0, message, finish_reason: openAiFinish(asked), logprobs: null }],
    usage: chatUsage(asked),
    system_fingerprint: "fp_1",
  };
}

export function chatChunks(asked: Asked): string[] {
  const base = {
    id: asked.id,
    object: "chat.completion.chunk",
    created,
    model: answering(asked.model),
  };
  const chunk = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
  });
  const pieces =
    asked.behaviour.ending === "tool"
      ? [chunk({ tool_calls: [{ index: 0, ...toolCall }] })]
      : piecesOf(asked).map((content) => chunk({ content }));
  const usage = asked.includesUsage ? [{ ...base, choices: [], usage: chatUsage(asked) }] : [];
  return [
    chunk({ role: "assistant", content: "" }),
    ...pieces,
    chunk({}, openAiFinish(asked)),
    ...usage,
  ]
    .map((each) => `data: ${JSON.stringify(each)}\n\n`)
    .concat("data: [DONE]\n\n");
}

export function embeddingAnswer(asked: Asked): object {
  return {
    object: "list",
    model: asked.model,
    data: [{ object: "embedding", index: 0, embedding: [0.25, -0.5, 0.125] }],
    usage: { prompt_tokens: tokens.embedding, total_tokens: tokens.embedding },
  };
}

const responseItem = (asked: Asked) =>
  asked.behaviour.ending === "tool"
    ? {
        id: "fc_1",
        type: "function_call",
        status: "completed",
        call_id: "call_1",
        name: "weather",
        arguments: toolArguments,
      }
    : {
        id: "item_1",
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: textOf(asked), annotations: [], logprobs: [] }],
      };

export function responsesAnswer(asked: Asked, status = ""): object {
  const isTruncated = asked.behaviour.ending === "truncated";
  const isRunning = status === "in_progress";
  return {
    id: asked.id,
    object: "response",
    created_at: created,
    model: answering(asked.model),
    status: isRunning ? status : isTruncated ? "incomplete" : "completed",
    incomplete_details: isTruncated && !isRunning ? { reason: "max_output_tokens" } : null,
    error: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: 1,
    top_p: 1,
    tool_choice: "auto",
    tools: [],
    output: isRunning ? [] : [responseItem(asked)],
    usage: isRunning
      ? null
      : {
          input_tokens: tokens.input,
          output_tokens: outputTokensOf(asked.behaviour),
          total_tokens: tokens.input + outputTokensOf(asked.behaviour),
          input_tokens_details: { cached_tokens: tokens.cached },
          output_tokens_details: { reasoning_tokens: 0 },
        },
  };
}

export function responsesEvents(asked: Asked): string[] {
  const done =
    asked.behaviour.ending === "truncated" ? "response.incomplete" : "response.completed";
  const place = { item_id: "item_1", output_index: 0, content_index: 0 };
  const item = responseItem(asked);
  const part = { type: "output_text", text: "", annotations: [], logprobs: [] };
  const isText = asked.behaviour.ending !== "tool";
  const events: (readonly [string, object])[] = [
    ["response.created", { response: responsesAnswer(asked, "in_progress") }],
    ["response.output_item.added", { output_index: 0, item: { ...item, content: [] } }],
    ...(isText
      ? ([
          ["response.content_part.added", { ...place, part }],
          ...piecesOf(asked).map(
            (delta) => ["response.output_text.delta", { ...place, delta, logprobs: [] }] as const,
          ),
        ] as const)
      : []),
    ["response.output_item.done", { output_index: 0, item }],
    [done, { response: responsesAnswer(asked) }],
  ];
  return events.map(
    ([type, data], sequence_number) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...data })}\n\n`,
  );
}

const messageUsage = (output: number) => ({
  input_tokens: tokens.input - tokens.cached,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: tokens.cached,
  output_tokens: output,
});

const messageOf = (asked: Asked, content: readonly object[], output: number) => ({
  id: asked.id,
  type: "message",
  role: "assistant",
  model: asked.model,
  content,
  stop_reason: content.length === 0 && output === 1 ? null : anthropicFinish(asked),
  stop_sequence: null,
  usage: messageUsage(output),
});

export function messageAnswer(asked: Asked): object {
  const { ending } = asked.behaviour;
  const toolUse = {
    type: "tool_use",
    id: "toolu_1",
    name: "weather",
    input: JSON.parse(toolArguments),
  };
  const content = ending === "tool" ? toolUse : { type: "text", text: textOf(asked) };
  return messageOf(asked, ending === "empty" ? [] : [content], outputTokensOf(asked.behaviour));
}

export function messageEvents(asked: Asked): string[] {
  const isTool = asked.behaviour.ending === "tool";
  const block = isTool
    ? { type: "tool_use", id: "toolu_1", name: "weather", input: {} }
    : { type: "text", text: "" };
  const deltas = isTool
    ? [{ type: "input_json_delta", partial_json: toolArguments }]
    : piecesOf(asked).map((text) => ({ type: "text_delta", text }));
  const ended = { stop_reason: anthropicFinish(asked), stop_sequence: null };
  const events: (readonly [string, object])[] = [
    ["message_start", { message: messageOf(asked, [], 1) }],
    ["content_block_start", { index: 0, content_block: block }],
    ...deltas.map((delta) => ["content_block_delta", { index: 0, delta }] as const),
    ["content_block_stop", { index: 0 }],
    ["message_delta", { delta: ended, usage: { output_tokens: outputTokensOf(asked.behaviour) } }],
    ["message_stop", {}],
  ];
  return events.map(
    ([type, data]) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`,
  );
}
