/** A cell's part of the frame, once its signals are judged. */
import { type ExceedanceState, usualQuantile } from "../../detectors/exceedance.ts";
import type { CellFrame } from "../contracts/frame.ts";
import { counter, estimateBreadth } from "../contracts/window.ts";
import { contextOf, short, usualRequests } from "./cell-context.ts";
import type { CellState } from "./cell-state.ts";
import { frameDimensions } from "./frame-dimensions.ts";
import type { Step } from "./judge-step.ts";
import { failuresOf, signalSources } from "./signal-sources.ts";
import { observed, observedDimensions } from "./span-evidence.ts";
import { stalledRequests } from "./stall.ts";

export function assembleFrame(step: Step): CellFrame {
  const { cell, window, shown, factor, perRequest } = step;
  const isUnusual = isAnyUnusual(shown);
  const stalled = stalledRequests(step);
  const seen = (count: number) => observed(count, perRequest);
  return {
    cell: window.cell,
    requests: seen(counter(window, "requests")) + stalled,
    failures: seen(failuresOf(window)) + stalled,
    limited: seen(counter(window, "rate_limit")),
    authFailures: seen(counter(window, "auth")),
    tenants: estimateBreadth(window, "tenants"),
    tenantsFailed: estimateBreadth(window, "tenantsFailed"),
    tenantsLimited: estimateBreadth(window, "tenantsLimited"),
    usualRequests: short(usualRequests(cell)),
    quietWindows: cell.quiet,
    context: contextOf(cell, factor),
    signals: shown,
    dimensions: isUnusual
      ? observedDimensions(frameDimensions(window.dimensions, slowAbove(cell, factor)), perRequest)
      : [],
    examples: isUnusual ? [...window.examples] : [],
  };
}

function isAnyUnusual(shown: Step["shown"]): boolean {
  for (let i = 0; i < shown.length; i++) {
    const state = shown[i]?.state;
    if (state === "watching" || state === "anomalous") return true;
  }
  return false;
}

/** The frame of a cell that nothing was heard of: counts are 0, and there are neither dimensions nor examples. */
export function assembleSilence({ cell, window, shown, factor }: Step): CellFrame {
  return {
    cell: window.cell,
    requests: 0,
    failures: 0,
    limited: 0,
    authFailures: 0,
    tenants: 0,
    tenantsFailed: 0,
    tenantsLimited: 0,
    usualRequests: short(usualRequests(cell)),
    quietWindows: cell.quiet,
    context: contextOf(cell, factor),
    signals: shown,
    dimensions: [],
    examples: [],
  };
}

/** The cell's usual 95th percentile of the time to first token, of the duration where there is none. */
function slowAbove(cell: CellState, factor: number): number | undefined {
  for (const name of ["ttft", "duration"]) {
    const index = signalSources.findIndex(({ signal }) => signal === name);
    const signal = cell.signals[index];
    if (signal === null || signal === undefined) continue;
    return usualQuantile(signal.detectors[0] as ExceedanceState, 0.95, factor);
  }
  return undefined;
}
