/** What really happened, as people say: a YAML file that a backtest is scored against. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod";
import { ForeshockError } from "../contracts/errors.ts";

const time = z.union([z.string(), z.date()]).transform((value, context) => {
  const ms = value instanceof Date ? value.getTime() : Date.parse(value);
  if (Number.isNaN(ms)) {
    context.addIssue({
      code: "custom",
      message: `must be a time such as 2026-03-02T13:00:00Z, got ${value}`,
    });
    return z.NEVER;
  }
  return ms;
});

const labelSchema = z.strictObject({
  name: z.string().min(1),
  /** When users were hit. */
  from: time,
  to: time,
  /** Attribute values that an alert must name, where it names that attribute at all. */
  dimensions: z.record(z.string(), z.string()).default({}),
});

const fileSchema = z.strictObject({
  /** Longest time before `from` at which a page counts for it, minutes. */
  leadMinutes: z.number().min(0).max(1_440).default(60),
  incidents: z.array(labelSchema),
});

export interface Label {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface Labels {
  readonly leadMs: number;
  readonly incidents: readonly Label[];
  /** Periods in which a page was of no use. */
  readonly unwanted: readonly Label[];
  /** Nothing else happened: a page that no label accounts for is a false one. */
  readonly isComplete: boolean;
}

/** Throws `config_invalid` naming file, path and what is wrong. */
export function readLabels(file: string): Labels {
  const invalid = (why: string) => new ForeshockError("config_invalid", `${file}: ${why}`);
  let document: unknown;
  try {
    document = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  const parsed = fileSchema.safeParse(document);
  if (!parsed.success)
    throw invalid(
      parsed.error.issues
        .map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`)
        .join("; "),
    );
  const { leadMinutes, incidents } = parsed.data;
  for (const { name, from, to } of incidents)
    if (from > to) throw invalid(`${name}: from must not lie after to`);
  return {
    leadMs: leadMinutes * 60_000,
    incidents: incidents.map(({ name, from, to, dimensions }) => ({
      name,
      fromMs: from,
      toMs: to,
      dimensions,
    })),
    unwanted: [],
    isComplete: true,
  };
}
