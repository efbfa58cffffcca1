/** Content stays out of history, also where a Collector fills the log and nobody cut it before. */
import {
  type AttributeRule,
  attributeClassifier,
  genAiEventPrefix,
} from "../../contracts/content-attributes.ts";
import { knownErrorTextBytes } from "../../contracts/error-text.ts";
import { findModel } from "../../contracts/model-parameter.ts";
import { type Value, valueKind } from "./value.ts";
import { type Cursor, textAt } from "./wire.ts";

export interface ContentSettings {
  readonly keepContent: boolean;
  /** Further names of content; a trailing `*` matches any ending. */
  readonly contentAttributes: readonly string[];
}

export interface ContentRules {
  ruleOf(name: string): AttributeRule;
  /** What stays of a value: a text instead of it, all of it (true), or nothing. */
  apply(cursor: Cursor, rule: AttributeRule, value: Value): string | true | undefined;
  /** What stays of an error text at [start, end): its end. */
  errorTextEnd(cursor: Cursor, start: number, end: number): number;
}

export interface SpanContentRules {
  readonly usual: ContentRules;
  /** Of span events named `gen_ai.…`. */
  readonly genAiEvent: ContentRules;
}

export function createContentRules(settings: ContentSettings): SpanContentRules {
  const classify = attributeClassifier(settings.contentAttributes);
  const rulesFor = (isInGenAiEvent: boolean): ContentRules => ({
    ruleOf: (name) => (settings.keepContent ? "keep" : classify(name, isInGenAiEvent)),
    apply: applyRule,
    errorTextEnd: (cursor, start, end) =>
      settings.keepContent ? end : start + knownErrorTextBytes(cursor.bytes, start, end),
  });
  return { usual: rulesFor(false), genAiEvent: rulesFor(true) };
}

export const isGenAiEventName = (name: string) => name.startsWith(genAiEventPrefix);

function applyRule(cursor: Cursor, rule: AttributeRule, value: Value): string | true | undefined {
  if (rule === "keep") return true;
  if (rule === "drop" || value.kind !== valueKind.text) return undefined;
  const { start, end } = value;
  if (rule === "error text")
    return textAt(cursor, start, start + knownErrorTextBytes(cursor.bytes, start, end));
  const model = findModel(cursor.bytes, start, end);
  return model === undefined ? undefined : `{"model":${textAt(cursor, model.start, model.end)}}`;
}
