/** One HTTP POST and what its answer means for trying again. */
import { parseRetryAfter } from "../backoff.ts";
import type { SinkAnswer } from "./sink.ts";

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly nowMs: () => number;
}

/** Statuses beside 5xx under which the same request may go through later. */
const passing = new Set([408, 425, 429]);
const detailLimit = 200;

export async function post(request: PostRequest, signal: AbortSignal): Promise<SinkAnswer> {
  let response: Response;
  try {
    response = await fetch(request.url, {
      method: "POST",
      headers: request.headers,
      body: request.body,
      redirect: "manual",
      signal,
    });
  } catch (error) {
    return { outcome: "retry", detail: reasonOf(error, signal) };
  }
  const { status } = response;
  if (status >= 200 && status < 300) {
    // The status has decided; a body that breaks off does not undo it.
    await response.body?.cancel().catch(() => undefined);
    return { outcome: "delivered", detail: `HTTP ${status}` };
  }
  const said = await startOf(response);
  const detail = `HTTP ${status}${said === "" ? "" : `: ${said}`}`;
  if (status < 500 && !passing.has(status)) return { outcome: "refused", detail };
  return {
    outcome: "retry",
    detail,
    retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), request.nowMs()),
  };
}

/** Reads a little of an answer for the record, and not the rest. */
async function startOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  try {
    const { value } = await reader.read();
    await reader.cancel();
    return Buffer.from(value ?? new Uint8Array())
      .toString("utf8")
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, detailLimit);
  } catch {
    return "";
  }
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted)
    return signal.reason instanceof DOMException && signal.reason.name === "TimeoutError"
      ? "no answer in time"
      : "given up";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown } | null)?.code;
  if (typeof code === "string") return code;
  return cause instanceof Error ? cause.message.slice(0, detailLimit) : String(cause);
}
