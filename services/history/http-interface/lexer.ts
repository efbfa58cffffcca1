import { syntaxError } from "./clickhouse-exception.ts";

/**
 * A piece of a statement. `value` is what it stands for: an upper-case keyword candidate for words is
 * `upper`; quotes and escapes are resolved in `value`.
 */
export interface Token {
  readonly kind: "word" | "quoted" | "string" | "number" | "symbol";
  readonly value: string;
  readonly upper: string;
  /** Byte positions in the statement, end exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface Lexer {
  /** The next token; undefined at the end. Comments are skipped and kept in `comments`. */
  next(): Token | undefined;
  readonly comments: readonly (readonly [start: number, end: number])[];
}

const isWordStart = (c: number) =>
  (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95; /* letters, _ */
const isDigit = (c: number) => c >= 48 && c <= 57;
const isWordPart = (c: number) => isWordStart(c) || isDigit(c) || c === 36; /* $ */
const isSpace = (c: number) => c === 32 || (c >= 9 && c <= 13);

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "0": "\0",
  b: "\b",
  f: "\f",
  a: "\x07",
  v: "\v",
};

/**
 * Reads ClickHouse SQL token by token, so that rules see what the engine will see. What both could read
 * differently is refused rather than guessed: here-documents, typographic quotes and spaces, bare control bytes.
 * Works on latin-1 text, one character a byte, since data of any kind may follow an INSERT.
 */
export function createLexer(text: string): Lexer {
  const comments: [number, number][] = [];
  let at = 0;

  function skipBlank(): void {
    for (;;) {
      const c = text.charCodeAt(at);
      if (isSpace(c)) {
        at++;
      } else if (c === 45 && text.charCodeAt(at + 1) === 45) {
        comment(text.indexOf("\n", at), 0);
      } else if (c === 35 && (text[at + 1] === " " || text[at + 1] === "!")) {
        comment(text.indexOf("\n", at), 0);
      } else if (c === 47 && text.charCodeAt(at + 1) === 42) {
        const end = text.indexOf("*/", at + 2);
        if (end < 0) throw syntaxError(`Syntax error: comment opened at position ${at} never ends`);
        comment(end, 2);
      } else {
        return;
      }
    }
  }

  function comment(end: number, closing: number): void {
    const stop = end < 0 ? text.length : end + closing;
    comments.push([at, stop]);
    at = stop;
  }

  function quoted(kind: "string" | "quoted", quote: string): Token {
    const start = at++;
    let value = "";
    for (;;) {
      if (at >= text.length) {
        throw syntaxError(`Syntax error: quote opened at position ${start} never closes`);
      }
      const c = text[at] as string;
      if (c === "\\") {
        const escaped = text[at + 1] ?? "";
        if (escaped === "x" && kind === "quoted") {
          throw syntaxError("Syntax error: \\x in quoted identifiers is not supported here");
        }
        value += escapes[escaped] ?? escaped;
        at += 2;
      } else if (c === quote) {
        if (text[at + 1] !== quote) break;
        value += quote;
        at += 2;
      } else {
        value += c;
        at++;
      }
    }
    at++;
    return { kind, value, upper: "", start, end: at };
  }

  function next(): Token | undefined {
    skipBlank();
    if (at >= text.length) return undefined;
    const c = text.charCodeAt(at);
    if (c === 39) return quoted("string", "'");
    if (c === 96) return quoted("quoted", "`");
    if (c === 34) return quoted("quoted", '"');
    const start = at;
    if (isWordStart(c)) {
      while (isWordPart(text.charCodeAt(at))) at++;
      const value = text.slice(start, at);
      if (text[at] === "'" && !/^'[0-9a-fA-F]*'/.test(text.slice(at, at + 258))) {
        // x'41' and b'01' know no escapes, so a backslash there would end the literal elsewhere than here.
        throw syntaxError(`Syntax error: ${value}'…' at position ${start} is not a short literal`);
      }
      return { kind: "word", value, upper: value.toUpperCase(), start, end: at };
    }
    if (isDigit(c)) {
      while (isWordPart(text.charCodeAt(at))) at++;
      return { kind: "number", value: text.slice(start, at), upper: "", start, end: at };
    }
    if (c < 32 || c >= 127 || c === 36 || c === 35) {
      throw syntaxError(
        `Syntax error: byte 0x${c.toString(16).padStart(2, "0")} at position ${at} is outside quotes: ` +
          "here-documents, typographic quotes and control bytes are not supported here",
      );
    }
    at++;
    return { kind: "symbol", value: text[start] as string, upper: "", start, end: at };
  }

  return { next, comments };
}
