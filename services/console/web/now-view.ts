/** The view *Now*: health, incidents, the matrix, and what is silent, late or learning. */
import type { CellState, Now } from "../../contracts/http-api.ts";
import type { Connection } from "./connection.ts";
import { h, setText } from "./dom.ts";
import { emptyState } from "./empty-state.ts";
import { formatClock, formatDuration, formatNumber, plural } from "./format.ts";
import { glyph } from "./glyph.ts";
import { createHealthView } from "./health-view.ts";
import { incidentList } from "./incident-list.ts";
import { createMatrixView } from "./matrix-view.ts";
import type { Actions, View } from "./view.ts";

const legendOrder: readonly CellState[] = [
  "page",
  "ticket",
  "watching",
  "silent",
  "learning",
  "normal",
];

export function createNowView(actions: Actions, query: () => string): View {
  const health = createHealthView();
  const incidents = h("section", { "aria-label": "Open incidents" });
  const past = h("section", { "aria-label": "Resolved incidents" });
  const matrix = createMatrixView();
  const cells = h("section", { "aria-label": "Cells", class: "cells" }, matrix.element);
  const legend = h("p", { class: "legend" });
  const pipeline = h("p", { class: "muted facts" });
  const silences = h("ul", { class: "silences" });
  const empty = h("section", { class: "empty-state" });
  const element = h(
    "div",
    { class: "now" },
    health.element,
    incidents,
    empty,
    cells,
    legend,
    pipeline,
    silences,
    past,
  );
  let drawn: Now | undefined;
  let drawnQuery = "";
  let drawnMinute = 0;

  function draw(now: Now): void {
    const isEmpty = now.pipeline.newestDataMs === null;
    empty.replaceChildren(...(isEmpty ? [emptyState(now.endpoints)] : []));
    const minute = Math.floor(now.atMs / 10_000);
    const news = JSON.stringify(now.incidents) !== JSON.stringify(drawn?.incidents);
    if (news || minute !== drawnMinute) {
      drawnMinute = minute;
      drawIncidents(now);
    }
    if (isEmpty) cells.hidden = legend.hidden = true;
    else {
      cells.hidden = legend.hidden = false;
      matrix.update(now.cells, query());
      legend.replaceChildren(...legendOf(now));
    }
    silences.replaceChildren(...now.silences.map((silence) => silenceLine(silence, now.atMs)));
    setText(pipeline, isEmpty ? "" : pipelineSentence(now));
  }

  function drawIncidents(now: Now): void {
    const focused = document.activeElement?.getAttribute("data-nav");
    const open = now.incidents.filter(({ phase }) => phase !== "resolved");
    const over = now.incidents.filter(({ phase }) => phase === "resolved");
    incidents.replaceChildren(...(open.length > 0 ? [incidentList(open, now.atMs)] : []));
    past.replaceChildren(
      ...(over.length > 0
        ? [h("h2", {}, "Resolved in the last day"), incidentList(over, now.atMs)]
        : []),
    );
    if (focused?.startsWith("incident:"))
      element.querySelector<HTMLElement>(`[data-nav="${CSS.escape(focused)}"]`)?.focus();
  }

  function silenceLine(silence: Now["silences"][number], nowMs: number): HTMLElement {
    const what = Object.entries(silence.matchers)
      .map(([name, value]) => `${name}=${value}`)
      .join(", ");
    const lift = h("button", { type: "button", class: "quiet" }, "Lift");
    lift.addEventListener("click", () => actions.lift(silence.id));
    return h(
      "li",
      {},
      `Silence by ${silence.by} on ${what === "" ? "everything" : what} until ${formatClock(silence.untilMs, nowMs, undefined)} `,
      lift,
    );
  }

  return {
    element,
    update(connection: Connection) {
      health.update(connection);
      element.classList.toggle("unsure", isUnsure(connection));
      const { now } = connection;
      if (now === undefined || (now === drawn && query() === drawnQuery)) return;
      draw(now);
      drawn = now;
      drawnQuery = query();
    },
    incidentInFocus: () =>
      document.activeElement?.getAttribute("data-incident") ??
      drawn?.incidents.find(({ phase }) => phase !== "resolved")?.incident,
    title: () => {
      const open = drawn?.incidents.filter(({ phase }) => phase !== "resolved").length ?? 0;
      return open === 0 ? "Foreshock" : `(${open}) Foreshock`;
    },
    dispose: () => {},
  };
}

/** Old pictures lose their colour: the age is what counts. */
function isUnsure({ now, line, skewMs }: Connection): boolean {
  if (now === undefined) return false;
  const { newestDataMs, staleAfterMs } = now.pipeline;
  return (
    line === "lost" || (newestDataMs !== null && Date.now() + skewMs - newestDataMs > staleAfterMs)
  );
}

function legendOf({ cells, hiddenCells }: Now): HTMLElement[] {
  const items = legendOrder.map((state) => {
    const count = cells.filter((cell) => cell.state === state).length;
    return h(
      "span",
      { class: count === 0 ? "none" : "" },
      glyph(state, true),
      ` ${count} ${state}`,
    );
  });
  return hiddenCells === 0
    ? items
    : [...items, h("span", {}, `${hiddenCells} smaller ones not shown`)];
}

function pipelineSentence({ pipeline }: Now): string {
  const { lateSpans, clampedSpans, duplicateSpans } = pipeline;
  const remarks = [
    ...(lateSpans > 0 ? [`${formatNumber(lateSpans)} late`] : []),
    ...(clampedSpans > 0 ? [`${formatNumber(clampedSpans)} from clocks that run ahead`] : []),
    ...(duplicateSpans > 0 ? [`${formatNumber(duplicateSpans)} sent twice`] : []),
  ];
  return [
    `${formatNumber(Math.round(pipeline.spansPerSecond))} spans/s from ${plural(pipeline.senders, "sender")}`,
    remarks.length === 0 ? "no late spans in 15 min" : `${remarks.join(", ")} in 15 min`,
    ...(pipeline.verdictDelayMs === null
      ? []
      : [
          `verdict ${formatDuration(pipeline.verdictDelayMs)} after a window of ${formatDuration(pipeline.windowMs)}`,
        ]),
  ].join(" · ");
}
