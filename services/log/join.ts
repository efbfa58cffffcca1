import { ForeshockError } from "../contracts/errors.ts";
import type { AssignmentHandler, TopicPartition } from "./log.ts";

/**
 * Gives every partition to the handler at once and keeps them until one of `ends` aborts; then waits for the
 * handlers and resolves. A handler that fails before that ends all of them, and its error is thrown.
 */
export async function runJoin(
  owned: readonly TopicPartition[],
  handler: AssignmentHandler,
  ends: readonly AbortSignal[],
): Promise<void> {
  const failed = new AbortController();
  const revoked = AbortSignal.any([...ends, failed.signal]);
  if (revoked.aborted) return;
  const ended = new Promise<void>((resolve) => {
    revoked.addEventListener("abort", () => resolve(), { once: true });
  });
  let failure: { readonly error: unknown } | undefined;
  const running = owned.map(async (partition) => {
    try {
      await handler.onAssigned(partition, revoked);
    } catch (error) {
      if (revoked.aborted && isConsequence(error, revoked)) return;
      failure ??= { error };
      failed.abort(error);
    }
  });
  await ended;
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
}

/** Whether an error only says that the work was called off. */
function isConsequence(error: unknown, revoked: AbortSignal): boolean {
  if (error === revoked.reason) return true;
  if (error instanceof ForeshockError) return error.code === "log_closed";
  return error instanceof Error && error.name === "AbortError";
}
