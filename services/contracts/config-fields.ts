/** Kinds of configuration keys: each has a default, a range, a description and an example. */
import * as z from "zod";

export const port = (fallback: number, description: string) =>
  z
    .int()
    .min(0)
    .max(65535)
    .default(fallback)
    .meta({ description, examples: [fallback] });
export const host = (description: string) =>
  z
    .string()
    .min(1)
    .default("127.0.0.1")
    .meta({ description, examples: ["127.0.0.1", "0.0.0.0"] });
export const number = (fallback: number, range: readonly [number, number], description: string) =>
  z
    .number()
    .min(range[0])
    .max(range[1])
    .default(fallback)
    .meta({ description, examples: [fallback] });
export const integer = (fallback: number, range: readonly [number, number], description: string) =>
  z
    .int()
    .min(range[0])
    .max(range[1])
    .default(fallback)
    .meta({ description, examples: [fallback] });
export const section = <Shape extends z.ZodRawShape>(description: string, shape: Shape) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ description });
