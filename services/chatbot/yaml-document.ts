import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import type { z } from "zod";
import { ForeshockError } from "../contracts/errors.ts";

/** Reads and checks a YAML file. Throws `scenario_invalid` with every mistake: path, value, what is allowed. */
export function readYamlDocument<T>(file: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new ForeshockError("scenario_invalid", `${file}: cannot be read`, { cause });
  }
  return parseYamlDocument(text, schema, file);
}

/** The same for a text that is already at hand; `name` is what messages call it. */
function parseYamlDocument<T>(text: string, schema: z.ZodType<T>, name: string): T {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    const detail = cause instanceof YAMLParseError ? cause.message : String(cause);
    throw new ForeshockError("scenario_invalid", `${name}: not YAML: ${detail}`, { cause });
  }
  return checkDocument(value, schema, name);
}

/** Checks a value that was not read from a file. */
export function checkDocument<T>(value: unknown, schema: z.ZodType<T>, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const lines = flatten(result.error.issues, []).map(
    ({ path, message }) =>
      `  ${path.join(".") || "(root)"} = ${show(valueAt(value, path))}: ${message}`,
  );
  throw new ForeshockError("scenario_invalid", `${name}:\n${[...new Set(lines)].join("\n")}`);
}

interface Mistake {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Unions report the mistakes of the branch that got furthest, which is the one that was meant. */
function flatten(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[]): Mistake[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      const depth = (branch: readonly z.core.$ZodIssue[]) =>
        Math.max(...branch.map((inner) => inner.path.length));
      const best = [...issue.errors].sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
      if (best !== undefined && depth(best) > 0) return flatten(best, path);
      const allowed = issue.errors.flatMap((branch) => branch.map((inner) => inner.message));
      return [{ path, message: [...new Set(allowed)].join(", or ") }];
    }
    return [{ path, message: issue.message }];
  });
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function show(value: unknown): string {
  const text = value === undefined ? "(missing)" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
