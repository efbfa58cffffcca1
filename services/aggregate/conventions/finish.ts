/** Finish reasons, which libraries write as lists, as texts and as JSON in a text. */
import { memoized } from "../decode/memo.ts";
import { fieldsOf } from "./attributes.ts";
import { lookUp } from "./look-up.ts";
import { firstText, type Reading } from "./reading.ts";

export const finishKind = {
  missing: 0,
  stop: 1,
  tool: 2,
  truncated: 3,
  refused: 4,
  error: 5,
  other: 6,
  /** The library itself does not know: the Vercel AI SDK, where a stream ended without saying so. */
  unknown: 7,
} as const;

const reasons: Readonly<Record<string, number>> = {
  stop: finishKind.stop,
  end_turn: finishKind.stop,
  stop_sequence: finishKind.stop,
  completed: finishKind.stop,
  complete: finishKind.stop,
  eos: finishKind.stop,
  tool_call: finishKind.tool,
  tool_calls: finishKind.tool,
  tool_use: finishKind.tool,
  function_call: finishKind.tool,
  length: finishKind.truncated,
  max_tokens: finishKind.truncated,
  max_output_tokens: finishKind.truncated,
  model_length: finishKind.truncated,
  incomplete: finishKind.truncated,
  content_filter: finishKind.refused,
  content_filtered: finishKind.refused,
  refusal: finishKind.refused,
  safety: finishKind.refused,
  recitation: finishKind.refused,
  prohibited_content: finishKind.refused,
  blocklist: finishKind.refused,
  guardrail_intervened: finishKind.refused,
  error: finishKind.error,
  unknown: finishKind.unknown,
};

const fields = fieldsOf(
  "gen_ai.response.finish_reasons",
  // Semantic Kernel's.
  "gen_ai.response.finish_reason",
  "ai.response.finishReason",
  "anthropic.message.stop_reason",
  "llm.finish_reason",
  "gen_ai.completion.0.finish_reason",
  // OpenLLMetry before it took the conventions' names.
  "llm.completions.0.finish_reason",
  "llm.response.finish_reason",
  "llm.response.stop_reason",
);

/** `tool-calls`, `["stop"]` and `FinishReason.STOP` read as `tool_calls`, `stop` and `stop`. */
const kindOf = memoized((text) => {
  const bare = text
    .toLowerCase()
    .replace(/^[["'\s]+|[\]"'\s]+$/g, "")
    .split(/["',\s]+/)[0]
    ?.replace(/^finishreason\./, "")
    .replaceAll("-", "_");
  if (bare === undefined || bare === "" || bare === "none" || bare === "null")
    return finishKind.missing;
  return lookUp(reasons, bare) ?? finishKind.other;
});

export function finishOf(reading: Reading): number {
  const reason = firstText(reading, fields);
  return reason === 0 ? finishKind.missing : kindOf(reading.texts, reason);
}
