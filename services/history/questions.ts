/**
 * Questions that people ask again and again: SQL files in `questions/`, to be read and changed. A file begins with
 *
 *     -- What it answers, in a line.
 *     -- argument NAME: what it is            (in the order of the command line)
 *     -- argument NAME (one of A, B): what it is
 *     -- option NAME (default VALUE): what it is
 *
 * and may use, beside those, `{since:DateTime64(3)}`, `{until:DateTime64(3)}` and the filters `{provider:String}`, `{model:String}`,
 * `{region:String}`, `{operation:String}`, which are empty where nothing was chosen.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ForeshockError } from "../contracts/errors.ts";

export interface NamedQuestion {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly QuestionInput[];
  readonly options: readonly QuestionInput[];
  readonly sql: string;
}

export interface QuestionInput {
  readonly name: string;
  readonly help: string;
  /** Undefined: must be given. */
  readonly fallback: string | undefined;
  /** Undefined: anything. */
  readonly choices: readonly string[] | undefined;
}

const folder = fileURLToPath(new URL("./questions/", import.meta.url));

export function questionNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .map((name) => name.slice(0, -".sql".length))
    .sort();
}

export function readQuestion(name: string): NamedQuestion {
  const names = questionNames();
  if (!names.includes(name))
    throw new ForeshockError(
      "usage",
      `query: '${name}' is neither SQL nor a named question; there are ${names.join(", ")}. See foreshock query --list`,
    );
  const text = readFileSync(join(folder, `${name}.sql`), "utf8");
  const lines = text.split("\n");
  const head = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith("--")),
  );
  const [summary = "", ...inputs] = head.map((line) => line.replace(/^--\s*/, ""));
  const inputsOf = (kind: string) =>
    inputs.flatMap((line): QuestionInput[] => {
      const found = /^(argument|option) ([a-z_]+)(?: \((default|one of) ([^)]*)\))?: (.*)$/.exec(
        line,
      );
      if (found === null || found[1] !== kind) return [];
      const [, , name = "", mark, values, help = ""] = found;
      return [
        {
          name,
          help,
          fallback: mark === "default" ? values : undefined,
          choices: mark === "one of" ? values?.split(", ") : undefined,
        },
      ];
    });
  return {
    name,
    summary,
    args: inputsOf("argument"),
    options: inputsOf("option"),
    sql: text.trim(),
  };
}
