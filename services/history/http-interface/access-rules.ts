import { notAllowed } from "./clickhouse-exception.ts";
import type { Token } from "./lexer.ts";
import type { Statement } from "./statement.ts";

/**
 * Who asks. `owner` is Foreshock itself; a `writer` is a configured outside program with a database of its
 * own; everybody else is a `reader`.
 */
export type Principal =
  | { readonly role: "owner" }
  | { readonly role: "writer"; readonly database: string }
  | { readonly role: "reader" };

/** Table functions that touch neither files nor network nor other people's data. */
const harmlessTableFunctions = new Set([
  "format",
  "generate_series",
  "generaterandom",
  "generateseries",
  "null",
  "numbers",
  "numbers_mt",
  "primes",
  "sqlstandardvalues",
  "values",
  "view",
  "viewifpermitted",
  "zeros",
  "zeros_mt",
]);

/** Functions that read files (`file` does so even under readonly=1), call models or servers, or tell of the machine. */
const forbiddenFunctions = new Set([
  "aiclassify",
  "aiembed",
  "aiextract",
  "aigenerate",
  "aitranslate",
  "catboostevaluate",
  "file",
  "getclienthttpheader",
  "getmacro",
  "getserversetting",
]);

/** What Grafana, clients and people need to find their way; no settings, users, processes, files. */
const readableSystemTables = new Set([
  "build_options",
  "columns",
  "data_skipping_indices",
  "data_type_families",
  "databases",
  "formats",
  "functions",
  "keywords",
  "numbers",
  "numbers_mt",
  "one",
  "parts",
  "table_engines",
  "table_functions",
  "tables",
  "time_zones",
  "zeros",
  "zeros_mt",
]);

/** Settings of tables that a writer may choose; others name disks, paths and servers. */
const tableSettings =
  /^(index_granularity(_bytes)?|ttl_only_drop_parts|non_replicated_deduplication_window|allow_nullable_key|min_(bytes|rows)_for_wide_part|merge_with_ttl_timeout)$/;
const insertSettings = /^(insert_deduplication_token|insert_deduplicate|input_format_[a-z0-9_]*)$/;

const readingVerbs = new Set([
  "SELECT",
  "WITH",
  "FROM",
  "SHOW",
  "DESCRIBE",
  "DESC",
  "EXPLAIN",
  "EXISTS",
]);
const showable = new Set([
  "COLUMNS",
  "CREATE",
  "DATABASES",
  "EXTENDED",
  "FIELDS",
  "FULL",
  "FUNCTIONS",
  "INDEX",
  "INDEXES",
  "INDICES",
  "KEYS",
  "TABLES",
]);

/** Reading at once, other people's rights, running by itself. */
const refusedInCreate = new Set(["POPULATE", "REFRESH", "DEFINER", "CLONE"]);

export interface AccessRequest {
  readonly principal: Principal;
  readonly statement: Statement;
  /** Query parameters by name, for those that stand for identifiers. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Every table function that the engine has, lower case. */
  readonly tableFunctions: ReadonlySet<string>;
}

/** Throws `QUERY_NOT_ALLOWED` with the reason; the engine's own readonly=1 stands behind this as second wall. */
export function checkAccess(request: AccessRequest): void {
  const { principal, statement } = request;
  if (principal.role === "owner") return;
  if (principal.role === "writer" && statement.kind === "insert") {
    checkInsert(statement.tokens, principal.database);
  } else if (principal.role === "writer" && statement.tokens[0]?.upper === "CREATE") {
    checkCreate(request, principal.database);
  } else {
    checkReading(request);
  }
}

function readOnly(verb: string): Error {
  return notAllowed(
    `${verb} is refused: this endpoint is read-only (SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS); ` +
      "name a user from history.writers to write",
  );
}

function checkReading(request: AccessRequest): void {
  const tokens = request.statement.tokens;
  let i = 0;
  while (tokens[i]?.kind === "symbol" && tokens[i]?.value === "(") i++;
  const verb = tokens[i];
  if (verb === undefined || !readingVerbs.has(verb.upper)) throw readOnly(verb?.value ?? "this");
  if (verb.upper === "SHOW" && !showable.has(tokens[i + 1]?.upper ?? "")) {
    throw notAllowed(`SHOW ${tokens[i + 1]?.value ?? ""} is not among what may be shown`);
  }
  checkNames(request);
}

function checkNames({ statement, parameters, tableFunctions }: AccessRequest): void {
  const tokens = statement.tokens;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.upper === "SETTINGS" && statement.tokens[0]?.upper !== "CREATE") {
      // In a subquery the engine lets SETTINGS lift readonly=1 and every limit.
      throw notAllowed(
        "SETTINGS in a query is refused: send settings as URL parameters; put a column of that name in quotes",
      );
    }
    if (token.kind === "number" || token.kind === "symbol") {
      if (token.value === "{") checkIdentifierParameter(tokens.slice(i + 1, i + 5), parameters);
      continue;
    }
    const name = token.value.toLowerCase();
    const after = tokens[i + 1]?.kind === "symbol" ? tokens[i + 1]?.value : undefined;
    if (after === "(") {
      const isTableFunction = tableFunctions.has(name) && !harmlessTableFunctions.has(name);
      if (isTableFunction || forbiddenFunctions.has(name)) {
        throw notAllowed(`Function ${token.value} is refused: it reaches beyond the stored tables`);
      }
    }
    if (after === "." && name === "system") checkSystemTable(tokens[i + 2]?.value ?? "");
  }
}

function checkSystemTable(table: string): void {
  if (readableSystemTables.has(table.toLowerCase())) return;
  throw notAllowed(`Table system.${table} is refused: it tells of the server, not of stored data`);
}

/** `{name:Identifier}`: the name comes from a parameter, so the rule for names looks there. */
function checkIdentifierParameter(
  [name, colon, type]: readonly Token[],
  parameters: ReadonlyMap<string, string>,
): void {
  if (name === undefined || colon?.value !== ":" || type?.upper !== "IDENTIFIER") return;
  const [database, table] = (parameters.get(name.value) ?? "").replaceAll(/[`"]/g, "").split(".");
  if (database?.toLowerCase() === "system") checkSystemTable(table ?? "");
}

function checkInsert(tokens: readonly Token[], database: string): void {
  const at = tokens[1]?.upper === "INTO" ? (tokens[2]?.upper === "TABLE" ? 3 : 2) : 1;
  if (tokens[at]?.upper === "FUNCTION") throw notAllowed("INSERT INTO FUNCTION is refused");
  checkTarget(tokens, at, database);
  const settings = tokens.findIndex((token) => token.upper === "SETTINGS");
  if (settings > 0) checkSettings(tokens, settings + 1, insertSettings);
}

/** `name = literal, …`, each name on a list. */
function checkSettings(tokens: readonly Token[], from: number, allowed: RegExp): void {
  for (let i = from; i < tokens.length; i += 4) {
    const [name, equals, value, comma] = tokens.slice(i, i + 4);
    const isLiteral = value?.kind === "number" || value?.kind === "string";
    if (name?.kind !== "word" || !allowed.test(name.value) || equals?.value !== "=" || !isLiteral) {
      throw notAllowed(`Setting ${name?.value ?? ""} is refused`);
    }
    if (comma?.value !== ",") return;
  }
}

/** CREATE DATABASE, TABLE of the MergeTree family, VIEW and MATERIALIZED VIEW, all in the writer's database. */
function checkCreate(request: AccessRequest, database: string): void {
  const tokens = request.statement.tokens;
  let i = 1;
  if (tokens[i]?.upper === "OR") throw notAllowed("CREATE OR REPLACE is refused");
  if (tokens[i]?.upper === "MATERIALIZED") i++;
  const what = tokens[i]?.upper ?? "";
  if (what !== "DATABASE" && what !== "TABLE" && what !== "VIEW") {
    throw notAllowed(
      `CREATE ${tokens[i]?.value ?? ""} is refused: a writer may create tables and views`,
    );
  }
  i++;
  if (tokens[i]?.upper === "IF") i += 3;
  if (what === "DATABASE") {
    if (tokens[i]?.value === database && tokens.length === i + 1) return;
    throw notAllowed(`CREATE DATABASE is refused but for the writer's own: ${database}`);
  }
  checkTarget(tokens, i, database);
  checkNames(request);
  for (let k = i; k < tokens.length; k++) {
    const token = tokens[k] as Token;
    if (token.upper === "ENGINE") {
      const engine = tokens[k + 1]?.value === "=" ? tokens[k + 2] : tokens[k + 1];
      if (!/MergeTree$/.test(engine?.value ?? "") || /^Replicated/.test(engine?.value ?? "")) {
        throw notAllowed(
          `Table engine ${engine?.value ?? ""} is refused: only the MergeTree family`,
        );
      }
    }
    if (token.upper === "TO" && token.kind === "word" && what === "VIEW") {
      checkTarget(tokens, k + 1, database);
    }
    if (token.upper === "SETTINGS") checkSettings(tokens, k + 1, tableSettings);
    if (refusedInCreate.has(token.upper) || (token.upper === "AS" && what === "TABLE")) {
      throw notAllowed(`${token.upper} is refused in CREATE ${what}`);
    }
    // The engine takes a name that is a path for a file of the machine.
    const isTable = tokens[k - 1]?.upper === "FROM" || tokens[k - 1]?.upper === "JOIN";
    const isPath = token.kind === "quoted" && /[/\\:]/.test(token.value);
    if (isPath || (isTable && token.kind === "string")) {
      throw notAllowed(`Name ${token.value} is refused: it is a path`);
    }
  }
}

/** `table` or `database.table`, the database being the writer's own. */
function checkTarget(tokens: readonly Token[], at: number, database: string): void {
  const first = tokens[at];
  const isQualified = tokens[at + 1]?.value === "." && tokens[at + 1]?.kind === "symbol";
  if (first === undefined || (first.kind !== "word" && first.kind !== "quoted")) {
    throw notAllowed("A table's name must stand here");
  }
  if (isQualified && first.value !== database) {
    throw notAllowed(`Database ${first.value} is refused: this writer's database is ${database}`);
  }
}
