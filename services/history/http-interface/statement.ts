import { notAllowed, syntaxError } from "./clickhouse-exception.ts";
import { createLexer, type Token } from "./lexer.ts";

/** One statement as the rules and the engine need it. Texts are UTF-8, comments are gone. */
export type Statement =
  | {
      readonly kind: "query";
      readonly tokens: readonly Token[];
      readonly sql: string;
      /** Format named by the statement itself, if any. */
      readonly format: string | undefined;
    }
  | {
      readonly kind: "insert";
      readonly tokens: readonly Token[];
      /** `INSERT INTO t (a, b)`: all that goes before `FROM INFILE`. */
      readonly head: string;
      /** `SETTINGS …` of the statement, or "". */
      readonly settings: string;
      readonly format: string | undefined;
      /** Data that stands in the statement itself, after `FORMAT x` or `VALUES`. */
      readonly inlineData: Uint8Array;
    };

/**
 * Reads one statement from bytes; data after an INSERT's `FORMAT x` or `VALUES` is not looked at.
 * Throws on none, on more than one, and on reading or writing files of the server's machine.
 */
export function parseStatement(bytes: Uint8Array): Statement {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString("latin1");
  const lexer = createLexer(text);
  const tokens: Token[] = [];
  const first = lexer.next();
  if (first === undefined) throw syntaxError("Syntax error: empty query");
  tokens.push(first);
  const slice = (from: number, to: number) => withoutComments(buffer, lexer.comments, { from, to });
  if (first.upper === "INSERT") {
    const insert = readInsert();
    if (insert !== undefined) return insert;
  }
  const end = readToEnd();
  return { kind: "query", tokens, sql: slice(0, end), format: trailingFormat(tokens) };

  function push(token: Token): void {
    const previous = tokens.at(-1);
    const isFile = token.upper === "OUTFILE" || token.upper === "INFILE";
    if (isFile && (previous?.upper === "INTO" || previous?.upper === "FROM")) {
      throw notAllowed(`${previous.upper} ${token.upper} is not allowed over HTTP`);
    }
    tokens.push(token);
  }

  /** The rest up to the end or a closing semicolon; returns where the statement ends. */
  function readToEnd(): number {
    for (;;) {
      const token = lexer.next();
      if (token === undefined) return text.length;
      if (token.value === ";" && token.kind === "symbol") {
        let after = lexer.next();
        while (after?.kind === "symbol" && after.value === ";") after = lexer.next();
        if (after !== undefined) {
          throw syntaxError(
            `Syntax error: one statement a request, a second one begins at position ${after.start}`,
          );
        }
        return token.start;
      }
      push(token);
    }
  }

  /** Undefined for INSERT … SELECT, whose rest is a query like any other. */
  function readInsert(): Statement | undefined {
    let depth = 0;
    let headEnd = -1;
    let settingsStart = -1;
    for (;;) {
      const token = lexer.next();
      if (token === undefined || (token.kind === "symbol" && token.value === ";")) {
        const stop = token?.start ?? text.length;
        const end = token === undefined ? stop : token.end;
        return insertOf({ stop, format: undefined, dataFrom: end });
      }
      push(token);
      if (token.value === "(" && token.kind === "symbol") depth++;
      if (token.value === ")" && token.kind === "symbol") depth--;
      if (depth > 0 || token.kind !== "word") continue;
      if (token.upper === "SELECT" || token.upper === "WITH") return undefined;
      if (token.upper === "SETTINGS" && settingsStart < 0) {
        settingsStart = token.start;
        headEnd = token.start;
      } else if (token.upper === "VALUES") {
        return insertOf({ stop: token.start, format: "Values", dataFrom: token.end });
      } else if (token.upper === "FORMAT") {
        const format = lexer.next();
        if (format?.kind !== "word") throw syntaxError("Syntax error: a name must follow FORMAT");
        push(format);
        return insertOf({
          stop: token.start,
          format: format.upper === "VALUES" ? "Values" : format.value,
          dataFrom: startOfData(text, format.end),
        });
      }
    }

    function insertOf(part: {
      stop: number;
      format: string | undefined;
      dataFrom: number;
    }): Statement {
      return {
        kind: "insert",
        tokens,
        head: slice(0, headEnd < 0 ? part.stop : headEnd),
        settings: settingsStart < 0 ? "" : slice(settingsStart, part.stop),
        format: part.format,
        inlineData: buffer.subarray(part.dataFrom),
      };
    }
  }
}

/** ClickHouse's rule: blanks and one line end after the format's name do not belong to the data. */
function startOfData(text: string, after: number): number {
  let at = after;
  while (text[at] === " " || text[at] === "\t" || text[at] === "\f") at++;
  if (text[at] === ";") at++;
  if (text[at] === "\r") at++;
  if (text[at] === "\n") at++;
  return at;
}

function withoutComments(
  buffer: Buffer,
  comments: readonly (readonly [number, number])[],
  range: { readonly from: number; readonly to: number },
): string {
  let result = "";
  let at = range.from;
  for (const [start, end] of comments) {
    if (start >= range.to) break;
    if (end <= at) continue;
    result += `${buffer.toString("utf8", at, start)} `;
    at = end;
  }
  return at < range.to ? result + buffer.toString("utf8", at, range.to) : result;
}

/** `… FORMAT x [SETTINGS …]` outside parentheses. */
function trailingFormat(tokens: readonly Token[]): string | undefined {
  let depth = 0;
  let format: string | undefined;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind === "symbol" && token.value === "(") depth++;
    if (token.kind === "symbol" && token.value === ")") depth--;
    const after = tokens[i + 1];
    const last = tokens[i + 2];
    if (depth !== 0 || token.upper !== "FORMAT" || after?.kind !== "word") continue;
    if (last === undefined || last.upper === "SETTINGS") format = after.value;
  }
  return format;
}
