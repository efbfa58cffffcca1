/** Every query that a dashboard asks ClickHouse, for tests and benches. */
import { dashboards } from "./all.ts";
import type { PanelSpec } from "./spec.ts";

export interface PanelQuery {
  /** The dashboard's uid. */
  readonly dashboard: string;
  /** Title of the panel, name of the variable or of the annotation. */
  readonly panel: string;
  readonly type: Exclude<PanelSpec["type"], "text"> | "variable" | "annotation";
  /** With the data source's macros (`$__timeInterval`, …) and Grafana's variables (`${model:singlequote}`) in it. */
  readonly sql: string;
}

export const panelQueries: readonly PanelQuery[] = dashboards.flatMap(
  ({ uid, rows, variables, annotations }): readonly PanelQuery[] => [
    ...rows.flatMap(({ panels }) =>
      panels.flatMap((panel) =>
        panel.type === "text" || panel.source.from === "prometheus"
          ? []
          : [{ dashboard: uid, panel: panel.title, type: panel.type, sql: panel.source.sql }],
      ),
    ),
    ...variables.flatMap((variable): readonly PanelQuery[] =>
      variable.kind === "query"
        ? [{ dashboard: uid, panel: variable.name, type: "variable", sql: variable.sql }]
        : [],
    ),
    ...annotations.map(
      ({ name, sql }): PanelQuery => ({ dashboard: uid, panel: name, type: "annotation", sql }),
    ),
  ],
);
