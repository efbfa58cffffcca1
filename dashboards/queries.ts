/** Queries as the data sources read them. */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";
import { DataqueryBuilder as PrometheusQueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import type { ClickHouseSource, PanelSpec, PrometheusSource } from "./spec.ts";

/** The uids that `provisioning/datasources` gives. */
export const dataSources = {
  clickhouse: { type: "grafana-clickhouse-datasource", uid: "foreshock-history" },
  prometheus: { type: "prometheus", uid: "foreshock-prometheus" },
} as const satisfies Record<string, DataSourceRef>;

/** A query of grafana-clickhouse-datasource 4; the SDK has no builder for it. */
export interface ClickHouseQuery extends Dataquery {
  readonly refId: string;
  readonly datasource: DataSourceRef;
  readonly pluginVersion: string;
  readonly editorType: "sql";
  readonly queryType: "timeseries" | "table";
  /** 0: a time series, 1: a table. */
  readonly format: 0 | 1;
  readonly rawSql: string;
}

export function clickHouseQuery(sql: string, as: "timeseries" | "table"): ClickHouseQuery {
  return {
    refId: "A",
    datasource: { ...dataSources.clickhouse },
    pluginVersion: "4.20.0",
    editorType: "sql",
    queryType: as,
    format: as === "timeseries" ? 0 : 1,
    rawSql: sql,
    _implementsDataqueryVariant: () => {},
  };
}

const isOverTime = (type: PanelSpec["type"]) => type === "timeseries" || type === "state-timeline";

export function targetsOf(
  source: ClickHouseSource | PrometheusSource,
  type: PanelSpec["type"],
): readonly Builder<Dataquery>[] {
  if (source.from === "clickhouse") {
    const query = clickHouseQuery(source.sql, isOverTime(type) ? "timeseries" : "table");
    return [{ build: () => query }];
  }
  return source.queries.map(({ expression, legend }, index) => {
    const query = new PrometheusQueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .expr(expression)
      .legendFormat(legend)
      .datasource({ ...dataSources.prometheus });
    return isOverTime(type) ? query.range() : query.instant();
  });
}
