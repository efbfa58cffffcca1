/** A cell's traffic and prompt sizes, now and usually: its weight, and the known causes of slowness. */
import { decayWithHalfLife } from "../../detectors/decay.ts";
import type { DriverSample } from "../../detectors/drivers.ts";
import type { CellFrame } from "../contracts/frame.ts";
import type { CellState } from "./cell-state.ts";

const usualDecay = decayWithHalfLife(3_600_000);
const usualInputDecay = decayWithHalfLife(24 * 3_600_000);
const recentWeight = 1 / 24;

/** Takes a window's traffic and prompts in, before it is judged. The usual ones do not learn while the cell is frozen. */
export function updateContext(
  cell: CellState,
  window: {
    readonly requests: number;
    readonly inputTokens: number | undefined;
    readonly windowMs: number;
  },
): DriverSample {
  const { requests, inputTokens, windowMs } = window;
  const { isFrozen } = cell;
  const isFirst = cell.usualWindows === 0;
  if (requests > 0) {
    cell.seen++;
    cell.quiet = 0;
  } else cell.quiet++;
  if (!isFrozen || isFirst) {
    const decay = usualDecay(windowMs);
    cell.usualRequests = cell.usualRequests * decay + requests;
    cell.usualWindows = cell.usualWindows * decay + 1;
  }
  cell.recentRequests = isFirst
    ? requests
    : cell.recentRequests + recentWeight * (requests - cell.recentRequests);
  if (inputTokens !== undefined && inputTokens > 0) {
    const log = Math.log(inputTokens);
    cell.recentInput = approach(cell.recentInput, log, recentWeight);
    if (!isFrozen || cell.usualInput === null)
      cell.usualInput = approach(
        cell.usualInput,
        log,
        Math.max(1 / cell.seen, 1 - usualInputDecay(windowMs)),
      );
  }
  return { inputTokens, load: cell.recentRequests + 0.25 };
}

function approach(value: number | null, target: number, weight: number): number {
  return value === null ? target : value + weight * (target - value);
}

/** Requests a window that the cell has on average. */
export function usualRequests(cell: CellState): number {
  return cell.usualWindows === 0 ? 0 : cell.usualRequests / cell.usualWindows;
}

export function contextOf(cell: CellState, explainedFactor: number): CellFrame["context"] {
  const usual = usualRequests(cell);
  return {
    trafficRatio: usual > 0 ? short(cell.recentRequests / usual) : null,
    inputTokensRatio:
      cell.recentInput === null || cell.usualInput === null
        ? null
        : short(Math.exp(cell.recentInput - cell.usualInput)),
    explainedFactor: short(explainedFactor),
  };
}

const powersOfTen = Float64Array.from({ length: 309 }, (_, power) => 10 ** power);

function powerOfTen(power: number): number {
  return powersOfTen[power] as number;
}

/** Digits after the point that make four digits in all. By comparison where numbers usually lie: a logarithm costs more. */
function digitsOf(size: number): number {
  if (size >= 1 && size < 1_000) return size < 10 ? 3 : size < 100 ? 2 : 1;
  if (size < 1 && size >= 0.001) return size < 0.01 ? 6 : size < 0.1 ? 5 : 4;
  return 3 - Math.floor(Math.log10(size));
}

/** Four digits: what a reader needs, in half the bytes. By arithmetic, since `toPrecision` is slow. */
export function short(value: number): number {
  if (Number.isInteger(value)) return value;
  const digits = digitsOf(Math.abs(value));
  if (digits > 0) {
    const scale = powerOfTen(Math.min(300, digits));
    return Math.round(value * scale) / scale;
  }
  const scale = powerOfTen(-digits);
  return Math.round(value / scale) * scale;
}
