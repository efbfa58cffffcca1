/**
 * What a span counts as, by the rules that windows are made with: a seam, so that rows can say it without the archive knowing the
 * conventions. The reader calls it in the order of the record.
 */
export interface SpanJudgement {
  readonly provider: string;
  readonly model: string;
  readonly region: string;
  readonly operation: string;
  /** One of `outcomes`. */
  readonly outcome: string;
}

/** Positions are those of the messages in the record's bytes. */
export interface SpanJudge {
  beginResource(bytes: Uint8Array, start: number, end: number): void;
  beginScope(bytes: Uint8Array, nameStart: number, nameEnd: number): void;
  /** Undefined for a span that is no model call and no request. */
  judgeSpan(bytes: Uint8Array, start: number, end: number): SpanJudgement | undefined;
}

/** Says nothing of any span: the columns stay empty. */
export const silentJudge: SpanJudge = {
  beginResource: () => {},
  beginScope: () => {},
  judgeSpan: () => undefined,
};
