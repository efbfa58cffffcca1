/** Answers of Google's Gemini interface (`generateContent`), whole and as a stream, and its refusals. */
import { type Asked, city, outputTokensOf, piecesOf, textOf, tokens } from "./answers.ts";

const finishOf = ({ behaviour }: Asked): string =>
  behaviour.ending === "truncated" ? "MAX_TOKENS" : "STOP";

const usageOf = (asked: Asked) => ({
  promptTokenCount: tokens.input,
  cachedContentTokenCount: tokens.cached,
  candidatesTokenCount: outputTokensOf(asked.behaviour),
  totalTokenCount: tokens.input + outputTokensOf(asked.behaviour),
});

const answerOf = (asked: Asked, parts: readonly object[], isLast: boolean) => ({
  candidates: [
    {
      index: 0,
      content: { role: "model", parts },
      ...(isLast && { finishReason: finishOf(asked) }),
    },
  ],
  modelVersion: asked.model,
  responseId: asked.id,
  ...(isLast && { usageMetadata: usageOf(asked) }),
});

const partsOf = (asked: Asked, texts: readonly string[]): readonly object[] =>
  asked.behaviour.ending === "tool"
    ? [{ functionCall: { name: "weather", args: { city } } }]
    : texts.map((text) => ({ text }));

export const generatedAnswer = (asked: Asked): object =>
  answerOf(asked, partsOf(asked, [textOf(asked)]), true);

export const contentEmbedding = (): object => ({ embeddings: [{ values: [0.25, -0.5, 0.125] }] });

export function generatedChunks(asked: Asked): string[] {
  const pieces = asked.behaviour.ending === "tool" ? [""] : piecesOf(asked);
  const chunks = pieces.map((piece) => answerOf(asked, partsOf(asked, [piece]), false));
  return [...chunks, answerOf(asked, [], true)].map(
    (chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`,
  );
}

const statuses: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
};

export const googleError = (code: number, message: string): object => ({
  error: { code, message, status: statuses[code] ?? "UNKNOWN" },
});
