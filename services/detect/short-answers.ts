/** Answers that are no answers: empty ones, and those far shorter than a cell's usually are. */
import { bucketValue } from "../../detectors/sketch.ts";
import { type CellWindow, counter, sketch } from "../contracts/window.ts";

/** Empty answers and those below `tokens`. */
export function emptyOrShort(window: CellWindow, tokens: number): number {
  const { buckets, counts } = sketch(window, "outputTokens");
  let short = 0;
  for (let i = 0; i < buckets.length && bucketValue(buckets[i] as number) < tokens; i++)
    short += counts[i] as number;
  return Math.max(counter(window, "empty"), short);
}
