/** Shapes that most dashboards have several of. */
import type { PanelSpec, StatPanel, TimeSeriesPanel } from "./spec.ts";

type Looks<Panel extends PanelSpec> = Omit<
  Panel,
  "type" | "title" | "description" | "source" | "width" | "height"
> &
  Partial<Pick<Panel, "width" | "height">>;

/** One of the six numbers of the row that answers the dashboard's question. */
export const answer = (
  title: string,
  description: string,
  looks: Looks<StatPanel>,
  sql: string,
): StatPanel => ({
  type: "stat",
  title,
  description,
  width: 4,
  height: 4,
  ...looks,
  source: { from: "clickhouse", sql },
});

/** Lines over time, half as wide as the page. */
export const chart = (
  title: string,
  description: string,
  looks: Looks<TimeSeriesPanel>,
  sql: string,
): TimeSeriesPanel => ({
  type: "timeseries",
  title,
  description,
  width: 12,
  height: 8,
  ...looks,
  source: { from: "clickhouse", sql },
});
