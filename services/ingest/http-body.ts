import type { IncomingMessage } from "node:http";
import type { Receiver } from "./receiver.ts";

export type BodyResult =
  | { readonly kind: "whole"; readonly body: Buffer }
  | { readonly kind: "too_large" }
  | { readonly kind: "overloaded" }
  | { readonly kind: "aborted" };

/**
 * Collects a body up to `maxBytes`, counting while it comes in. What it claims of the receiver's memory, `release`
 * gives back, which the caller does when the request is answered.
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  claim: (bytes: number) => boolean,
): Promise<BodyResult> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > maxBytes) return { kind: "too_large" };
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += (chunk as Buffer).length;
      if (size > maxBytes) return { kind: "too_large" };
      if (!claim((chunk as Buffer).length)) return { kind: "overloaded" };
      chunks.push(chunk as Buffer);
    }
  } catch {
    return { kind: "aborted" };
  }
  const [only] = chunks;
  return {
    kind: "whole",
    body: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size),
  };
}

/** Memory claimed for one request. */
export function createClaim(receiver: Receiver): {
  claim(bytes: number): boolean;
  release(): void;
} {
  let held = 0;
  return {
    claim(bytes) {
      if (!receiver.claimBytes(bytes)) return false;
      held += bytes;
      return true;
    },
    release() {
      receiver.releaseBytes(held);
      held = 0;
    },
  };
}
