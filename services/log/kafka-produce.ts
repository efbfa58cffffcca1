/**
 * Produce requests, version 7, written by hand: kafkajs copies a batch six times on its way to the socket and takes its checksum a
 * byte at a time, which was a third of what receiving telemetry costs. The connection, with its login and its time-outs, is kafkajs's.
 * Source: the Kafka protocol guide.
 */
import type { EncodedBatch } from "./kafka-batch.ts";

/** A connection of kafkajs 2.2.4, as far as requests that are already encoded need it. */
export interface RawConnection {
  readonly clientId: string;
  readonly socket: {
    cork(): void;
    write(bytes: Uint8Array): boolean;
    uncork(): void;
  };
  readonly requestQueue: {
    push(request: {
      readonly entry: RequestEntry;
      readonly expectResponse: true;
      readonly requestTimeout: number;
      sendRequest(): void;
    }): void;
    maybeThrottle(ms: number): void;
  };
  authenticate(): Promise<void>;
  /** Throws where the connection was lost. */
  failIfNotConnected(): void;
  nextCorrelationId(): number;
}

interface RequestEntry {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly correlationId: number;
  resolve(answer: { readonly payload: Buffer }): void;
  reject(error: unknown): void;
}

/** A topic's batches, one a partition. */
export interface TopicBatches {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly batch: EncodedBatch }[];
}

export interface ProducedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's, 0 for none. */
  readonly errorCode: number;
  readonly baseOffset: number;
  /** Unix ms; −1 where the topic keeps its producers' times. */
  readonly appendMs: number;
}

const apiKey = 0;
/** Every broker from Kafka 2.1 on speaks it; zstd needs it. */
const apiVersion = 7;
const allInSync = -1;

/** Appends batches, acknowledged by all in-sync replicas within `timeoutMs`; error codes are left to the caller. */
export async function produce(
  connection: RawConnection,
  topics: readonly TopicBatches[],
  timeoutMs: number,
): Promise<readonly ProducedPartition[]> {
  await connection.authenticate();
  connection.failIfNotConnected();
  const correlationId = connection.nextCorrelationId();
  const { clientId, requestQueue, socket } = connection;
  const parts = gather(encodeRequest(topics, { clientId, correlationId, timeoutMs }));
  const { payload } = await new Promise<{ readonly payload: Buffer }>((resolve, reject) => {
    requestQueue.push({
      entry: { apiKey, apiName: "Produce", apiVersion, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: timeoutMs,
      sendRequest() {
        socket.cork();
        for (const part of parts) socket.write(part);
        socket.uncork();
      },
    });
  });
  const { partitions, throttleMs } = decodeResponse(payload);
  requestQueue.maybeThrottle(throttleMs);
  return partitions;
}

function encodeRequest(
  topics: readonly TopicBatches[],
  head: { readonly clientId: string; readonly correlationId: number; readonly timeoutMs: number },
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const client = textWithLength(head.clientId);
  const start = Buffer.allocUnsafe(12 + client.length + 12);
  start.writeInt16BE(apiKey, 4);
  start.writeInt16BE(apiVersion, 6);
  start.writeInt32BE(head.correlationId, 8);
  start.set(client, 12);
  let at = start.writeInt16BE(-1, 12 + client.length); // no transaction
  at = start.writeInt16BE(allInSync, at);
  at = start.writeInt32BE(head.timeoutMs, at);
  start.writeInt32BE(topics.length, at);
  parts.push(start);
  for (const { topic, partitions } of topics) {
    const count = Buffer.allocUnsafe(4);
    count.writeInt32BE(partitions.length);
    parts.push(textWithLength(topic), count);
    for (const { partition, batch } of partitions) {
      const place = Buffer.allocUnsafe(8);
      place.writeInt32BE(partition, 0);
      place.writeInt32BE(batch.sizeBytes, 4);
      parts.push(place, ...batch.parts);
    }
  }
  start.writeInt32BE(parts.reduce((sum, part) => sum + part.length, 0) - 4, 0);
  return parts;
}

function textWithLength(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(2 + Buffer.byteLength(text));
  bytes.writeInt16BE(bytes.length - 2);
  bytes.write(text, 2);
  return bytes;
}

const largeBytes = 16 * 1024;

/** Small neighbours become one part: a part each costs the socket more than copying them. */
function gather(parts: readonly Uint8Array[]): Uint8Array[] {
  const gathered: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const flush = () => {
    if (small.length > 0) gathered.push(Buffer.concat(small));
    small = [];
  };
  for (const part of parts) {
    if (part.length < largeBytes) small.push(part);
    else {
      flush();
      gathered.push(part);
    }
  }
  flush();
  return gathered;
}

function decodeResponse(payload: Buffer): {
  readonly partitions: readonly ProducedPartition[];
  readonly throttleMs: number;
} {
  const partitions: ProducedPartition[] = [];
  let at = 4;
  for (let topics = payload.readInt32BE(0); topics > 0; topics--) {
    const nameAt = at + 2;
    at = nameAt + payload.readInt16BE(at);
    const topic = payload.toString("utf8", nameAt, at);
    let left = payload.readInt32BE(at);
    for (at += 4; left > 0; left--) {
      partitions.push({
        topic,
        partition: payload.readInt32BE(at),
        errorCode: payload.readInt16BE(at + 4),
        baseOffset: Number(payload.readBigInt64BE(at + 6)),
        appendMs: Number(payload.readBigInt64BE(at + 14)),
      });
      at += 30; // and the start of the log
    }
  }
  return { partitions, throttleMs: payload.readInt32BE(at) };
}
