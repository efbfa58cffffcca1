import { z } from "zod";
import { normalCdf, type RandomSource } from "./random.ts";

/** A number, or a distribution from which the seed draws one: LN(median, sigma) or U(low, high). */
export const quantitySchema = z.union([
  z.number(),
  z.strictObject({
    median: z.number().positive(),
    sigma: z.number().nonnegative().describe("standard deviation of the logarithm"),
    min: z.number().optional(),
    max: z.number().optional(),
  }),
  z.strictObject({ uniform: z.tuple([z.number(), z.number()]) }),
]);

export type Quantity = z.infer<typeof quantitySchema>;

/** Draws exactly one uniform whatever the kind, so that a changed distribution shifts no other draw. */
export function drawQuantity(quantity: Quantity, random: RandomSource): number {
  const normal = random.normal();
  if (typeof quantity === "number") return quantity;
  if ("uniform" in quantity) {
    const [low, high] = quantity.uniform;
    return low + (high - low) * normalCdf(normal);
  }
  const value = quantity.median * Math.exp(quantity.sigma * normal);
  return Math.min(quantity.max ?? Infinity, Math.max(quantity.min ?? -Infinity, value));
}
