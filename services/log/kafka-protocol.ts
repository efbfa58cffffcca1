/**
 * Kafka's protocol as kafkajs speaks it on one connection. Fetching is sent by hand, since kafkajs reads batches that it loses track of;
 * appending is in `kafka-produce.ts`.
 */
import { createRequire } from "node:module";
import kafkajs from "kafkajs";
import { decodeFetchResponse, type FetchedPartition } from "./kafka-fetch.ts";
import type { RawConnection } from "./kafka-produce.ts";

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
  readonly connectionPool: {
    send(request: ProtocolRequest): Promise<unknown>;
    /** One of the two that kafkajs keeps to a broker, 0 or 1, connected if need be. It sends fetches by the second, all else by the first. */
    getConnection(index: 0 | 1): Promise<RawConnection>;
  };
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

const { AssignerProtocol } = kafkajs;
const load = createRequire(import.meta.url);
const { requests } = load("kafkajs/src/protocol/requests/index.js") as {
  requests: Readonly<Record<"Fetch", RequestDefinition>>;
};
const { createErrorFromCode } = load("kafkajs/src/protocol/error.js") as {
  createErrorFromCode(code: number): Error & { readonly type: string; readonly retriable: boolean };
};

/** Every broker from Kafka 2.3 on speaks it. */
const fetchVersion = 11;
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

/** kafkajs's error for a code of the protocol: its name as `type`, and whether trying again may help. */
export const kafkaError = createErrorFromCode;

export const { MemberMetadata, MemberAssignment } = AssignerProtocol;

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
