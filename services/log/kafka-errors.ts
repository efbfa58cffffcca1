import { ForeshockError } from "../contracts/errors.ts";

/** Kafka's name of an error, wherever kafkajs wrapped it; undefined when it did not come from a broker. */
export function kafkaErrorType(error: unknown): string | undefined {
  for (let each: unknown = error, depth = 0; each instanceof Error && depth < 5; depth++) {
    const { type, originalError } = each as { type?: unknown; originalError?: unknown };
    if (typeof type === "string") return type;
    each = originalError ?? each.cause;
  }
  return undefined;
}

const refusals = /AUTHORIZATION_FAILED|SASL|UNSUPPORTED|INVALID_CONFIG|POLICY_VIOLATION/;
const tooLarge = new Set(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"]);

/**
 * What goes wrong with Kafka, as an error of ours. Nearly all of it may pass (brokers restart, leaders move), so it
 * is retryable; refused access, bad settings and records beyond the broker's limit are not. Bugs are passed on.
 */
export function asLogError(what: string, error: unknown): unknown {
  if (error instanceof ForeshockError || !(error instanceof Error)) return error;
  if (!error.name.startsWith("KafkaJS") && !("code" in error)) return error;
  const type = kafkaErrorType(error);
  const message = `${what}: Kafka: ${error.message}${type === undefined ? "" : ` (${type})`}`;
  const isRefused = refusals.test(type ?? "") || error.name === "KafkaJSSASLAuthenticationError";
  if (isRefused) return new ForeshockError("config_invalid", message, { cause: error });
  if (type !== undefined && tooLarge.has(type))
    return new ForeshockError("payload_too_large", message, { cause: error });
  return new ForeshockError("unavailable", message, { retryable: true, cause: error });
}

export function closedError(): ForeshockError {
  return new ForeshockError("log_closed", "the log is closed");
}

/** Runs a call to Kafka; what fails in it comes out as an error of ours. */
export async function withLogErrors<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw asLogError(what, error);
  }
}
