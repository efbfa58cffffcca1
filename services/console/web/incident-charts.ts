/** The incident's two charts: drawn again when data, width or colours change. */
import type uPlot from "uplot";
import type { IncidentDetail } from "../../contracts/http-api.ts";
import { type Span, signalChart, spreadChart } from "./chart.ts";
import { h } from "./dom.ts";

export interface IncidentCharts {
  readonly signal: HTMLElement;
  readonly spread: HTMLElement;
  update(detail: IncidentDetail): void;
  dispose(): void;
}

export function createCharts(): IncidentCharts {
  const signal = h("div", { class: "chart signal" });
  const spread = h("div", { class: "chart" });
  let detail: IncidentDetail | undefined;
  let charts: uPlot[] = [];
  let width = 0;

  function clear(): void {
    for (const chart of charts) chart.destroy();
    charts = [];
    signal.replaceChildren();
    spread.replaceChildren();
  }

  function draw(): void {
    if (detail === undefined || signal.clientWidth === 0) return;
    // A hovered chart is being read; it is drawn with the next news.
    if (signal.matches(":hover") || spread.matches(":hover")) if (charts.length > 0) return;
    clear();
    width = signal.clientWidth;
    const span = spanOf(detail);
    const { series } = detail;
    if (series === null)
      signal.append(h("p", { class: "muted" }, "The log no longer holds these windows."));
    else {
      signal.append(
        h(
          "p",
          { class: "muted" },
          `${series.words} of ${series.where}; the band is what was expected`,
        ),
      );
      charts.push(signalChart(signal, series, span));
    }
    if (detail.spread.length === 0) spread.append(h("p", { class: "muted" }, "Nothing to show."));
    else {
      spread.append(
        h("p", { class: "muted" }, "Cells of this incident in which its signals were unusual"),
      );
      charts.push(spreadChart(spread, detail.spread, series?.points ?? [], span));
    }
  }

  const resize = new ResizeObserver(() => {
    if (signal.clientWidth !== width) draw();
  });
  resize.observe(signal);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", draw);
  return {
    signal,
    spread,
    update(next) {
      detail = next;
      draw();
    },
    dispose() {
      resize.disconnect();
      scheme.removeEventListener("change", draw);
      clear();
    },
  };
}

function spanOf({ incident, spread }: IncidentDetail): Span {
  const { forecast } = incident;
  return {
    sinceMs: incident.sinceMs,
    untilMs: incident.resolvedMs ?? spread.at(-1)?.atMs ?? incident.atMs,
    breach:
      forecast === null || incident.phase === "resolved"
        ? null
        : {
            what: forecast.what,
            lowMs: forecast.breachLowMs,
            medianMs: forecast.breachMedianMs,
            highMs:
              forecast.breachHighMs ??
              forecast.breachMedianMs + (forecast.breachMedianMs - forecast.breachLowMs),
          },
  };
}
