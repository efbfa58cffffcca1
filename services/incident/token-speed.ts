/**
 * Where answers begin in time and then come word by word too slowly, the time to the first token shows nothing. A cell whose token
 * speed is surely worse, and worse than its first tokens are, is slow by its token speed instead: the same tally, of the other signal.
 */
import type { SignalVerdict } from "../contracts/frame.ts";
import { latencyLogSigma, logSlowdown, slowShareAfter } from "./slowness.ts";
import { add, emptyTally, fade, sureExcessRatio, type Tally } from "./tally.ts";

export interface TokenSpeed {
  /** Requests with slow tokens, and with late first tokens (or answers), half-life `lastingMs`. */
  readonly tokens: Tally;
  readonly first: Tally;
}

export const initialTokenSpeed = (): TokenSpeed => ({ tokens: emptyTally(), first: emptyTally() });

/** What detect calls slow is slower than 95 % usually are. */
const usualShare = 0.05;
/** Log standard deviation of the time per token within a model: it depends on the load of its servers alone, not on prompts. */
const tokenLogSigma = 0.25;
/** Share of requests that must surely be slow beyond the usual ones. */
const leastShare = 0.2;
const deviations = 3;

/**
 * Steps the memory in place over a window. `first` is the window's tally of first tokens, `verdict` that of the time per token: a frame that
 * leaves it out found it as usual. Returns the tally that the cell's slowness is to be judged by.
 */
export function stepTokenSpeed(
  memory: TokenSpeed,
  first: Tally,
  { verdict, fading }: { readonly verdict: SignalVerdict | undefined; readonly fading: number },
): Tally {
  fade(memory.tokens, fading);
  fade(memory.first, fading);
  if (first.of === 0) return first;
  add(memory.first, first);
  const isSlower = verdict?.direction === "up" && verdict.of > 0;
  const of = isSlower ? verdict.of : first.of;
  const expected = usualShare * of;
  add(memory.tokens, { bad: isSlower ? verdict.bad : expected, of, expected });
  if (!isSlowByTokens(memory)) return first;
  const usual = first.expected / first.of;
  return { ...first, bad: first.of * slowShareAfter(usual, Math.exp(tokenSlowdown(memory))) };
}

/** Whether a cell is slow by its token speed rather than by its first tokens. */
export function isSlowByTokens(memory: TokenSpeed): boolean {
  return (
    sureExcessRatio(memory.tokens, deviations) >= leastShare &&
    tokenSlowdown(memory) > logSlowdown(memory.first)
  );
}

const tokenSlowdown = ({ tokens }: TokenSpeed): number =>
  (tokenLogSigma / latencyLogSigma) * logSlowdown(tokens);
