/**
 * A panel's SQL as ClickHouse gets it: what Grafana's front end does to variables and `$__conditionalAll`, then what the data source's
 * back end does to time macros. After the documentation and source of grafana-clickhouse-datasource 4.20.
 */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalSeconds: number;
}

/** Chosen values by variable; undefined (or not named): All. A text or single choice is one string. */
export type Chosen = Readonly<Record<string, string | readonly string[] | undefined>>;

export function expandQuery(sql: string, range: Range, chosen: Chosen = {}): string {
  const expanded = expandMacros(replaceVariables(applyConditionalAll(sql, chosen), chosen), range);
  const left = /\$__\w+|\$\{\w+[^}]*\}/.exec(expanded);
  if (left !== null) throw new Error(`${left[0]} was not expanded in ${sql}`);
  return expanded;
}

/** `$__conditionalAll(condition, $variable)`: `1=1` for All, else the condition. Innermost and last first, as the front end does. */
function applyConditionalAll(sql: string, chosen: Chosen): string {
  const macro = "$__conditionalAll(";
  let text = sql;
  for (let at = text.lastIndexOf(macro); at >= 0; at = text.lastIndexOf(macro)) {
    const { args, end } = argumentsAt(text, at + macro.length - 1);
    const [condition = "", variable = ""] = args;
    if (args.length !== 2)
      throw new Error(`$__conditionalAll takes 2 arguments: ${text.slice(at)}`);
    const name = /^\s*\$\{?(\w+)\}?\s*$/.exec(variable)?.[1];
    if (name === undefined) throw new Error(`not a plain variable: ${variable}`);
    text = text.slice(0, at) + (chosen[name] === undefined ? "1=1" : condition) + text.slice(end);
  }
  return text;
}

/** Arguments of a call whose opening bracket is at `open`; brackets nest, quotes do not count. */
function argumentsAt(text: string, open: number): { args: string[]; end: number } {
  const args: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < text.length; i++) {
    const character = text[i];
    if (character === "(") depth++;
    if (character === ")") depth--;
    if ((character === "," && depth === 1) || depth === 0) {
      args.push(text.slice(start, i));
      start = i + 1;
    }
    if (depth === 0) return { args, end: i + 1 };
  }
  throw new Error(`no end: ${text.slice(open)}`);
}

/** `${name:singlequote}` and `${name}`; a query that names a variable left at All outside of `$__conditionalAll` is wrong. */
function replaceVariables(sql: string, chosen: Chosen): string {
  return sql.replace(/\$\{(\w+)(?::(\w+))?\}/g, (_, name: string, format: string | undefined) => {
    const value = chosen[name];
    if (value === undefined)
      throw new Error(`\${${name}} is All, and its query does not expect it`);
    const values = typeof value === "string" ? [value] : value;
    if (format === "singlequote")
      return values.map((each) => `'${each.replaceAll("'", "\\'")}'`).join(",");
    if (format !== undefined) throw new Error(`format ${format} is not known here`);
    return values.join(",");
  });
}

function expandMacros(sql: string, { fromMs, toMs, intervalSeconds }: Range): string {
  const from = `toDateTime(${Math.floor(fromMs / 1000)})`;
  const to = `toDateTime(${Math.floor(toMs / 1000)})`;
  return sql
    .replace(/\$__timeFilter\(([^()]+)\)/g, `$1 >= ${from} AND $1 <= ${to}`)
    .replace(
      /\$__timeInterval\(([^()]+)\)/g,
      `toStartOfInterval(toDateTime($1), INTERVAL ${intervalSeconds} second)`,
    )
    .replaceAll("$__interval_s", String(intervalSeconds))
    .replaceAll(/\$__fromTime\b/g, from)
    .replaceAll(/\$__toTime\b/g, to);
}
