import { ForeshockError } from "../contracts/errors.ts";
import { headers, type Signal, signals, sourceTopics } from "../contracts/topics.ts";
import { openCaptureWriter } from "../log/capture.ts";
import type { Log, LogRecord } from "../log/log.ts";
import { openLog } from "../runtime/app.ts";
import { loadConfig } from "../runtime/config-load.ts";
import { type Command, configOption, exitCodes, outputFile, requireLog, write } from "./command.ts";
import { showProgress } from "./progress.ts";

export const captureCommand: Command = {
  name: "capture",
  summary:
    "Record telemetry from the log into a file, to replay it elsewhere or with another configuration.",
  usage: "--out FILE [--from TIME] [--to TIME] [--config FILE]",
  options: {
    ...configOption,
    out: { type: "string", value: "FILE", help: "The capture; .gz and .zst are compressed" },
    from: {
      type: "string",
      value: "TIME",
      help: "First arrival time, such as 2026-03-02T13:00:00Z (default: the oldest kept)",
    },
    to: {
      type: "string",
      value: "TIME",
      help: "Arrival time to stop before (default: the newest)",
    },
  },
  examples: [
    "foreshock capture --out all.fsc.zst",
    "foreshock capture --out hour.fsc.zst --from 2026-03-02T13:00:00Z --to 2026-03-02T14:00:00Z",
  ],
  notes: [
    "The embedded log belongs to one process: stop `foreshock run` first. Content is already cut; names and ids are in it.",
  ],
  run: async (args) => {
    const out = outputFile(args, "out");
    if (out === undefined) throw new ForeshockError("usage", "capture: --out FILE is needed");
    const fromMs = time(args.text("from"), "from", 0);
    const toMs = time(args.text("to"), "to", Number.POSITIVE_INFINITY);
    const { config } = loadConfig(args.text("config"), process.env);
    requireLog(config);
    await using log = await openLog(config);
    const partitions = await sourcePartitions(log);
    const total = partitions.reduce((sum, { start, end }) => sum + end - start, 0);
    const progress = showProgress(`capturing to ${out}`, total);
    const writer = await openCaptureWriter(out);
    let count = 0;
    // All partitions in the order of arrival, as they came in.
    const queues = partitions.map((partition) => records(log, partition));
    const heads = await Promise.all(queues.map((queue) => queue.next()));
    for (;;) {
      let best = -1;
      for (let i = 0; i < heads.length; i++) {
        const head = heads[i];
        const leader = heads[best];
        if (
          head?.done === false &&
          (leader?.value === undefined || head.value.appendMs < leader.value.appendMs)
        )
          best = i;
      }
      const head = heads[best];
      if (head?.value === undefined) break;
      const { signal, record } = {
        signal: partitions[best]?.signal ?? "traces",
        record: head.value,
      };
      if (record.appendMs >= fromMs && record.appendMs < toMs) {
        await writer.write({
          signal,
          partition: record.partition,
          appendMs: record.appendMs,
          payload: record.value,
          isHeartbeat: record.headers[headers.heartbeat] !== undefined,
        });
        count++;
      }
      progress.update(count);
      const queue = queues[best];
      if (queue === undefined) break;
      heads[best] = await queue.next();
    }
    await writer.close();
    progress.end();
    write(`${count} records in ${out}. Next: foreshock replay ${out}`);
    return exitCodes.ok;
  },
};

function time(text: string | undefined, option: string, fallback: number): number {
  if (text === undefined) return fallback;
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new ForeshockError(
      "usage",
      `--${option} must be a time such as 2026-03-02T13:00:00Z, got ${text}`,
    );
  return ms;
}

interface SourcePartition {
  readonly signal: Signal;
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

async function sourcePartitions(log: Log): Promise<SourcePartition[]> {
  const known = await log.topics();
  const found: SourcePartition[] = [];
  for (const signal of signals) {
    const topic = sourceTopics[signal];
    const partitions = known.find(({ name }) => name === topic)?.partitions ?? 0;
    for (let partition = 0; partition < partitions; partition++)
      found.push({ signal, topic, partition, ...(await log.offsets(topic, partition)) });
  }
  return found;
}

async function* records(
  log: Log,
  { topic, partition, start, end }: SourcePartition,
): AsyncGenerator<LogRecord, undefined> {
  for (let offset = start; offset < end; ) {
    const batch = await log.read({ topic, partition, fromOffset: offset });
    if (batch.length === 0) return undefined;
    for (const record of batch) {
      yield record;
      offset = record.offset + 1;
    }
  }
  return undefined;
}
