/** Failed calls of which a library has written no attribute yet: what their names say, `chat claude-sonnet-4-5`. */
import { internText } from "../decode/texts.ts";
import { spanKind } from "./operations.ts";
import { decodeText, type Reading } from "./reading.ts";

/** The conventions' form, operation and model. */
const form = /^(chat|embeddings|generate_content|text_completion) (\S+)$/;
const longestName = 256;

function matchIn(reading: Reading): RegExpExecArray | undefined {
  const { span, bytes } = reading;
  const isFailedClient = span.kind === spanKind.client && span.statusCode === 2;
  if (!isFailedClient || span.nameEnd - span.nameStart > longestName) return undefined;
  return form.exec(decodeText(bytes, span.nameStart, span.nameEnd)) ?? undefined;
}

/** Empty where the name is none of a call. */
export const operationInName = (reading: Reading): string => matchIn(reading)?.[1] ?? "";

/** Interned; 0 where the name has none. */
export function modelInName(reading: Reading): number {
  const model = matchIn(reading)?.[2];
  return model === undefined ? 0 : internText(reading.texts, model);
}
