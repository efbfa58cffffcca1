/**
 * Pulls from a position: one long-polling fetch a call, on a connection of its own while it waits. A fetch brings
 * whole batches; what goes beyond a call's `maxBytes` is kept for the call that goes on there.
 */
import { setTimeout as wait } from "node:timers/promises";
import { ForeshockError } from "../contracts/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { closedError, withLogErrors } from "./kafka-errors.ts";
import { type DecodedBatches, decodeBatches } from "./kafka-fetch.ts";
import {
  type FetchRequest,
  fetchPartition,
  type KafkaBroker,
  kafkaError,
} from "./kafka-protocol.ts";
import type { KafkaTopic } from "./kafka-topics.ts";
import type { LogRecord, ReadRequest } from "./log.ts";
import { untilAborted } from "./until-aborted.ts";

const defaultReadBytes = 1024 * 1024;
/** Longest wait in one fetch, ms: closing waits for those under way. */
const maxFetchWaitMs = 1_000;
const maxIdleConnections = 16;
const offsetOutOfRange = 1;
const fetchTries = 6;

type Fetch = Omit<FetchRequest, "topic">;

export interface KafkaReader {
  read(
    topic: KafkaTopic,
    request: ReadRequest,
    signal: AbortSignal | undefined,
  ): Promise<readonly LogRecord[]>;
  /** Every record from `start` up to `end`, in order. */
  scan(
    topic: KafkaTopic,
    range: { readonly partition: number; readonly start: number; readonly end: number },
  ): AsyncIterable<LogRecord>;
  /** Ends what waits, and resolves when no fetch is under way any more. */
  close(): Promise<void>;
}

export function createKafkaReader(client: KafkaClient, clock: Clock): KafkaReader {
  const idle = new Map<number, KafkaBroker[]>();
  const leftovers = new Map<string, readonly LogRecord[]>();
  const underway = new Set<Promise<unknown>>();
  const closing = new AbortController();

  async function withConnection<T>(
    nodeId: number,
    use: (broker: KafkaBroker) => Promise<T>,
  ): Promise<T> {
    const free = idle.get(nodeId) ?? [];
    idle.set(nodeId, free);
    const broker = free.pop() ?? (await client.connect(nodeId));
    try {
      const result = await use(broker);
      if (free.length < maxIdleConnections && !closing.signal.aborted) free.push(broker);
      else await broker.disconnect();
      return result;
    } catch (error) {
      await broker.disconnect();
      throw error;
    }
  }

  async function fetchOnce(topic: KafkaTopic, request: Fetch): Promise<DecodedBatches> {
    const { partition, fromOffset } = request;
    const place = { topic: topic.spec.name, partition, fromOffset };
    const nodeId = await client.leaderOf(topic.name, partition);
    const found = await withConnection(nodeId, (broker) =>
      fetchPartition(broker, { ...request, topic: topic.name }),
    );
    if (found.errorCode === offsetOutOfRange)
      throw new ForeshockError(
        "data_lost",
        `offset ${fromOffset} of ${place.topic}/${partition} is outside the log`,
      );
    if (found.errorCode !== 0) throw kafkaError(found.errorCode);
    return decodeBatches(found.batches, place);
  }

  /** Leaders move and brokers restart: asks anew who leads, some times. */
  async function fetchPersistently(topic: KafkaTopic, request: Fetch): Promise<DecodedBatches> {
    const what = `reading ${topic.spec.name}/${request.partition}`;
    for (let attempt = 1; ; attempt++) {
      try {
        return await withLogErrors(what, () => fetchOnce(topic, request));
      } catch (error) {
        const mayPass = error instanceof ForeshockError && error.retryable;
        if (!mayPass || attempt >= fetchTries || closing.signal.aborted) throw error;
        await wait(25 * 2 ** attempt);
        await client.refresh().catch(() => {});
      }
    }
  }

  /** A fetch that goes on by itself when the caller stops waiting, so that its connection can be used again. */
  function fetchUnlessStopped(
    topic: KafkaTopic,
    request: Fetch,
    signal: AbortSignal | undefined,
  ): Promise<DecodedBatches> {
    const fetching = fetchPersistently(topic, request);
    underway.add(fetching);
    const settle = () => underway.delete(fetching);
    fetching.then(settle, settle);
    return untilAborted(fetching, [closing.signal, ...(signal === undefined ? [] : [signal])]);
  }

  async function read(
    topic: KafkaTopic,
    request: ReadRequest,
    signal: AbortSignal | undefined,
  ): Promise<readonly LogRecord[]> {
    const { partition, maxBytes = defaultReadBytes, waitMs = 0 } = request;
    const place = `${topic.spec.name}/${partition}`;
    if (!(request.fromOffset >= 0))
      throw new ForeshockError(
        "data_lost",
        `offset ${request.fromOffset} of ${place} is outside the log`,
      );
    const untilMs = clock.nowMs() + waitMs;
    for (let fromOffset = request.fromOffset; ; ) {
      const kept = leftovers.get(place);
      if (kept?.[0]?.offset === fromOffset) {
        leftovers.delete(place);
        return takeUpTo(place, kept, maxBytes);
      }
      const leftMs = untilMs - clock.nowMs();
      const fetch = { partition, fromOffset, maxBytes, waitMs: clamp(leftMs, 0, maxFetchWaitMs) };
      const { records, nextOffset } = await fetchUnlessStopped(topic, fetch, signal);
      if (records.length > 0) return takeUpTo(place, records, maxBytes);
      // Only control records, or all compacted away: the next batch may hold some.
      if (nextOffset === fromOffset && clock.nowMs() >= untilMs) return [];
      fromOffset = nextOffset;
    }
  }

  function takeUpTo(
    place: string,
    records: readonly LogRecord[],
    maxBytes: number,
  ): readonly LogRecord[] {
    let bytes = 0;
    let count = 0;
    for (const record of records) {
      bytes += record.value.length;
      if (count > 0 && bytes > maxBytes) break;
      count += 1;
    }
    if (count === records.length) return records;
    leftovers.set(place, records.slice(count));
    return records.slice(0, count);
  }

  async function* scan(
    topic: KafkaTopic,
    range: { readonly partition: number; readonly start: number; readonly end: number },
  ): AsyncIterable<LogRecord> {
    const { partition, end } = range;
    for (let fromOffset = range.start; fromOffset < end; ) {
      const fetch = { partition, fromOffset, maxBytes: 8 * defaultReadBytes, waitMs: 0 };
      const { records, nextOffset } = await fetchUnlessStopped(topic, fetch, undefined);
      yield* records;
      // The end was read before: nothing more to come means that the last batches are gone.
      if (nextOffset === fromOffset) return;
      fromOffset = nextOffset;
    }
  }

  return {
    read,
    scan,
    async close() {
      closing.abort(closedError());
      await Promise.race([Promise.allSettled(underway), wait(2 * maxFetchWaitMs)]);
      await Promise.all([...idle.values()].flat().map((broker) => broker.disconnect()));
    },
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
