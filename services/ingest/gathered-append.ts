/**
 * Group commit of requests. A request of many traces is cut into a piece for each partition, and a small record costs every
 * reader as much as a large one. So while appends are under way, what comes meanwhile waits, and then goes together:
 * pieces for the same partition as one record, since export requests one behind the other are one export request. A
 * request that meets no other goes at once. The pieces of one request are always in one append.
 */
import type { AppendRecord, Log } from "../log/log.ts";

/** Resolves once all records are durable; rejects with what the log says. Values must not change until then. */
export type GatheredAppend = (records: readonly PlainRecord[]) => Promise<void>;

/** Source records have neither key nor headers. */
type PlainRecord = Pick<AppendRecord, "topic" | "partition" | "value">;

/** One is being written, the other waits for its turn in the log. */
const appendsAtOnce = 2;
/** Pieces are put together up to this size: more would not make a record cheaper. */
const gatheredBytes = 256 * 1024;
/** Longer pieces stay as they are, without a copy. */
const pieceBytes = 64 * 1024;
/** Requests go together up to so many bytes. */
const groupBytes = 8 * 1024 * 1024;

interface Waiting {
  readonly records: readonly PlainRecord[];
  readonly bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

interface Queue {
  waiting: Waiting[];
  underWay: number;
}

export function createGatheredAppend(log: Pick<Log, "append">): GatheredAppend {
  const queues = new Map<string, Queue>();

  async function appendNext(queue: Queue): Promise<void> {
    const group = takeGroup(queue);
    queue.underWay++;
    try {
      await log.append(gather(group));
      for (const request of group) request.resolve();
    } catch (error) {
      for (const request of group) request.reject(error);
    }
    queue.underWay--;
    if (queue.waiting.length > 0) void appendNext(queue);
  }

  return (records) => {
    const [first] = records;
    if (first === undefined) return Promise.resolve();
    // What goes to one partition alone never waits for the others.
    const key = records.length === 1 ? `${first.topic}/${first.partition}` : first.topic;
    const queue = queues.get(key) ?? { waiting: [], underWay: 0 };
    queues.set(key, queue);
    const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
    return new Promise((resolve, reject) => {
      queue.waiting.push({ records, bytes, resolve, reject });
      if (queue.underWay < appendsAtOnce) void appendNext(queue);
    });
  };
}

/** At least one. */
function takeGroup(queue: Queue): Waiting[] {
  let bytes = 0;
  let taken = 0;
  for (const request of queue.waiting) {
    bytes += request.bytes;
    if (taken > 0 && bytes > groupBytes) break;
    taken++;
  }
  return queue.waiting.splice(0, taken);
}

/** Pieces of one partition become one record, in the order of the requests; the partitions in order of their first piece. */
function gather(group: readonly Waiting[]): readonly PlainRecord[] {
  const [only] = group;
  if (group.length === 1 && only !== undefined) return only.records;
  const records: PlainRecord[] = [];
  /** Pieces that wait for more of the same partition. */
  const open = new Map<
    string,
    { readonly first: PlainRecord; values: Uint8Array[]; bytes: number }
  >();
  const close = (place: string) => {
    const pieces = open.get(place);
    if (pieces === undefined) return;
    open.delete(place);
    const { first, values, bytes } = pieces;
    records.push(values.length === 1 ? first : { ...first, value: Buffer.concat(values, bytes) });
  };
  for (const record of group.flatMap((request) => request.records)) {
    const place = `${record.topic}/${record.partition}`;
    const size = record.value.length;
    if ((open.get(place)?.bytes ?? 0) + size > gatheredBytes || size > pieceBytes) close(place);
    const pieces = open.get(place);
    if (size > pieceBytes) records.push(record);
    else if (pieces === undefined)
      open.set(place, { first: record, values: [record.value], bytes: size });
    else {
      pieces.values.push(record.value);
      pieces.bytes += size;
    }
  }
  for (const place of [...open.keys()]) close(place);
  return records;
}
