/** What each kind of panel needs of a result's columns to draw anything. */
import type { PanelQuery } from "../../../dashboards/panel-queries.ts";
import type { Result } from "./compare.ts";

const bare = (type: string) => type.replace(/^(Nullable|LowCardinality)\((.*)\)$/, "$2");
const isTime = (type: string) => /^DateTime/.test(bare(type));
const isNumber = (type: string) => /^(U?Int\d+|Float\d+|Decimal)/.test(bare(bare(type)));
const isText = (type: string) => bare(bare(type)) === "String";

/** What is missing, in words; empty: nothing. */
export function lacksOf({ type }: PanelQuery, { columns, rows }: Result): readonly string[] {
  switch (type) {
    case "timeseries":
    case "state-timeline":
      return overTime(columns, rows);
    case "stat":
      return [
        ...(rows.length === 1 ? [] : [`one row, got ${rows.length}`]),
        ...(columns.length === 1 && isNumber(columns[0]?.type ?? "") ? [] : ["one number"]),
      ];
    case "bargauge":
      return columns.every((column) => isNumber(column.type)) ? [] : ["numbers only"];
    case "table":
      return columns.length > 0 ? [] : ["a column"];
    case "variable":
      return columns.length <= 2 && columns.every((column) => isText(column.type))
        ? []
        : ["a value, and a text if they differ"];
    case "annotation": {
      const typeOf = (name: string) => columns.find((column) => column.name === name)?.type ?? "";
      return [
        ...(["time", "timeEnd"].every((name) => isTime(typeOf(name))) ? [] : ["time and timeEnd"]),
        ...(isText(typeOf("text")) ? [] : ["text"]),
      ];
    }
  }
}

/** A time first, ascending; then numbers alone, or one text that names the series and one number. */
function overTime(columns: Result["columns"], rows: Result["rows"]): readonly string[] {
  const [time, ...others] = columns;
  const texts = others.filter((column) => isText(column.type)).length;
  const numbers = others.filter((column) => isNumber(column.type)).length;
  const isWide = texts === 0 && numbers > 0;
  const isLong = texts === 1 && numbers === 1;
  const times = rows.map((row) => String(row[0]));
  return [
    ...(time?.name === "time" && isTime(time.type) ? [] : ["a first column `time`"]),
    ...(texts + numbers === others.length && (isWide || isLong) ? [] : ["numbers, or one series"]),
    ...(times.every((at, i) => i === 0 || at >= (times[i - 1] ?? "")) ? [] : ["ascending times"]),
  ];
}
