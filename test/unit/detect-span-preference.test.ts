import { describe, expect, it } from "vitest";
import { type Cell, cellKey } from "../../services/contracts/cell.ts";
import { emptyNames, nameCells } from "../../services/detect/cell-names.ts";
import { noteSpans, preferSpans } from "../../services/detect/span-preference.ts";
import { aCell, aCellWindow } from "../support/records.ts";

const windowMs = 5_000;
const series = { maxCells: 100, evictAfterWindows: 1_000 } as Parameters<typeof nameCells>[2];

const windowOf = (cell: Partial<Cell>) => aCellWindow({ cell: cellKey(aCell(cell)) });

/** Whether the metric's requests count in the window of the spans. */
function countsBeside(span: Partial<Cell>, metric: Partial<Cell>): boolean {
  const told = preferSpans(
    emptyNames(),
    { spans: [windowOf(span)], metrics: [windowOf(metric)] },
    windowMs,
  );
  return told.length > 1;
}

describe("requests that metrics tell of", () => {
  const bedrock = { provider: "aws.bedrock", model: "anthropic.claude-sonnet-4-5-20250929-v1:0" };
  const there = { ...bedrock, region: "us-east-1" };
  const nowhere = { ...bedrock, region: "" };

  it.each([
    ["the same cell", there, there],
    ["no region, where the spans have one", there, nowhere],
    ["a model without its version", there, { ...there, model: "claude-sonnet-4-5" }],
    ["neither", there, { ...nowhere, model: "claude-sonnet-4-5" }],
  ])("are those of the spans: %s", (_, span, metric) => {
    expect(countsBeside(span, metric)).toBe(false);
  });

  it.each([
    ["another region", there, { ...there, region: "eu-west-1" }],
    ["a region, where the spans have none", nowhere, there],
    ["another version", { ...there, model: "m-20250101" }, { ...there, model: "m-20250929" }],
    ["another model", there, { ...nowhere, model: "claude-haiku-4-5" }],
    ["another operation", there, { ...nowhere, operation: "embeddings" }],
    ["another provider", there, { ...nowhere, provider: "anthropic" }],
  ])("count beside the spans: %s", (_, span, metric) => {
    expect(countsBeside(span, metric)).toBe(true);
  });

  it("are those of the spans for ten minutes after the last one", () => {
    const names = emptyNames();
    const metrics = [windowOf(nowhere)];
    const spans = [windowOf(there)];
    nameCells(names, spans, series);
    noteSpans(names, spans);

    expect(preferSpans(names, { spans: [], metrics }, windowMs)).toEqual([]);
    names.window += 600_000 / windowMs;
    expect(preferSpans(names, { spans: [], metrics }, windowMs)).toEqual(metrics);
  });
});
