import { headers } from "../contracts/topics.ts";
import type { LogRecord } from "../log/log.ts";

/** Which record of which task this is; undefined where no task says so. */
export interface Upstream {
  readonly task: string;
  readonly sequence: number;
}

export function upstreamOf(record: LogRecord): Upstream | undefined {
  const task = record.headers[headers.task];
  const sequence = Number(record.headers[headers.sequence]);
  if (task === undefined || !Number.isSafeInteger(sequence) || sequence < 1) return undefined;
  return { task, sequence };
}
