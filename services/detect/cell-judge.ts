/** Judges one cell's window: steps the detectors of its signals and assembles its part of the frame. */
import { explainedFactor, learnDrivers } from "../../detectors/drivers.ts";
import type { Judgement } from "../contracts/config.ts";
import { type CellFrame, signalCatalog } from "../contracts/frame.ts";
import { type CellWindow, counter, sketch } from "../contracts/window.ts";
import { updateContext } from "./cell-context.ts";
import { assembleFrame, assembleSilence } from "./cell-frame.ts";
import { catchUp, isSilent } from "./cell-silence.ts";
import { type CellState, copyState, initialSignal, spotlessStates } from "./cell-state.ts";
import { isSignalFrozen } from "./freeze.ts";
import type { Step, WindowTime } from "./judge-step.ts";
import { judgeDistribution, judgeGauge, judgeRatio, judgeTraffic } from "./signal-judges.ts";
import {
  geometricMean,
  medianInputTokens,
  type SignalSource,
  signalSources,
  trafficIndex,
} from "./signal-sources.ts";
import { spansPerRequest } from "./span-evidence.ts";
import { noStragglers, stragglersOf } from "./stragglers.ts";
import { shortBelow } from "./usual-length.ts";

const trafficSource = signalSources[trafficIndex] as Extract<SignalSource, { kind: "traffic" }>;
/** Signals whose anomalies freeze the whole cell, by position. */
const freezing = signalSources.map(({ signal }) => signalCatalog[signal].role !== "context");

/** Steps a cell's state (in place) over its window; a silent cell gets a window without requests. */
export function judgeCell(
  cell: CellState,
  window: CellWindow,
  time: WindowTime,
  detect: Judgement["detect"],
): CellFrame {
  if (isSilent(window)) return judgeSilence(cell, window, time, detect);
  catchUp(cell, time.windowMs);
  const sample = updateContext(cell, {
    requests: counter(window, "requests"),
    inputTokens: medianInputTokens(window),
    windowMs: time.windowMs,
  });
  const factor = explainedFactor(cell.drivers, sample);
  const step: Step = {
    cell,
    window,
    time,
    isCellFrozen: cell.isFrozen,
    isWarming: Math.max(cell.seen, levelsSeen(cell, window)) < detect.warmUpWindows,
    perRequest: spansPerRequest(window),
    factor,
    shortBelow: shortBelow(cell),
    stragglers: stragglersOf(cell, window, factor),
    detect,
    shown: [],
    spotless: {
      requests: false,
      served: false,
      ok: false,
      windows: false,
      log_records: false,
      timed: false,
    },
  };
  const latency = latencyLevel(window);
  partFromSpotless(step);
  for (let index = 0; index < signalSources.length; index++) {
    const source = signalSources[index] as SignalSource;
    if (source.kind === "ratio") judgeRatio(step, source, index);
    else if (source.kind === "distribution") judgeDistribution(step, source, index);
    else if (source.kind === "traffic") judgeTraffic(step, source, index);
    else judgeGauge(step, source, index);
  }
  if (!step.isCellFrozen) learnDrivers(cell.drivers, sample, latency);
  cell.isFrozen = isAnyFrozen(cell);
  return assembleFrame(step);
}

/** Windows with gauges so far: a cell that has nothing else is judged by them. Changes `cell`. */
function levelsSeen(cell: CellState, { gauges }: CellWindow): number {
  if (Object.keys(gauges).length > 0) cell.levels = (cell.levels ?? 0) + 1;
  return cell.levels ?? 0;
}

/** A window that tells nothing: only traffic is judged, and the rest is put off (see cell-silence.ts). */
function judgeSilence(
  cell: CellState,
  window: CellWindow,
  time: WindowTime,
  detect: Judgement["detect"],
): CellFrame {
  cell.silent++;
  const { windowMs } = time;
  const sample = updateContext(cell, { requests: 0, inputTokens: undefined, windowMs });
  const step: Step = {
    cell,
    window,
    time,
    isCellFrozen: cell.isFrozen,
    isWarming: cell.seen < detect.warmUpWindows,
    perRequest: 1,
    factor: explainedFactor(cell.drivers, sample),
    shortBelow: 0,
    stragglers: noStragglers,
    detect,
    shown: [],
    spotless: undefined,
  };
  judgeTraffic(step, trafficSource, trafficIndex);
  return assembleSilence(step);
}

function isAnyFrozen({ signals }: CellState): boolean {
  for (let index = 0; index < signals.length; index++) {
    const signal = signals[index];
    if (freezing[index] && signal !== null && signal !== undefined && isSignalFrozen(signal))
      return true;
  }
  return false;
}

function latencyLevel(window: CellWindow): number | undefined {
  const firstTokens = sketch(window, "timeToFirstToken");
  return geometricMean(firstTokens.buckets.length > 0 ? firstTokens : sketch(window, "duration"));
}

/** Gives a ratio signal whose first bad request this is a state of its own: that of the spotless ones, before this window. */
function partFromSpotless(step: Step): void {
  const { cell, window, time } = step;
  for (let index = 0; index < signalSources.length; index++) {
    if (cell.signals[index] !== null) continue;
    const source = signalSources[index] as SignalSource;
    if (source.kind !== "ratio" || source.set !== "ratio" || source.bad(window, step) === 0)
      continue;
    cell.signals[index] = {
      ...initialSignal([], time.windowMs),
      detectors: spotlessStates(cell, source.of, time.windowMs).map(copyState),
    };
  }
}
