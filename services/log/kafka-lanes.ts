/** What waits to be appended, by partition, and how an append hears of it: the bookkeeping of `kafka-producer.ts`. */
import type { BatchRecord } from "./kafka-batch.ts";
import type { ProducedPartition } from "./kafka-produce.ts";
import type { KafkaTopic } from "./kafka-topics.ts";
import type { Appended, AppendRecord } from "./log.ts";

/** A batch stays below the limit that topics have which others made; a larger record goes alone. */
const maxBatchBytes = 900 * 1024;
const maxRequestBytes = 16 * 1024 * 1024;

/** One call of `append`: resolved with the last of its records, rejected with the first that fails. */
interface Append {
  readonly appended: Appended[];
  left: number;
  isOver: boolean;
  settle(outcome: { readonly error: unknown } | undefined): void;
}

interface Waiting {
  readonly append: Append;
  readonly index: number;
  readonly bytes: number;
  readonly record: BatchRecord;
}

/** A partition's records in order. */
export interface Lane {
  /** Its topic's name on the cluster. */
  readonly topic: string;
  readonly partition: number;
  waiting: Waiting[];
  /** A batch is under way. */
  isBusy: boolean;
}

export interface Batch {
  readonly lane: Lane;
  readonly records: readonly Waiting[];
}

/** Puts records at the end of their lanes. Aborting rejects at once; what is under way may be written nevertheless. */
export function queueAppend(
  lanes: Map<string, Lane>,
  records: readonly AppendRecord[],
  means: { readonly topics: readonly KafkaTopic[]; readonly signal: AbortSignal | undefined },
): Promise<readonly Appended[]> {
  const { topics, signal } = means;
  return new Promise((resolve, reject) => {
    const append: Append = {
      appended: new Array<Appended>(records.length),
      left: records.length,
      isOver: false,
      settle(failure) {
        if (append.isOver) return;
        append.isOver = true;
        signal?.removeEventListener("abort", onAbort);
        if (failure === undefined) resolve(append.appended);
        else reject(failure.error);
      },
    };
    const onAbort = () => append.settle({ error: signal?.reason });
    signal?.addEventListener("abort", onAbort, { once: true });
    for (const [index, record] of records.entries()) {
      const topic = topics[index];
      const lane = laneOf(lanes, topic?.name ?? record.topic, record.partition);
      const isTombstone = topic?.spec.cleanup === "compact" && record.value.length === 0;
      lane.waiting.push({
        append,
        index,
        bytes: sizeOf(record),
        record: isTombstone ? { ...record, value: null } : record,
      });
    }
  });
}

function laneOf(lanes: Map<string, Lane>, topic: string, partition: number): Lane {
  const place = `${topic}/${partition}`;
  let lane = lanes.get(place);
  if (lane === undefined) {
    lane = { topic, partition, waiting: [], isBusy: false };
    lanes.set(place, lane);
  }
  return lane;
}

/** Takes the next batch of each lane that has one, as much as one request may carry. */
export function takeBatches(lanes: readonly Lane[]): Batch[] {
  const batches: Batch[] = [];
  let requestBytes = 0;
  for (const lane of lanes) {
    if (requestBytes > maxRequestBytes) break;
    lane.waiting = lane.waiting.filter(({ append }) => !append.isOver);
    let bytes = 0;
    let count = 0;
    for (const record of lane.waiting) {
      bytes += record.bytes;
      if (count > 0 && bytes > maxBatchBytes) break;
      count += 1;
    }
    if (count === 0) continue;
    requestBytes += bytes;
    batches.push({ lane, records: lane.waiting.splice(0, count) });
  }
  return batches;
}

export function acknowledge({ records }: Batch, answer: ProducedPartition): void {
  const { baseOffset, appendMs } = answer;
  for (const [at, { append, index }] of records.entries()) {
    append.appended[index] = { offset: baseOffset + at, appendMs };
    append.left -= 1;
    if (append.left === 0) append.settle(undefined);
  }
}

export function fail({ records }: Batch, error: unknown): void {
  for (const { append } of records) append.settle({ error });
}

function sizeOf({ key, value, headers }: AppendRecord): number {
  let bytes = 32 + value.length + (key?.length ?? 0);
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0) + 2;
  return bytes;
}
