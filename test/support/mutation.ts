/**
 * Structure-aware mutations of OTLP requests: each takes a request apart, changes what its class is about and puts it
 * together again, so that most of them are still requests and the damage lies where it is meant to.
 */
import type { Signal } from "../../services/contracts/topics.ts";
import { depth, length, order, utf8, varint, wireType } from "./mutation-form.ts";
import { duplicateIds, ids, nan, timestamps } from "./mutation-meaning.ts";
import type { Dice, Mutate } from "./mutation-subject.ts";
import { allFields, noFindings, readTree, writeTree } from "./mutation-tree.ts";
import {
  ExportLogsServiceRequest,
  ExportMetricsServiceRequest,
  ExportTraceServiceRequest,
} from "./otlp-proto.ts";

export const requestTypes = {
  traces: ExportTraceServiceRequest.type,
  metrics: ExportMetricsServiceRequest.type,
  logs: ExportLogsServiceRequest.type,
} as const satisfies Record<Signal, unknown>;

/** By class, in the order of the table. */
export const mutationClasses = {
  length,
  "wire type": wireType,
  depth,
  "UTF-8": utf8,
  "NaN, infinity": nan,
  timestamps,
  "duplicate ids": duplicateIds,
  "odd ids": ids,
  "order, repeats": order,
  varints: varint,
} as const satisfies Record<string, Mutate>;
export type MutationClass = keyof typeof mutationClasses;

/** A mutation of the request; the same dice give the same one. */
export function mutate(
  kind: MutationClass,
  signal: Signal,
  request: Uint8Array,
  dice: Dice,
): Buffer {
  const tree = readTree(Buffer.from(request), requestTypes[signal], noFindings());
  if (tree === undefined) throw new TypeError("only requests in order can be mutated");
  const subject = { tree, all: allFields(tree), dice };
  return mutationClasses[kind](subject) ?? writeTree(tree);
}
