/** What a mutation works on: a request apart, what can be picked of it, and the dice. */
import type { RandomSource } from "../../services/chatbot/random.ts";
import type { Placed, WireField } from "./mutation-tree.ts";

export interface Dice {
  /** A whole number below `limit`. */
  below(limit: number): number;
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
}

export function diceOf(random: RandomSource): Dice {
  const below = (limit: number) => Math.min(limit - 1, Math.floor(random.unit() * limit));
  return {
    below,
    chance: (share) => random.unit() < share,
    pick(list) {
      const picked = list[below(list.length)];
      if (picked === undefined) throw new RangeError("nothing to pick from");
      return picked;
    },
  };
}

/** A request apart: changed in place, then written. */
export interface Subject {
  readonly tree: WireField[];
  readonly all: readonly Placed[];
  readonly dice: Dice;
}

/** Gives other bytes than those of the tree where the damage is to the whole. */
export type Mutate = (subject: Subject) => Buffer | undefined;

export const nameOf = ({ field }: Placed) => field.schema?.name ?? "";
export const typeOf = ({ field }: Placed) => field.schema?.type ?? "";
export const ofType = (all: readonly Placed[], ...types: string[]) =>
  all.filter((placed) => types.includes(typeOf(placed)));
export const named = (all: readonly Placed[], ...names: string[]) =>
  all.filter((placed) => names.includes(nameOf(placed)));
export const bounded = (all: readonly Placed[]) => all.filter(({ field }) => field.wire === 2);
export const leaves = (all: readonly Placed[]) => bounded(all).filter(({ field }) => !field.fields);
export const messages = (all: readonly Placed[]) =>
  all.filter(({ field }) => field.fields !== undefined);
