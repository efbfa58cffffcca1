/** A dashboard as Grafana wants it: panels laid out, variables, annotations, links to the others. */
import {
  AnnotationQueryBuilder,
  CustomVariableBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Panel,
  QueryVariableBuilder,
  type RowPanel,
  TextBoxVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { buildPanel } from "./build-panel.ts";
import { clickHouseQuery, dataSources } from "./queries.ts";
import type { DashboardSpec, RowSpec, VariableSpec } from "./spec.ts";

const tag = "foreshock";
const columns = 24;

export function buildDashboard(spec: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags([tag])
    .readonly()
    .timezone("browser")
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: spec.from, to: "now" })
    .refresh(spec.refresh)
    .variables(spec.variables.map((variable) => ({ build: () => buildVariable(variable) })))
    .annotations(
      spec.annotations.map(({ name, color, sql }) =>
        new AnnotationQueryBuilder()
          .name(name)
          .datasource({ ...dataSources.clickhouse })
          .enable(true)
          .hide(false)
          .iconColor(color)
          .target({ build: () => clickHouseQuery(sql, "table") }),
      ),
    )
    .link(
      new DashboardLinkBuilder("Foreshock")
        .type(DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .link(
      new DashboardLinkBuilder("Foreshock's page")
        .type(DashboardLinkType.Link)
        .url("${console}/")
        .targetBlank(true),
    );
  const dashboard = builder.build();
  return { ...dashboard, panels: layOut(spec.rows) };
}

/** The first row's panels stand open; each further row is folded and holds its own. */
function layOut(rows: readonly RowSpec[]): (Panel | RowPanel)[] {
  const laid: (Panel | RowPanel)[] = [];
  let id = 1;
  let y = 0;
  for (const { title, panels } of rows) {
    const top = title === undefined ? y : y + 1;
    const rowId = title === undefined ? 0 : id++;
    let x = 0;
    let lineY = top;
    let lineHeight = 0;
    const built = panels.map((panel) => {
      if (x + panel.width > columns) {
        lineY += lineHeight;
        x = 0;
        lineHeight = 0;
      }
      const made = buildPanel(panel, { id: id++, x, y: lineY });
      x += panel.width;
      lineHeight = Math.max(lineHeight, panel.height);
      return made;
    });
    if (title === undefined) {
      laid.push(...built);
      y = lineY + lineHeight;
      continue;
    }
    laid.push({
      type: "row",
      id: rowId,
      title,
      collapsed: true,
      gridPos: { x: 0, y, w: columns, h: 1 },
      panels: built,
    });
    y += 1;
  }
  return laid;
}

function buildVariable(variable: VariableSpec): VariableModel {
  switch (variable.kind) {
    case "text":
      return new TextBoxVariableBuilder(variable.name)
        .label(variable.label)
        .description(variable.description)
        .defaultValue(variable.value)
        .current({ selected: true, text: variable.value, value: variable.value })
        .build();
    case "choice": {
      const [first] = variable.options;
      return new CustomVariableBuilder(variable.name)
        .label(variable.label)
        .description(variable.description)
        .values(variable.options.map(({ text, value }) => `${text} : ${value}`).join(", "))
        .options(variable.options.map((option, index) => ({ selected: index === 0, ...option })))
        .current({ selected: true, text: first?.text ?? "", value: first?.value ?? "" })
        .build();
    }
    case "query": {
      const { isMulti } = variable;
      const built = new QueryVariableBuilder(variable.name)
        .label(variable.label)
        .description(variable.description)
        .datasource({ ...dataSources.clickhouse })
        .query({ ...clickHouseQuery(variable.sql, "table") })
        .definition(variable.sql)
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(isMulti ? VariableSort.AlphabeticalAsc : VariableSort.Disabled)
        .multi(isMulti)
        .includeAll(isMulti);
      if (isMulti) built.current({ selected: true, text: "All", value: "$__all" });
      return built.build();
    }
  }
}
