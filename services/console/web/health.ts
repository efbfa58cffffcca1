/** One sentence of health. Pure; the server answers with it, and the page says it again every second as data ages. */
import type {
  CellState,
  HealthLevel,
  IncidentSummary,
  PipelineView,
} from "../../contracts/http-api.ts";
import { formatDuration, plural } from "./format.ts";

export interface HealthInput {
  readonly nowMs: number;
  readonly pipeline: Pick<PipelineView, "newestDataMs" | "staleAfterMs">;
  readonly incidents: readonly Pick<IncidentSummary, "severity" | "phase" | "title">[];
  readonly cells: readonly { readonly state: CellState }[];
  readonly hiddenCells: number;
}

export interface Health {
  readonly level: HealthLevel;
  readonly sentence: string;
  /** Age of the newest data, ms; null without data. */
  readonly ageMs: number | null;
}

/** Never good without fresh data: age goes before everything else that could be said. */
export function healthOf(input: HealthInput): Health {
  const { newestDataMs, staleAfterMs } = input.pipeline;
  if (newestDataMs === null)
    return { level: "empty", sentence: "No telemetry has arrived yet", ageMs: null };
  const ageMs = Math.max(0, input.nowMs - newestDataMs);
  const known = knownHealth(input);
  if (ageMs > staleAfterMs)
    return {
      level: "stale",
      sentence: `No new data for ${formatDuration(ageMs)}; before that: ${lowerFirst(known.sentence)}`,
      ageMs,
    };
  return {
    level: known.level,
    sentence: `${known.sentence}, newest data ${formatDuration(ageMs)} old`,
    ageMs,
  };
}

function knownHealth({ incidents, cells, hiddenCells }: HealthInput): Omit<Health, "ageMs"> {
  const open = incidents.filter(({ phase }) => phase === "firing" || phase === "resolving");
  const pages = open.filter(({ severity }) => severity === "page");
  const tickets = open.filter(({ severity }) => severity === "ticket");
  const total = cells.length + hiddenCells;
  const count = (state: CellState) => cells.filter((cell) => cell.state === state).length;
  const troubled = count("page") + count("ticket");
  const [firstPage] = pages;
  if (firstPage !== undefined)
    return {
      level: "page",
      sentence: `${[plural(pages.length, "page"), ...(tickets.length > 0 ? [plural(tickets.length, "ticket")] : [])].join(" and ")} open, ${troubled} of ${plural(total, "cell")} degraded`,
    };
  if (tickets.length > 0)
    return {
      level: "ticket",
      sentence: `${plural(tickets.length, "ticket")} open, ${troubled} of ${plural(total, "cell")} degraded`,
    };
  const silent = count("silent");
  const watching = count("watching");
  const learning = count("learning");
  const remarks = [
    ...(watching > 0 ? [`${watching} watched closely`] : []),
    ...(silent > 0 ? [`${silent} silent`] : []),
    ...(learning > 0 ? [`${learning} still learning`] : []),
  ];
  if (learning === total && total > 0)
    return {
      level: "learning",
      sentence:
        total === 1
          ? "The one cell is still learning what is normal"
          : `All ${total} cells are still learning what is normal`,
    };
  if (total === 0)
    return { level: "learning", sentence: "Telemetry arrives, but no model calls yet" };
  if (remarks.length > 0)
    return {
      level: watching + silent > 0 ? "watching" : "good",
      sentence: `${total - watching - silent - learning} of ${plural(total, "cell")} normal, ${remarks.join(", ")}`,
    };
  return {
    level: "good",
    sentence: total === 1 ? "The one cell is normal" : `All ${total} cells normal`,
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
