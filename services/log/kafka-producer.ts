/**
 * Appends in order: one batch a partition under way, and what comes meanwhile goes together into the next one. A batch
 * is sent again with the same producer id and sequence until it is acknowledged, so the broker drops repeats. When that
 * takes too long the id is given up with it: a next batch under a sequence that may have been written would be taken
 * for a repeat, and lost.
 */
import { ForeshockError } from "../contracts/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Compression, type EncodedBatch, encodeBatch } from "./kafka-batch.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { asLogError } from "./kafka-errors.ts";
import {
  acknowledge,
  type Batch,
  fail,
  type Lane,
  queueAppend,
  takeBatches,
} from "./kafka-lanes.ts";
import { type ProducedPartition, produce, type RawConnection } from "./kafka-produce.ts";
import { type KafkaBroker, kafkaError } from "./kafka-protocol.ts";
import type { KafkaTopic } from "./kafka-topics.ts";
import type { Appended, AppendRecord } from "./log.ts";

const requestTimeoutMs = 10_000;

export interface KafkaProducer {
  append(
    records: readonly AppendRecord[],
    topics: readonly KafkaTopic[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Appended[]>;
  /** Resolves when nothing is waiting or under way. */
  idle(): Promise<void>;
}

export interface KafkaProducerOptions {
  readonly clock: Clock;
  readonly compression: Compression;
  /** An append fails when it was not acknowledged after so long, ms. */
  readonly deliveryTimeoutMs: number;
}

interface Identity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly sequences: Map<Lane, number>;
}

/** A batch with its sequence; sent again it is the same to the byte. */
interface Numbered extends Batch {
  readonly encoded: EncodedBatch;
}

export function createKafkaProducer(
  client: KafkaClient,
  options: KafkaProducerOptions,
): KafkaProducer {
  const { clock } = options;
  const lanes = new Map<string, Lane>();
  const running = new Set<Promise<void>>();
  let identity: Promise<Identity> | undefined;
  let isScheduled = false;

  async function newIdentity(): Promise<Identity> {
    const broker = await client.anyBroker();
    const { producerId, producerEpoch } = await broker.initProducerId({
      transactionTimeout: 60_000,
    });
    return { producerId: BigInt(producerId), producerEpoch, sequences: new Map() };
  }

  /** Gives each batch the sequence that follows in its lane; they count to 2³¹ − 1 and begin again. */
  function number(own: Identity, batches: readonly Batch[]): Numbered[] {
    const { producerId, producerEpoch, sequences } = own;
    const { compression } = options;
    const timeMs = clock.nowMs();
    return batches.map((batch) => {
      const firstSequence = sequences.get(batch.lane) ?? 0;
      sequences.set(batch.lane, (firstSequence + batch.records.length) % 2 ** 31);
      const encoded = encodeBatch(
        batch.records.map(({ record }) => record),
        { producerId, producerEpoch, firstSequence },
        { compression, timeMs },
      );
      return { ...batch, encoded };
    });
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    // What this turn of the event loop still brings shares the request.
    queueMicrotask(() => {
      isScheduled = false;
      const ready = [...lanes.values()].filter((lane) => !lane.isBusy && lane.waiting.length > 0);
      const batches = takeBatches(ready);
      if (batches.length === 0) return;
      for (const { lane } of batches) lane.isBusy = true;
      const run = sendAll(batches).finally(() => {
        running.delete(run);
        schedule();
      });
      running.add(run);
    });
  }

  function free({ lane }: Batch): void {
    lane.isBusy = false;
    schedule();
  }

  /** Never rejects: the appends hear how it went. */
  async function sendAll(batches: readonly Batch[]): Promise<void> {
    const untilMs = clock.nowMs() + options.deliveryTimeoutMs;
    let left: readonly Batch[] = batches;
    let own: Identity | undefined;
    for (let waitMs = 50; ; waitMs = Math.min(2 * waitMs, 1_000)) {
      let failure: unknown;
      try {
        if (own === undefined) {
          identity ??= newIdentity();
          own = await identity;
          left = number(own, left);
        }
        const outcome = await sendOnce(left as readonly Numbered[]);
        if (outcome.left.length === 0) return;
        left = outcome.left;
        failure = outcome.failure;
      } catch (error) {
        if (own === undefined) identity = undefined;
        failure = error;
      }
      if (clock.nowMs() >= untilMs || !isPassing(failure)) {
        for (const batch of left) giveUp(batch, failure);
        return;
      }
      await clock.sleep(waitMs);
      await client.refresh().catch(() => {});
    }
  }

  function giveUp(batch: Batch, failure: unknown): void {
    identity = undefined;
    fail(batch, asLogError("appending", failure));
    free(batch);
  }

  /** Sends to each leader; batches that failed in a way that may pass are left, with one of the reasons. */
  async function sendOnce(
    batches: readonly Numbered[],
  ): Promise<{ readonly left: readonly Numbered[]; readonly failure: unknown }> {
    const byLeader = new Map<number, Numbered[]>();
    for (const batch of batches) {
      const leader = await client.leaderOf(batch.lane.topic, batch.lane.partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch]);
    }
    const left: Numbered[] = [];
    let failure: unknown;
    const send = async ([nodeId, led]: readonly [number, readonly Numbered[]]) => {
      try {
        const answers = await sendTo(nodeId, led);
        for (const batch of led) {
          const answer = answers.get(batch.lane);
          if (answer?.errorCode === 0) {
            acknowledge(batch, answer);
            free(batch);
            continue;
          }
          const error = kafkaError(answer?.errorCode ?? -1);
          if (isPassing(error)) {
            left.push(batch);
            failure = error;
          } else giveUp(batch, error);
        }
      } catch (error) {
        left.push(...led);
        failure = error;
      }
    };
    await Promise.all([...byLeader].map(send));
    return { left, failure };
  }

  async function sendTo(
    nodeId: number,
    batches: readonly Numbered[],
  ): Promise<Map<Lane, ProducedPartition>> {
    const byTopic = new Map<string, Numbered[]>();
    for (const batch of batches) {
      const together = byTopic.get(batch.lane.topic);
      if (together === undefined) byTopic.set(batch.lane.topic, [batch]);
      else together.push(batch);
    }
    const broker = await client.broker(nodeId);
    const answers = await produce(
      await connectionOf(broker),
      [...byTopic].map(([topic, of]) => ({
        topic,
        partitions: of.map(({ lane, encoded }) => ({ partition: lane.partition, batch: encoded })),
      })),
      requestTimeoutMs,
    );
    return new Map(
      answers.flatMap((answer) => {
        const lane = lanes.get(`${answer.topic}/${answer.partition}`);
        return lane === undefined ? [] : [[lane, answer] as const];
      }),
    );
  }

  return {
    append(records, topics, signal) {
      if (records.length === 0) return Promise.resolve([]);
      const appending = queueAppend(lanes, records, { topics, signal });
      schedule();
      return appending;
    },
    async idle() {
      while (running.size > 0 || isScheduled) await Promise.all([...running, undefined]);
    },
  };
}

const opening = new WeakMap<object, Promise<RawConnection>>();

/**
 * No fetches go by kafkajs's second connection, and appends do not wait there for the answers to commits and questions. While it is not
 * up, kafkajs would open another one for everybody who asks.
 */
function connectionOf({ connectionPool }: KafkaBroker): Promise<RawConnection> {
  const under = opening.get(connectionPool);
  if (under !== undefined) return under;
  const begun = connectionPool.getConnection(1).finally(() => opening.delete(connectionPool));
  opening.set(connectionPool, begun);
  return begun;
}

/** Errors of the protocol say so themselves; a lost connection or a time-out always passes. */
function isPassing(error: unknown): boolean {
  const mapped = asLogError("", error);
  if (!(mapped instanceof ForeshockError && mapped.retryable)) return false;
  const { type, retriable } = error as { type?: string; retriable?: boolean };
  return type === undefined || retriable !== false;
}
