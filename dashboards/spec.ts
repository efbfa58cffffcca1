/**
 * What a dashboard of Foreshock is, before it becomes Grafana's JSON: queries and how they are drawn, as plain data, so that
 * the builder, the tests, the benches and the pictures all read the same.
 */
import type { MetricName } from "../services/contracts/metrics.ts";

export type Unit =
  | "percentunit"
  | "s"
  | "reqps"
  | "short"
  | "none"
  | "currencyUSD"
  | "string"
  | "dateTimeFromNow"
  | "dateTimeAsIso"
  | "bytes"
  | "x";

/** A colour for a value, with the word that stands for it. */
export interface ValueText {
  readonly value: number;
  readonly text: string;
  readonly color: string;
}

export interface Threshold {
  /** From here on; undefined: from the start. */
  readonly from: number | undefined;
  readonly color: string;
}

/** Two columns that are drawn as a band between them, and the line that it belongs to. */
export interface Band {
  readonly low: string;
  readonly high: string;
  readonly line: string;
}

export interface Column {
  readonly unit?: Unit;
  readonly decimals?: number;
  readonly values?: readonly ValueText[];
  readonly width?: number;
  readonly links?: readonly Link[];
  readonly isHidden?: boolean;
  readonly color?: string;
  /** Drawn against an axis on the right. */
  readonly isRight?: boolean;
}

export interface Link {
  readonly title: string;
  readonly url: string;
}

/** What is asked of ClickHouse, with the data source's macros and Grafana's variables in it. */
export interface ClickHouseSource {
  readonly from: "clickhouse";
  readonly sql: string;
}

/** One expression a query; `legend` with Prometheus' `{{label}}`. */
export interface PrometheusSource {
  readonly from: "prometheus";
  readonly queries: readonly { readonly expression: string; readonly legend: string }[];
  /** The metrics that the expressions name. */
  readonly metrics: readonly MetricName[];
}

interface PanelBase {
  readonly title: string;
  /** What it shows, and what a bad picture looks like. */
  readonly description: string;
  /** In twenty-fourths of the width. */
  readonly width: number;
  readonly height: number;
  readonly unit: Unit;
  readonly decimals?: number;
  readonly links?: readonly Link[];
  readonly columns?: Readonly<Record<string, Column>>;
}

export interface TimeSeriesPanel extends PanelBase {
  readonly type: "timeseries";
  readonly source: ClickHouseSource | PrometheusSource;
  readonly bands?: readonly Band[];
  readonly isStacked?: boolean;
  readonly isLogarithmic?: boolean;
  readonly max?: number;
  /** A line that means a page. */
  readonly thresholds?: readonly Threshold[];
}

export interface StatPanel extends PanelBase {
  readonly type: "stat";
  readonly source: ClickHouseSource | PrometheusSource;
  readonly thresholds?: readonly Threshold[];
  readonly values?: readonly ValueText[];
  readonly noValue?: string;
}

export interface TablePanel extends PanelBase {
  readonly type: "table";
  readonly source: ClickHouseSource;
}

/** States over time, a row a series. */
export interface StatePanel extends PanelBase {
  readonly type: "state-timeline";
  readonly source: ClickHouseSource;
  readonly values: readonly ValueText[];
}

export interface BarPanel extends PanelBase {
  readonly type: "bargauge";
  readonly source: ClickHouseSource;
  readonly max?: number;
}

export interface TextPanel extends PanelBase {
  readonly type: "text";
  readonly markdown: string;
}

export type PanelSpec =
  | TimeSeriesPanel
  | StatPanel
  | TablePanel
  | StatePanel
  | BarPanel
  | TextPanel;

export interface RowSpec {
  /** Undefined: the panels that are always open, first on the dashboard. */
  readonly title?: string;
  readonly panels: readonly PanelSpec[];
}

export type VariableSpec =
  | {
      readonly kind: "query";
      readonly name: string;
      readonly label: string;
      readonly description: string;
      readonly sql: string;
      /** With All and several values. */
      readonly isMulti: boolean;
    }
  | {
      readonly kind: "choice";
      readonly name: string;
      readonly label: string;
      readonly description: string;
      readonly options: readonly { readonly text: string; readonly value: string }[];
    }
  | {
      readonly kind: "text";
      readonly name: string;
      readonly label: string;
      readonly description: string;
      readonly value: string;
    };

export interface AnnotationSpec {
  readonly name: string;
  readonly color: string;
  readonly sql: string;
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly refresh: string;
  readonly variables: readonly VariableSpec[];
  readonly annotations: readonly AnnotationSpec[];
  readonly rows: readonly RowSpec[];
}
