/**
 * Kafka's protocol as kafkajs speaks it on one connection. Beside its requests for groups and offsets, appending and
 * fetching are sent by hand: kafkajs's own calls drop which partition failed, and read batches that they lose track of.
 */
import { createRequire } from "node:module";
import { constants, zstdCompressSync } from "node:zlib";
import kafkajs from "kafkajs";
import { ForeshockError } from "../contracts/errors.ts";
import { decodeFetchResponse, type FetchedPartition } from "./kafka-fetch.ts";

export type Compression = "none" | "gzip" | "zstd";

export interface PartitionPosition {
  readonly partition: number;
  readonly offset: string;
  readonly metadata?: string | null;
  readonly errorCode?: number;
}

interface TopicPositions {
  readonly topic: string;
  readonly partitions: readonly PartitionPosition[];
}

export interface GroupMember {
  readonly memberId: string;
  readonly memberMetadata: Buffer;
}

/** Messages for one partition, as the protocol takes them. */
export interface ProduceBatch {
  readonly partition: number;
  readonly firstSequence: number;
  readonly messages: readonly KafkaMessage[];
}

export interface KafkaMessage {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ProducedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: string;
  readonly logAppendTime: string;
}

/** A connection to one broker, with the requests of the protocol that Foreshock sends. */
export interface KafkaBroker {
  disconnect(): Promise<void>;
  joinGroup(request: {
    readonly groupId: string;
    readonly sessionTimeout: number;
    readonly rebalanceTimeout: number;
    readonly memberId: string;
    readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
  }): Promise<{
    readonly generationId: number;
    readonly leaderId: string;
    readonly memberId: string;
    readonly members: readonly GroupMember[];
  }>;
  syncGroup(request: {
    readonly groupId: string;
    readonly generationId: number;
    readonly memberId: string;
    readonly groupAssignment: readonly {
      readonly memberId: string;
      readonly memberAssignment: Buffer;
    }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
  }): Promise<unknown>;
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
    readonly topics: readonly TopicPositions[];
  }): Promise<unknown>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number }[];
    }[];
  }): Promise<{ readonly responses: readonly TopicPositions[] }>;
  listOffsets(request: {
    readonly isolationLevel: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
    }[];
  }): Promise<{ readonly responses: readonly TopicPositions[] }>;
  initProducerId(request: { readonly transactionTimeout: number }): Promise<{
    readonly producerId: string;
    readonly producerEpoch: number;
  }>;
  deleteRecords(request: {
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[];
  }): Promise<unknown>;
  readonly connectionPool: { send(request: ProtocolRequest): Promise<unknown> };
}

interface ProtocolRequest {
  readonly request: unknown;
  readonly response: {
    decode(raw: Buffer): Promise<unknown>;
    parse(decoded: unknown): Promise<unknown>;
  };
  readonly requestTimeout?: number;
}

interface RequestDefinition {
  protocol(request: { readonly version: number }): (values: object) => ProtocolRequest;
}

const { AssignerProtocol, CompressionCodecs, CompressionTypes } = kafkajs;
const load = createRequire(import.meta.url);
const { requests } = load("kafkajs/src/protocol/requests/index.js") as {
  requests: Readonly<Record<"Fetch" | "Produce", RequestDefinition>>;
};
const { createErrorFromCode } = load("kafkajs/src/protocol/error.js") as {
  createErrorFromCode(code: number): Error & { readonly type: string; readonly retriable: boolean };
};

/** Versions that every broker from Kafka 2.3 on speaks. */
const fetchVersion = 11;
const produceVersion = 7;
const readUncommitted = 0;

export interface FetchRequest {
  readonly topic: string;
  readonly partition: number;
  readonly fromOffset: number;
  readonly maxBytes: number;
  readonly waitMs: number;
}

/** One partition, waited for on a connection of its own; the answer's error code is left to the caller. */
export async function fetchPartition(
  broker: KafkaBroker,
  request: FetchRequest,
): Promise<FetchedPartition> {
  const { topic, partition, fromOffset, maxBytes, waitMs } = request;
  const { request: encoded, requestTimeout } = requests.Fetch.protocol({ version: fetchVersion })({
    isolationLevel: readUncommitted,
    maxWaitTime: waitMs,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(fromOffset), maxBytes }] }],
    rackId: "",
  });
  const answer = await broker.connectionPool.send({
    request: encoded,
    response: {
      decode: async (raw) => decodeFetchResponse(raw),
      parse: async (decoded) => decoded,
    },
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
  });
  return answer as FetchedPartition;
}

/** Appends batches, acknowledged by all in-sync replicas; the answers' error codes are left to the caller. */
export async function producePartitions(
  broker: KafkaBroker,
  request: {
    readonly producerId: string;
    readonly producerEpoch: number;
    readonly compression: Compression;
    readonly timeoutMs: number;
    readonly topicData: readonly {
      readonly topic: string;
      readonly partitions: readonly ProduceBatch[];
    }[];
  },
): Promise<readonly { readonly topic: string; readonly answer: ProducedPartition }[]> {
  const { producerId, producerEpoch, topicData } = request;
  const produce = requests.Produce.protocol({ version: produceVersion })({
    acks: -1,
    timeout: request.timeoutMs,
    producerId,
    producerEpoch,
    compression: compressionTypes[request.compression],
    topicData,
  });
  const decoded = (await broker.connectionPool.send({
    request: produce.request,
    response: { decode: produce.response.decode, parse: async (answer) => answer },
  })) as {
    readonly topics: readonly {
      readonly topicName: string;
      readonly partitions: readonly ProducedPartition[];
    }[];
  };
  return decoded.topics.flatMap(({ topicName, partitions }) =>
    partitions.map((answer) => ({ topic: topicName, answer })),
  );
}

/** kafkajs's error for a code of the protocol: its name as `type`, and whether trying again may help. */
export const kafkaError = createErrorFromCode;

const compressionTypes: Readonly<Record<Compression, number>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  zstd: CompressionTypes.ZSTD,
};

export const { MemberMetadata, MemberAssignment } = AssignerProtocol;

/** kafkajs brings gzip alone; level 1 of zstd costs less than what it saves in copying and sending. */
export function registerZstd(): void {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: { readonly buffer: Buffer }) =>
      zstdCompressSync(encoder.buffer, { params }),
    decompress: async () => {
      throw new ForeshockError("log_corrupt", "batches are not read through kafkajs");
    },
  });
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
}

/**
 * After every answer kafkajs looks at its waiting requests by a timer, set for a moment long past, which Node warns about.
 * Here only if some wait.
 */
export function quietRequestQueue(): void {
  const { prototype } = load("kafkajs/src/network/requestQueue/index.js") as {
    prototype: { scheduleCheckPendingRequests(this: RequestQueue): void };
  };
  prototype.scheduleCheckPendingRequests = function () {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      Math.max(10, this.throttledUntil - Date.now()),
    );
  };
}
