import { type AttributeRules, createAttributeRules } from "./attribute-rules.ts";
import { type Cursor, createCursor } from "./cursor.ts";
import { createEdits, type Edits } from "./edits.ts";

export interface WalkerLimits {
  /** Longer attribute values are cut to this many bytes. */
  readonly maxAttributeBytes: number;
  /** Further attributes of a span, event, link, log record, scope or resource are dropped. */
  readonly maxAttributes: number;
  readonly keepContent: boolean;
  /** Further names of content attributes; a trailing `*` matches any ending. */
  readonly contentAttributes: readonly string[];
}

/** Attributes and texts cut, by reason. */
export interface CutCounts {
  content: number;
  tooLong: number;
  tooMany: number;
}

/** Where the ids of the last span walked lie. */
export interface SpanIds {
  traceStart: number;
  traceBytes: number;
  spanStart: number;
  spanBytes: number;
}

/** What the walk over a request shares: where it is, what it noted. Changed in place. */
export interface WalkState {
  readonly cursor: Cursor;
  readonly edits: Edits;
  readonly cuts: CutCounts;
  readonly ids: SpanIds;
  readonly limits: WalkerLimits;
  readonly usualRules: AttributeRules;
  readonly eventRules: AttributeRules;
  /** Those of the message that is being walked. */
  rules: AttributeRules;
}

/** Attribute values may be nested this deep. */
export const maxValueDepth = 32;

export function createWalkState(limits: WalkerLimits): WalkState {
  const extra = limits.keepContent ? undefined : limits.contentAttributes;
  const usualRules = createAttributeRules(extra, false);
  return {
    cursor: createCursor(),
    edits: createEdits(),
    cuts: { content: 0, tooLong: 0, tooMany: 0 },
    ids: { traceStart: 0, traceBytes: 0, spanStart: 0, spanBytes: 0 },
    limits,
    usualRules,
    eventRules: createAttributeRules(extra, true),
    rules: usualRules,
  };
}
