/** What a log holds of the reducing stages' outputs, and what a replay of its source records gives: for comparing byte for byte. */
import type { Judgement } from "../../services/contracts/config.ts";
import {
  headers,
  signals,
  sourceTopics,
  type TopicName,
  topics,
} from "../../services/contracts/topics.ts";
import type { Log, LogRecord } from "../../services/log/log.ts";
import { sourceTasks } from "../../services/runtime/control.ts";
import { Replay, type ReplayRecord } from "../../services/runtime/replay.ts";

export async function readTopic(log: Log, topic: TopicName): Promise<LogRecord[]> {
  const spec = (await log.topics()).find(({ name }) => name === topic);
  const records: LogRecord[] = [];
  for (let partition = 0; partition < (spec?.partitions ?? 0); partition++) {
    const { start, end } = await log.offsets(topic, partition);
    for (let fromOffset = start; fromOffset < end; ) {
      const batch = await log.read({ topic, partition, fromOffset });
      const last = batch.at(-1);
      if (last === undefined) break;
      records.push(...batch);
      fromOffset = last.offset + 1;
    }
  }
  return records;
}

/** Every source record of a log, in the order in which they arrived. */
export async function sourceRecords(log: Log): Promise<ReplayRecord[]> {
  const records: ReplayRecord[] = [];
  for (const signal of signals)
    for (const record of await readTopic(log, sourceTopics[signal]))
      records.push({
        signal,
        partition: record.partition,
        appendMs: record.appendMs,
        payload: record.value,
        isHeartbeat: record.headers[headers.heartbeat] !== undefined,
      });
  return records.sort((a, b) => a.appendMs - b.appendMs);
}

/** Output records by `topic/partition/task`, each once, in order. */
export type Outcome = ReadonlyMap<string, readonly Uint8Array[]>;

export interface Distinct {
  readonly records: LogRecord[];
  /** Records that came again, as after a crash. */
  readonly repeats: number;
  /** Repeats that were not what had been written before, and sequences that were left out. */
  readonly broken: readonly string[];
}

/** Each (task, sequence) once, as every consumer of the topic takes it. */
export function distinct(records: readonly LogRecord[]): Distinct {
  const taken: LogRecord[] = [];
  const broken: string[] = [];
  const channels = new Map<string, LogRecord[]>();
  let repeats = 0;
  for (const record of records) {
    const channel = `${record.topic}/${record.partition}/${record.headers[headers.task]}`;
    const known = channels.get(channel) ?? [];
    channels.set(channel, known);
    const sequence = Number(record.headers[headers.sequence]);
    const before = known[sequence - 1];
    if (before !== undefined) {
      repeats++;
      if (Buffer.compare(before.value, record.value) !== 0)
        broken.push(`${channel} #${sequence} came again with other bytes at ${record.offset}`);
    } else if (sequence !== known.length + 1) {
      broken.push(`${channel} goes on with #${sequence} after #${known.length}`);
    } else {
      known.push(record);
      taken.push(record);
    }
  }
  return { records: taken, repeats, broken };
}

export const judgedTopics = [topics.closed, topics.frames, topics.incidents] as const;

export interface LogOutcome {
  readonly outcome: Outcome;
  readonly records: Readonly<Record<(typeof judgedTopics)[number], readonly LogRecord[]>>;
  readonly repeats: number;
  readonly broken: readonly string[];
}

/** What the stages wrote to a log. */
export async function outcomeOf(log: Log): Promise<LogOutcome> {
  const outcome = new Map<string, Uint8Array[]>();
  const broken: string[] = [];
  const records: Partial<Record<string, readonly LogRecord[]>> = {};
  let repeats = 0;
  for (const topic of judgedTopics) {
    const found = distinct(await readTopic(log, topic));
    records[topic] = found.records;
    repeats += found.repeats;
    broken.push(...found.broken);
    for (const record of found.records)
      add(outcome, `${topic}/${record.headers[headers.task]}`, record.value);
  }
  return { outcome, records: records as LogOutcome["records"], repeats, broken };
}

function add(outcome: Map<string, Uint8Array[]>, channel: string, value: Uint8Array): void {
  const known = outcome.get(channel);
  if (known === undefined) outcome.set(channel, [value]);
  else known.push(value);
}

export interface Replayed {
  readonly outcome: Outcome;
  readonly rejected: number;
}

/** What the same reducers make of source records with no log between them. */
export function replayOutcome(
  records: Iterable<ReplayRecord>,
  options: {
    readonly judgement: Judgement;
    readonly partitions: number;
    readonly closesAll: boolean;
  },
): Replayed {
  const outcome = new Map<string, Uint8Array[]>();
  let rejected = 0;
  const replay = new Replay(
    {
      judgement: options.judgement,
      tasks: sourceTasks(options.partitions),
      windowsPartitions: options.partitions,
    },
    {
      onClosed: (window, bytes) => add(outcome, `${topics.closed}/${window.task}`, bytes.slice()),
      onFrame: (frame, bytes) => add(outcome, `${topics.frames}/${frame.task}`, bytes.slice()),
      onIncident: (_, bytes) => add(outcome, `${topics.incidents}/incident/0`, bytes.slice()),
      onRejected: () => rejected++,
    },
  );
  for (const record of records) replay.feed(record);
  if (options.closesAll) replay.finish();
  return { outcome, rejected };
}

/**
 * Where `seen` is not `expected`, one text each. `seen` may end earlier by as many records a channel as `missingAllowed`
 * says, since what closes last depends on when a live run is stopped; never later.
 */
export function differences(
  seen: Outcome,
  expected: Outcome,
  missingAllowed: (channel: string) => number,
): string[] {
  const found: string[] = [];
  for (const channel of new Set([...seen.keys(), ...expected.keys()])) {
    const left = seen.get(channel) ?? [];
    const right = expected.get(channel) ?? [];
    const missing = right.length - left.length;
    if (missing < 0 || missing > missingAllowed(channel))
      found.push(`${channel}: ${left.length} records, expected ${right.length}`);
    for (let i = 0; i < Math.min(left.length, right.length); i++)
      if (Buffer.compare(left[i] as Uint8Array, right[i] as Uint8Array) !== 0)
        found.push(`${channel}: record ${i + 1} differs`);
  }
  return found;
}
