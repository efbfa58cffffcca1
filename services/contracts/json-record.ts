/** JSON records: a schema, a version that only grows, and errors that say what does not fit. */
import type * as z from "zod";
import { ForeshockError } from "./errors.ts";

export interface JsonRecord<T> {
  readonly name: string;
  readonly version: number;
  readonly schema: z.ZodType<T>;
  encode(value: T): Uint8Array;
  /** Throws `record_invalid` naming the record, the path and what is allowed. Fields of later versions are ignored. */
  decode(bytes: Uint8Array): T;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** `schema` describes the record without its `version` field, which is written and checked here. */
export function jsonRecord<T>(name: string, version: number, schema: z.ZodType<T>): JsonRecord<T> {
  return {
    name,
    version,
    schema,
    encode: (value) => encoder.encode(JSON.stringify({ version, ...value })),
    decode: (bytes) => {
      let raw: unknown;
      try {
        raw = JSON.parse(decoder.decode(bytes));
      } catch (cause) {
        throw new ForeshockError("record_invalid", `${name}: not JSON`, { cause });
      }
      const found = (raw as { version?: unknown } | null)?.version;
      if (typeof found !== "number" || found < 1 || found > version)
        throw new ForeshockError(
          "record_invalid",
          `${name}: version ${String(found)}; this program reads 1 to ${version}`,
        );
      const parsed = schema.safeParse(raw);
      if (!parsed.success)
        throw new ForeshockError(
          "record_invalid",
          `${name}: ${parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")}`,
        );
      return parsed.data;
    },
  };
}
