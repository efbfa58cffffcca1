/** The view *Incident*: the alert's own text, the order of things, spread, leading signal, who is hit, traces, deliveries. */
import type { IncidentDetail } from "../../contracts/http-api.ts";
import { attributionBars } from "./attribution.ts";
import { type Connection, getDetail } from "./connection.ts";
import { h, setText } from "./dom.ts";
import { formatClock, formatDuration } from "./format.ts";
import { glyph } from "./glyph.ts";
import { createCharts } from "./incident-charts.ts";
import { facts } from "./incident-list.ts";
import type { Actions, View } from "./view.ts";

export function createIncidentView(id: string, actions: Actions): View {
  const head = h("header", { class: "incident-head" });
  const alert = h("div", { class: "alert-text" });
  const timeline = h("ol", { class: "timeline" });
  const charts = createCharts();
  const attribution = h("div", { class: "attribution" });
  const traces = h("div");
  const deliveries = h("div");
  const body = h(
    "div",
    { class: "incident-body" },
    h("section", { class: "wide", "aria-label": "Alert" }, alert),
    section("What happened", timeline),
    section("What they have in common", attribution),
    section("Spread", charts.spread, "wide"),
    section("Leading signal", charts.signal, "wide"),
    section("Example traces", traces),
    section("Deliveries", deliveries),
  );
  body.hidden = true;
  head.append(h("p", { class: "muted" }, "Reading the incident …"));
  const element = h("article", { class: "incident-page" }, head, body);
  let detail: IncidentDetail | undefined;
  let isFetching = false;
  let isDisposed = false;
  let seenNow: Connection["now"];
  let skewMs = 0;

  async function fetchDetail(): Promise<void> {
    if (isFetching || isDisposed) return;
    isFetching = true;
    try {
      const next = await getDetail(id);
      if (!isDisposed) draw(next);
    } catch (error) {
      if (detail === undefined)
        head.replaceChildren(
          h("h1", {}, "This incident cannot be shown"),
          h(
            "p",
            { class: "muted" },
            `${(error as Error).message}. `,
            h("a", { href: "/", "data-route": true }, "Back to Now"),
          ),
        );
    } finally {
      isFetching = false;
    }
  }

  function draw(next: IncidentDetail): void {
    const isNews =
      JSON.stringify({ ...next, series: null, spread: null, summary: null }) !==
      JSON.stringify(detail && { ...detail, series: null, spread: null, summary: null });
    detail = next;
    element.dataset["places"] = JSON.stringify(next.incident.dimensions);
    body.hidden = false;
    const nowMs = Date.now() + skewMs;
    drawHead(head, next, { actions, nowMs });
    charts.update(next);
    if (!isNews) return;
    alert.replaceChildren(...alertLines(next.text));
    timeline.replaceChildren(...timelineItems(next, nowMs));
    attribution.replaceChildren(attributionBars(next.attribution));
    traces.replaceChildren(traceTable(next));
    deliveries.replaceChildren(deliveryTable(next, nowMs));
  }

  void fetchDetail();
  return {
    element,
    update(connection) {
      skewMs = connection.skewMs;
      // Only an open incident still moves.
      if (connection.now !== seenNow && detail?.incident.phase !== "resolved") void fetchDetail();
      seenNow = connection.now;
    },
    onIncident: (incident) => {
      if (incident === id) void fetchDetail();
    },
    incidentInFocus: () => id,
    title: () => (detail === undefined ? "Foreshock" : `${detail.incident.title} – Foreshock`),
    dispose() {
      isDisposed = true;
      charts.dispose();
    },
  };
}

function section(title: string, content: HTMLElement, className = ""): HTMLElement {
  return h("section", { class: className, "aria-label": title }, h("h2", {}, title), content);
}

function drawHead(
  head: HTMLElement,
  { summary, incident, acknowledged }: IncidentDetail,
  { actions, nowMs }: { readonly actions: Actions; readonly nowMs: number },
): void {
  const isOver = incident.phase === "resolved";
  const state = isOver
    ? "normal"
    : summary.severity === "page"
      ? "page"
      : summary.severity === "ticket"
        ? "ticket"
        : "watching";
  const key = JSON.stringify([
    summary.title,
    summary.phase,
    summary.severity,
    acknowledged,
    summary.isSilenced,
  ]);
  if (head.dataset["key"] !== key) {
    head.dataset["key"] = key;
    const acknowledge = h(
      "button",
      {
        type: "button",
        class: "main",
        "aria-keyshortcuts": "a",
        disabled: acknowledged !== null || isOver,
      },
      acknowledged === null ? "Acknowledge" : `Acknowledged by ${acknowledged.by}`,
    );
    acknowledge.addEventListener("click", () => actions.acknowledge(incident.incident));
    const silence = h(
      "button",
      { type: "button", "aria-keyshortcuts": "s" },
      summary.isSilenced ? "Silenced" : "Silence",
    );
    silence.addEventListener("click", () => actions.silence(incident.incident));
    head.replaceChildren(
      h("a", { href: "/", "data-route": true, class: "back" }, "← Now"),
      h("h1", { class: state }, glyph(state), h("span", {}, summary.title)),
      h("p", { class: "muted facts" }),
      h("div", { class: "actions" }, acknowledge, silence),
    );
  }
  const line = head.querySelector(".facts");
  if (line !== null) setText(line, facts(summary, nowMs));
}

/** The alert's sentences as they are, its labels (ten columns) set beside them. */
function alertLines(text: string): HTMLElement[] {
  const [headline = "", ...lines] = text.split("\n");
  return [
    h("p", { class: "headline" }, headline),
    h(
      "dl",
      {},
      ...lines.flatMap((line) => [
        h("dt", {}, line.slice(0, 10).trim()),
        h("dd", {}, line.slice(10)),
      ]),
    ),
  ];
}

function timelineItems({ timeline }: IncidentDetail, nowMs: number): HTMLElement[] {
  const first = timeline[0]?.atMs ?? 0;
  return timeline.map(({ atMs, kind, what, where }) =>
    h(
      "li",
      { class: kind },
      h(
        "time",
        {
          datetime: new Date(atMs).toISOString(),
          title: `${formatDuration(atMs - first)} after the first sign`,
        },
        formatClock(atMs, nowMs, undefined),
      ),
      h("span", {}, what, where === "" ? null : h("span", { class: "muted" }, ` ${where}`)),
    ),
  );
}

function traceTable({ incident }: IncidentDetail): HTMLElement {
  if (incident.examples.length === 0) return h("p", { class: "muted" }, "None were seen.");
  return table(
    ["Trace", "Span", "Why"],
    incident.examples.map(({ traceId, spanId, why }) => [
      h("code", {}, traceId),
      h("code", {}, spanId),
      why,
    ]),
  );
}

function deliveryTable({ deliveries }: IncidentDetail, nowMs: number): HTMLElement {
  if (deliveries.length === 0)
    return h(
      "p",
      { class: "muted" },
      "Nobody was told yet. Whom to tell is configured under notify.sinks.",
    );
  return table(
    ["When", "Whom", "What", "Outcome"],
    deliveries.map(({ atMs, sink, transition, outcome, attempts, detail }) => [
      formatClock(atMs, nowMs, undefined),
      sink,
      transition,
      `${outcome}${attempts > 1 ? ` after ${attempts} tries` : ""}${outcome === "delivered" ? "" : `: ${detail}`}`,
    ]),
  );
}

function table(
  titles: readonly string[],
  rows: readonly (readonly (string | HTMLElement)[])[],
): HTMLElement {
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { class: "plain" },
      h("thead", {}, h("tr", {}, ...titles.map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((field) => h("td", {}, field))))),
    ),
  );
}
