/** Every error code of Foreshock, with what it means; codes are stable, texts are not. */
export const errorCodes = {
  config_invalid: "Configuration does not fit its schema; the message lists every mistake.",
  usage: "The command line was not understood.",
  log_owned: "Another process owns the log directory.",
  log_closed: "The log was closed while a call was under way.",
  log_corrupt: "A stored log record does not read back.",
  log_full: "A registered consumer is too far behind, or the disk passed its bound.",
  topic_unknown: "The topic was not created before use.",
  topic_mismatch: "A topic exists with other settings than wanted.",
  data_lost:
    "An offset lies below the start of the log: records were deleted before they were read.",
  record_invalid: "A record does not decode.",
  sequence_gap: "An upstream task's output is missing.",
  epoch_unknown: "The task lacks the configuration epoch that a record was made under.",
  checkpoint_invalid: "A checkpoint is torn, or was written by a newer version.",
  payload_too_large: "A request is larger than its limit.",
  payload_invalid: "A request is not valid OTLP.",
  unavailable: "A dependency did not answer; try again.",
  history_failed: "ClickHouse refused or failed a statement.",
  history_owned: "Another process owns the history directory.",
  query_refused: "A query is not allowed on the read-only endpoint.",
  capture_invalid: "A capture file does not read as one.",
  series_invalid: "A CSV file does not read as timestamps and values.",
  scenario_invalid: "A fleet or scenario file does not fit its schema.",
  port_in_use: "A port is taken by another program.",
  delivery_failed: "A sink did not take a notification.",
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorOptions {
  /** Whether the same call may go through later without any change. Default false. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** The one error class: a code for programs, a message that names thing, value and limit for people. */
export class ForeshockError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ForeshockError";
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}
