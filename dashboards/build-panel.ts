/** A panel as Grafana wants it. */
import { PanelBuilder as BarGaugeBuilder } from "@grafana/grafana-foundation-sdk/bargauge";
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  ScaleDistribution,
  SortOrder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizOrientation,
} from "@grafana/grafana-foundation-sdk/common";
import {
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  type DynamicConfigValue,
  type GridPos,
  MappingType,
  type Panel,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TextBuilder } from "@grafana/grafana-foundation-sdk/text";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { dataSources, targetsOf } from "./queries.ts";
import type {
  Band,
  Column,
  Link,
  PanelSpec,
  StatPanel,
  Threshold,
  TimeSeriesPanel,
  Unit,
  ValueText,
} from "./spec.ts";
import { isLongSeries } from "./sql/series.ts";
import { lineColors } from "./states.ts";

/** Steps are whole windows of 5 s, and long enough that a quiet cell's line is no row of dots. */
const leastStep = "15s";

/** Without it Grafana would put the value's name before that of the series. */
const seriesName = "${__field.labels.series}";

/** What all of the SDK's panel builders have in common. */
interface AnyBuilder extends Builder<Panel> {
  id(id: number): unknown;
  title(title: string): unknown;
  description(description: string): unknown;
  gridPos(gridPos: GridPos): unknown;
  links(links: Builder<DashboardLink>[]): unknown;
  datasource(datasource: common.DataSourceRef): unknown;
  targets(targets: Builder<Dataquery>[]): unknown;
}

export interface Place {
  readonly id: number;
  readonly x: number;
  readonly y: number;
}

export function buildPanel(panel: PanelSpec, place: Place): Panel {
  const builder = drawn(panel);
  builder.id(place.id);
  builder.title(panel.title);
  builder.description(panel.description);
  builder.gridPos({ x: place.x, y: place.y, w: panel.width, h: panel.height });
  if (panel.links !== undefined) builder.links(panel.links.map(linkBuilder));
  if (panel.type !== "text") {
    builder.datasource({ ...dataSources[panel.source.from] });
    builder.targets([...targetsOf(panel.source, panel.type)]);
  }
  return builder.build();
}

function drawn(panel: PanelSpec): AnyBuilder {
  switch (panel.type) {
    case "timeseries":
      return timeSeries(panel);
    case "stat":
      return stat(panel);
    case "table":
      return new TableBuilder().filterable(true).overrides(overridesOf(panel.columns ?? {}));
    case "state-timeline":
      return new StateTimelineBuilder()
        .displayName(seriesName)
        .mappings(mappingsOf(panel.values))
        .mergeValues(true)
        .showValue(VisibilityMode.Never)
        .rowHeight(0.85)
        .fillOpacity(85)
        .lineWidth(0)
        .spanNulls(false)
        .interval(leastStep)
        .legend(legend(LegendDisplayMode.List))
        .tooltip(new common.VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single));
    case "bargauge":
      return new BarGaugeBuilder()
        .unit(unitOf(panel.unit))
        .decimals(panel.decimals ?? 0)
        .min(0)
        .displayMode(BarGaugeDisplayMode.Basic)
        .orientation(VizOrientation.Horizontal)
        .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
        .thresholds(thresholdsOf([{ from: undefined, color: lineColors.seen }]));
    case "text":
      return new TextBuilder().content(panel.markdown);
  }
}

function timeSeries(panel: TimeSeriesPanel): TimeSeriesBuilder {
  const builder = new TimeSeriesBuilder()
    .unit(unitOf(panel.unit))
    .lineWidth(1)
    .lineInterpolation(LineInterpolation.Linear)
    .showPoints(VisibilityMode.Auto)
    .pointSize(4)
    .spanNulls(false)
    .fillOpacity(panel.isStacked === true ? 35 : 0)
    .interval(leastStep)
    .legend(legend(LegendDisplayMode.List))
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(TooltipDisplayMode.Multi)
        .sort(SortOrder.Descending),
    )
    .overrides([
      ...overridesOf(panel.columns ?? {}),
      ...(panel.bands ?? []).flatMap(bandOverrides),
    ]);
  if (panel.source.from === "clickhouse" && isLongSeries(panel.source.sql))
    builder.displayName(seriesName);
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  if (panel.isStacked === true)
    builder.stacking(new common.StackingConfigBuilder().mode(StackingMode.Normal));
  if (panel.isLogarithmic === true)
    builder.scaleDistribution(
      new common.ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(10),
    );
  // Ratios, counts and times are compared by length: from 0, where the scale is linear.
  else builder.axisSoftMin(0);
  if (panel.max !== undefined) builder.axisSoftMax(panel.max);
  if (panel.thresholds !== undefined)
    builder
      .thresholds(thresholdsOf(panel.thresholds))
      .thresholdsStyle(
        new common.GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed),
      );
  return builder;
}

function stat(panel: StatPanel): StatBuilder {
  const isJudged = panel.thresholds !== undefined || panel.values !== undefined;
  const builder = new StatBuilder()
    .unit(unitOf(panel.unit))
    .colorMode(isJudged ? BigValueColorMode.Background : BigValueColorMode.None)
    .graphMode(BigValueGraphMode.None)
    .textMode(BigValueTextMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .noValue(panel.noValue ?? "–")
    .thresholds(thresholdsOf(panel.thresholds ?? [{ from: undefined, color: "text" }]));
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  if (panel.values !== undefined) builder.mappings(mappingsOf(panel.values));
  return builder;
}

/** The band is a fill between two lines that are not drawn, and not in the legend. */
function bandOverrides({ low, high, line }: Band) {
  const quiet = (name: string, ...more: readonly DynamicConfigValue[]) => ({
    matcher: { id: "byName", options: name },
    properties: [
      { id: "custom.lineWidth", value: 0 },
      { id: "custom.showPoints", value: "never" },
      { id: "color", value: { mode: "fixed", fixedColor: lineColors.expected } },
      { id: "custom.hideFrom", value: { legend: true, tooltip: false, viz: false } },
      ...more,
    ],
  });
  return [
    quiet(low),
    quiet(high, { id: "custom.fillBelowTo", value: low }, { id: "custom.fillOpacity", value: 22 }),
    {
      matcher: { id: "byName", options: line },
      properties: [{ id: "custom.lineWidth", value: 2 }],
    },
  ];
}

function overridesOf(columns: Readonly<Record<string, Column>>) {
  return Object.entries(columns).map(([name, column]) => ({
    matcher: { id: "byName", options: name },
    properties: columnProperties(column),
  }));
}

function columnProperties(column: Column): DynamicConfigValue[] {
  const found: DynamicConfigValue[] = [];
  const put = (id: string, value: unknown) => {
    if (value !== undefined) found.push({ id, value });
  };
  put("unit", column.unit === undefined ? undefined : unitOf(column.unit));
  put("decimals", column.decimals);
  put("custom.width", column.width);
  if (column.isHidden === true) put("custom.hidden", true);
  put(
    "links",
    column.links?.map(({ title, url }) => ({ title, url, targetBlank: false })),
  );
  if (column.color !== undefined) put("color", { mode: "fixed", fixedColor: column.color });
  if (column.values !== undefined) {
    put("mappings", mappingsOf(column.values));
    put("custom.cellOptions", { type: "color-text" });
  }
  return found;
}

const mappingsOf = (values: readonly ValueText[]): ValueMapping[] => [
  {
    type: MappingType.ValueToText,
    options: Object.fromEntries(
      values.map(({ value, text, color }, index) => [String(value), { text, color, index }]),
    ),
  },
];

const thresholdsOf = (thresholds: readonly Threshold[]) =>
  new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(thresholds.map(({ from, color }) => ({ value: from ?? null, color })));

const legend = (mode: LegendDisplayMode) =>
  new common.VizLegendOptionsBuilder()
    .displayMode(mode)
    .placement(LegendPlacement.Bottom)
    .showLegend(true);

const linkBuilder = ({ title, url }: Link) =>
  new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url).targetBlank(false);

/** Grafana has no unit for "times": a suffix stands for it. */
const unitOf = (unit: Unit) => (unit === "x" ? "suffix:×" : unit);
