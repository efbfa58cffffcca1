/** Answers of OTLP: export responses and google.rpc.Status, in protobuf and in JSON. */
import type { Signal } from "../contracts/topics.ts";
import { WireWriter } from "../contracts/wire.ts";

export type Encoding = "protobuf" | "json";

/** Codes of google.rpc.Code that are used here. */
export const rpcCode = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;
export type RpcCode = (typeof rpcCode)[keyof typeof rpcCode];

export interface PartialSuccess {
  readonly rejectedItems: number;
  readonly message: string;
}

const rejectedNames: Readonly<Record<Signal, string>> = {
  traces: "rejectedSpans",
  metrics: "rejectedDataPoints",
  logs: "rejectedLogRecords",
};

const nothing = new Uint8Array(0);

/** `Export*ServiceResponse`; `partial_success` is set only when something was rejected, as the specification wants. */
export function exportResponse(
  signal: Signal,
  partial: PartialSuccess | undefined,
  encoding: Encoding,
): Uint8Array {
  if (encoding === "json") {
    const body =
      partial === undefined
        ? {}
        : {
            partialSuccess: {
              [rejectedNames[signal]]: String(partial.rejectedItems),
              errorMessage: partial.message,
            },
          };
    return Buffer.from(JSON.stringify(body));
  }
  if (partial === undefined) return nothing;
  const writer = new WireWriter();
  writer.message(1, () => {
    writer.uint(1, partial.rejectedItems).string(2, partial.message);
  });
  return writer.finish();
}

export interface RpcStatus {
  readonly code: RpcCode;
  readonly message: string;
  /** Becomes a google.rpc.RetryInfo among the details. */
  readonly retryAfterMs?: number;
}

export function rpcStatus(status: RpcStatus, encoding: Encoding): Uint8Array {
  const { code, message, retryAfterMs } = status;
  if (encoding === "json") {
    const details =
      retryAfterMs === undefined
        ? []
        : [{ "@type": retryInfoType, retryDelay: `${retryAfterMs / 1000}s` }];
    return Buffer.from(
      JSON.stringify({ code, message, ...(details.length > 0 ? { details } : {}) }),
    );
  }
  const writer = new WireWriter();
  writer.uint(1, code).string(2, message);
  if (retryAfterMs !== undefined)
    writer.message(3, () => {
      writer.string(1, retryInfoType).bytes(2, retryInfo(retryAfterMs));
    });
  return writer.finish();
}

const retryInfoType = "type.googleapis.com/google.rpc.RetryInfo";

function retryInfo(retryAfterMs: number): Uint8Array {
  const writer = new WireWriter();
  const seconds = Math.floor(retryAfterMs / 1000);
  const nanos = Math.round((retryAfterMs % 1000) * 1e6);
  writer.message(1, () => {
    writer.uintIfSet(1, seconds).uintIfSet(2, nanos);
  });
  return writer.finish();
}
