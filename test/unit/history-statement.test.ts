import { describe, expect, it } from "vitest";
import { createLexer } from "../../services/history/http-interface/lexer.ts";
import { parseStatement } from "../../services/history/http-interface/statement.ts";
import { splitStatements } from "../../services/history/migrate.ts";

const parse = (text: string) => parseStatement(Buffer.from(text));

function tokens(text: string): string[] {
  const lexer = createLexer(text);
  const values: string[] = [];
  for (let token = lexer.next(); token; token = lexer.next()) values.push(token.value);
  return values;
}

describe("lexer", () => {
  it("resolves quotes and escapes", () => {
    expect(tokens(`'it''s' 'a\\'b' \`x\\\`y\` "q""r"`)).toEqual(["it's", "a'b", "x`y", 'q"r']);
  });

  it("skips every kind of comment", () => {
    expect(tokens("a -- b\n c /* d ; e */ f # g\n h #! i")).toEqual(["a", "c", "f", "h"]);
  });

  it("keeps dollar signs inside words", () => {
    expect(tokens("a$b + c1")).toEqual(["a$b", "+", "c1"]);
  });

  it.each([
    ["here-documents", "SELECT $x$ ; $x$"],
    ["typographic quotes", "SELECT ‘a’"],
    ["NUL bytes", "SELECT\0 1"],
    ["no-break spaces", "SELECT\u00a01"],
    ["open strings", "SELECT 'a"],
    ["open comments", "SELECT 1 /* a"],
    ["backslashes in hexadecimal literals", "SELECT x'\\' , '"],
  ])("refuses %s", (_what, sql) => {
    expect(() => parse(sql)).toThrow();
  });
});

describe("parseStatement", () => {
  it("drops comments and the closing semicolon from what the engine gets", () => {
    expect(parse("SELECT /* x */ 'ü--' AS a -- y\n;;")).toMatchObject({
      kind: "query",
      sql: "SELECT   'ü--' AS a  \n",
    });
  });

  it("refuses a second statement", () => {
    expect(() => parse("SELECT 1; SELECT 2")).toThrow(/one statement a request/);
    expect(() => parse("SELECT 1; /* */ ; DROP TABLE a")).toThrow(/one statement a request/);
  });

  it("takes semicolons inside quotes as text", () => {
    expect(parse("SELECT ';'").kind).toBe("query");
  });

  it.each([
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "select 1 into /* */ outfile '/tmp/x'",
    "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
  ])("refuses files of the machine: %s", (sql) => {
    expect(() => parse(sql)).toThrow(/not allowed over HTTP/);
  });

  it("finds the format at the end, not inside", () => {
    expect(parse("SELECT * FROM (SELECT 1) FORMAT JSONEachRow")).toMatchObject({
      format: "JSONEachRow",
    });
    expect(parse("SELECT 1 FORMAT CSV SETTINGS a = 1")).toMatchObject({ format: "CSV" });
    expect(parse("SELECT format FROM t")).toMatchObject({ format: undefined });
  });

  it("cuts an insert into head, settings, format and data", () => {
    const insert = parse("INSERT INTO d.t (a, `b c`) SETTINGS x = 1 FORMAT CSV \n1,2\n3;4");
    expect(insert).toMatchObject({
      kind: "insert",
      head: "INSERT INTO d.t (a, `b c`) ",
      settings: "SETTINGS x = 1 ",
      format: "CSV",
    });
    expect(insert.kind === "insert" && Buffer.from(insert.inlineData).toString()).toBe("1,2\n3;4");
  });

  it("takes what follows VALUES as data, whatever it says", () => {
    const insert = parse("INSERT INTO t VALUES (1); DROP TABLE t");
    expect(insert).toMatchObject({ kind: "insert", head: "INSERT INTO t ", format: "Values" });
    expect(insert.kind === "insert" && Buffer.from(insert.inlineData).toString()).toBe(
      " (1); DROP TABLE t",
    );
  });

  it("leaves binary data as it is", () => {
    const data = Buffer.from([0, 255, 39, 96, 34, 59]);
    const insert = parseStatement(
      Buffer.concat([Buffer.from("INSERT INTO t FORMAT Native\n"), data]),
    );
    expect(insert.kind === "insert" && Buffer.from(insert.inlineData).equals(data)).toBe(true);
  });

  it("treats INSERT … SELECT as a query", () => {
    expect(parse("INSERT INTO t SELECT 1").kind).toBe("query");
  });
});

describe("splitStatements", () => {
  it("cuts at semicolons outside quotes and comments", () => {
    expect(splitStatements("-- a;\nA ';' ;\n\nB; /* ; */ ; C")).toEqual(["A ';'", "B", "C"]);
  });
});
