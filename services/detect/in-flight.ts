/** Requests that have not ended yet, as gauges tell, and whether any of them ends. */
import { type CellWindow, counter } from "../contracts/window.ts";

/** Gauges of requests under way and of those that wait, by what real servers call them; values in thousandths. */
const runningGauges = ["in_flight", "http.server.active_requests", "vllm:num_requests_running"];
const waitingGauges = ["queued", "vllm:num_requests_waiting"];
const inFlightGauges = [...runningGauges, ...waitingGauges];
/** Requests that ended in the window; it is there where a gauge and counts of requests are, 0 included. */
export const completedGauge = "completed";

/** Requests in flight, those that wait included; undefined when no gauge tells. */
export const inFlightOf = (window: CellWindow): number | undefined => sumOf(window, inFlightGauges);

/** Requests that wait; undefined when no gauge tells. */
export const queuedOf = (window: CellWindow): number | undefined => sumOf(window, waitingGauges);

function sumOf({ gauges }: CellWindow, names: readonly string[]): number | undefined {
  let sum: number | undefined;
  for (const name of names) {
    const thousandths = gauges[name];
    if (thousandths !== undefined) sum = (sum ?? 0) + thousandths / 1000;
  }
  return sum;
}

/** Whether the window says how many requests are in flight, and how many ended. */
export function isStallKnown({ gauges }: CellWindow): boolean {
  if (gauges[completedGauge] === undefined) return false;
  for (const name of inFlightGauges) if (gauges[name] !== undefined) return true;
  return false;
}

/** 1 where requests are in flight and none ended, else 0. */
export function stalledWindows(window: CellWindow): number {
  if (!isStallKnown(window) || counter(window, "requests") > 0) return 0;
  return window.gauges[completedGauge] === 0 && (inFlightOf(window) ?? 0) > 0 ? 1 : 0;
}
