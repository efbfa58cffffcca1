/** What ClickHouse says when it does not answer a question, in words that say what to do next. */
import { ForeshockError } from "../contracts/errors.ts";

export interface Refusal {
  /** ClickHouse's number of the error. */
  readonly code: number;
  readonly text: string;
}

/** `Code: 62. DB::Exception: … (SYNTAX_ERROR) (version …)` without what only programs want. */
export function parseRefusal(body: string, status: number): Refusal {
  const code = Number(/Code:\s*(\d+)/.exec(body)?.[1] ?? 0);
  const text = body
    .replace(/^Code:\s*\d+\.\s*/, "")
    .replace(/^DB::Exception:\s*/, "")
    // The engine repeats the whole statement as it reads it.
    .replace(/:? [Ii]n scope [\s\S]*(?=\. \([A-Z_]+\))/, "")
    .replace(/\s*\(version [^)]*\)\s*$/, "")
    .trim();
  return { code, text: text === "" ? `HTTP status ${status}` : text };
}

const advice: Readonly<Record<number, string>> = {
  36: "check the values of --param",
  41: "times look like 2026-03-02 13:00:00",
  46: "SELECT name FROM system.functions lists the functions",
  47: "DESCRIBE TABLE shows a table's columns",
  60: "SHOW TABLES lists the tables: spans, windows, verdicts, incidents, deliveries, closed",
  62: "the statement does not parse at the place named",
  81: "SHOW DATABASES lists the databases",
  158: "narrow the time range, or aggregate",
  159: "narrow the time range, or allow more with --max-seconds",
  164: "history is read-only here",
  202: "other questions are running: try again",
  241: "narrow the time range, or allow more with --max-memory-mb",
  392: "history is read-only here: SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS over the stored tables",
  396: "add LIMIT, aggregate, or allow more with --max-rows",
  456: "give it with --param NAME=VALUE",
  457: "the value of --param does not fit its type",
  497: "the account of history.user lacks the right",
  516: "history.user and history.password do not fit the server",
};

const refused: ReadonlySet<number> = new Set([164, 392, 497, 516]);

export function explainRefusal({ code, text }: Refusal): ForeshockError {
  const next = advice[code];
  return new ForeshockError(
    refused.has(code) ? "query_refused" : "history_failed",
    `${text}${code === 0 ? "" : ` (code ${code})`}${next === undefined ? "" : `\n  ${next}`}`,
  );
}
