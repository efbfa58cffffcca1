import type { RecordRows } from "./record-rows.ts";
import { type ContentSettings, createContentRules } from "./spans/content-rules.ts";
import type { SpanJudge } from "./spans/judge.ts";
import { createSpanRows, type SpanRows } from "./spans/span-rows.ts";
import { createTableBlocks, dayOf } from "./table-blocks.ts";

/** Spans: a row each. */
export function spanRecordRows(options: {
  readonly maxRows: number;
  readonly content: ContentSettings;
  readonly judge: SpanJudge;
}): RecordRows {
  let rows: SpanRows | undefined;
  const spans = createTableBlocks("spans", {
    maxRows: options.maxRows,
    onCleared: () => rows?.forget(),
  });
  const written = createSpanRows({
    columns: spans.columns,
    rules: createContentRules(options.content),
    judge: options.judge,
    admitRow: ({ appendMs, offset }, index) => spans.admitRow(dayOf(appendMs), offset, index),
  });
  rows = written;
  return { tables: [spans], isStreaming: true, append: written.append };
}
