/**
 * What a span counts as, by the rules that windows are made with: a seam, so that rows can say it without the archive knowing the
 * conventions. The reader calls it in the order of the record, and hands over the attributes that it reads anyway, so that no span
 * is read twice.
 */
export interface SpanJudgement {
  readonly provider: string;
  readonly model: string;
  readonly region: string;
  readonly operation: string;
  /** One of `outcomes`. */
  readonly outcome: string;
}

/** An `AnyValue`: `kind` is the number of its field, 0 where it has none. */
export interface HeededValue {
  readonly kind: number;
  /** Texts, lists, pairs and bytes: where the content lies in the record. */
  readonly start: number;
  readonly end: number;
  /** Flags and integers: halves of the 64 bits. */
  readonly low: number;
  readonly high: number;
  /** Doubles. */
  readonly number: number;
}

/** What a span says beside its attributes. Times are Unix nanoseconds in halves; name and message lie in the record. */
export interface HeededSpan {
  readonly kind: number;
  readonly status: number;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly messageStart: number;
  readonly messageEnd: number;
  readonly startLow: number;
  readonly startHigh: number;
  readonly endLow: number;
  readonly endHigh: number;
}

/** Positions are those of the messages in the record's bytes. */
export interface SpanJudge {
  beginResource(bytes: Uint8Array, start: number, end: number): void;
  beginScope(bytes: Uint8Array, nameStart: number, nameEnd: number): void;
  /** Number of an attribute of spans that the judgement depends on; −1: it does not. */
  fieldOf(attribute: string): number;
  beginSpan(): void;
  /** An attribute of the span, by the number of its name; of several values the last counts. */
  heed(field: number, value: HeededValue): void;
  /** Undefined for a span that is no model call and no request. The span has no events. */
  judgeHeeded(span: HeededSpan): SpanJudgement | undefined;
  /** The same for any span, which is read anew: events say something about calls, too. */
  judgeSpan(bytes: Uint8Array, start: number, end: number): SpanJudgement | undefined;
}

/** Says nothing of any span: the columns stay empty. */
export const silentJudge: SpanJudge = {
  beginResource: () => {},
  beginScope: () => {},
  fieldOf: () => -1,
  beginSpan: () => {},
  heed: () => {},
  judgeHeeded: () => undefined,
  judgeSpan: () => undefined,
};
