/** An error in ClickHouse's own terms, as its HTTP interface tells it: number, name, text. */
export class ClickHouseException extends Error {
  readonly code: number;
  readonly type: string;

  constructor(code: number, type: string, message: string) {
    super(message);
    this.name = "ClickHouseException";
    this.code = code;
    this.type = type;
  }
}

export const syntaxError = (message: string) =>
  new ClickHouseException(62, "SYNTAX_ERROR", message);
export const notAllowed = (message: string) =>
  new ClickHouseException(392, "QUERY_NOT_ALLOWED", message);
export const badArguments = (message: string) =>
  new ClickHouseException(36, "BAD_ARGUMENTS", message);
export const notImplemented = (message: string) =>
  new ClickHouseException(48, "NOT_IMPLEMENTED", message);

/** What a client gets to read and which status goes with it; the engine's own errors pass unchanged. */
export interface ErrorAnswer {
  readonly status: number;
  readonly code: number;
  readonly text: string;
}

const statusByCode: Readonly<Record<number, number>> = {
  // unknown function, identifier, table, database
  46: 404,
  47: 404,
  60: 404,
  81: 404,
  // read-only, not allowed, access denied, wrong password
  164: 403,
  392: 403,
  497: 403,
  516: 403,
  48: 501,
  159: 408,
  202: 429,
  // everything else that the sender can mend: syntax, types, settings, arguments, data that does not parse
  6: 400,
  26: 400,
  27: 400,
  33: 400,
  36: 400,
  41: 400,
  43: 400,
  53: 400,
  62: 400,
  70: 400,
  72: 400,
  73: 400,
  115: 400,
  117: 400,
  307: 413,
  396: 400,
  456: 400,
  457: 400,
};

export function errorAnswer(error: unknown, version: string): ErrorAnswer {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ClickHouseException) {
    return {
      status: statusByCode[error.code] ?? 500,
      code: error.code,
      text: `Code: ${error.code}. DB::Exception: ${message}. (${error.type}) (version ${version})\n`,
    };
  }
  const code = Number(/^Code:\s*(\d+)/.exec(message)?.[1] ?? 1002);
  const text = message.startsWith("Code:")
    ? `${message.replace(/ \(version [^)]*\)/g, "")} (version ${version})\n`
    : `Code: ${code}. DB::Exception: ${message}. (UNKNOWN_EXCEPTION) (version ${version})\n`;
  return { status: statusByCode[code] ?? 500, code, text };
}
