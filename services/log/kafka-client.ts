/**
 * The one file that knows kafkajs: its admin client, and the parts inside it that speak the protocol. Foreshock pulls
 * and appends by position, which kafkajs's consumer and producer cannot (docs/decisions/0005-kafkajs.md), so it takes
 * connections, authentication and metadata from it and keeps order and positions itself.
 */
import kafkajs, { type Admin, type Kafka, type SASLOptions } from "kafkajs";
import { ForeshockError } from "../contracts/errors.ts";
import { type KafkaBroker, kafkaError, quietRequestQueue } from "./kafka-protocol.ts";

export interface KafkaConnection {
  /** `host:port` of each broker to begin with. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly sasl?: KafkaSasl | undefined;
  readonly tls?: KafkaTls | undefined;
}

export interface KafkaSasl {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: string;
}

/** PEM texts; `ca` beside or instead of what the system trusts. */
export interface KafkaTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

interface OwnedBroker extends KafkaBroker {
  connect(): Promise<void>;
}

interface ConnectionPool {
  pool: unknown[];
}

/** The class `Cluster` of kafkajs 2.2.4, as far as it is used. */
interface Cluster {
  readonly rootLogger: unknown;
  readonly targetTopics: Set<string>;
  readonly brokerPool: {
    readonly metadata: { readonly brokers: readonly BrokerAddress[] } | null;
    readonly versions: unknown;
    createBroker(options: object): OwnedBroker;
  };
  readonly connectionPoolBuilder: { build(address?: BrokerAddress): Promise<ConnectionPool> };
  isConnected(): boolean;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findTopicPartitionMetadata(
    topic: string,
  ): readonly { readonly partitionId: number; readonly leader: number }[];
  findBroker(request: { readonly nodeId: number }): Promise<KafkaBroker>;
  findControllerBroker(): Promise<KafkaBroker>;
  findGroupCoordinatorMetadata(request: {
    readonly groupId: string;
    readonly coordinatorType: 0;
  }): Promise<{ readonly coordinator: { readonly nodeId: number } }>;
}

interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

const retry = { retries: 3, initialRetryTime: 100, maxRetryTime: 2_000 };

export interface KafkaClient {
  readonly admin: Admin;
  /** Broker that leads a partition now. Throws a retryable kafkajs error when there is none. */
  leaderOf(topic: string, partition: number): Promise<number>;
  /** The connection that is shared by short requests. */
  broker(nodeId: number): Promise<KafkaBroker>;
  anyBroker(): Promise<KafkaBroker>;
  coordinatorOf(group: string): Promise<number>;
  /** A connection of the caller's own: a broker answers a connection's requests one by one, so waiting blocks it. */
  connect(nodeId: number): Promise<KafkaBroker>;
  /** After an error: connects again if need be, and asks who leads what. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Connects; throws kafkajs's errors. */
export async function openKafkaClient(options: KafkaConnection): Promise<KafkaClient> {
  quietRequestQueue();
  const kafka = new kafkajs.Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: 10_000,
    authenticationTimeout: 10_000,
    requestTimeout: 30_000,
    logLevel: kafkajs.logLevel.NOTHING,
    retry,
    ...(options.sasl === undefined ? {} : { sasl: saslOptions(options.sasl) }),
    ...(options.tls === undefined ? {} : { ssl: { ...options.tls } }),
  });
  const admin = kafka.admin();
  const cluster = createCluster(kafka);
  const owned = new Set<KafkaBroker>();

  async function leaderOf(topic: string, partition: number): Promise<number> {
    if (!cluster.targetTopics.has(topic)) await cluster.addMultipleTargetTopics([topic]);
    const found = cluster
      .findTopicPartitionMetadata(topic)
      .find((each) => each.partitionId === partition);
    // Unknown, or without a leader: LEADER_NOT_AVAILABLE, which passes.
    if (found === undefined || found.leader < 0) throw kafkaError(5);
    return found.leader;
  }

  async function connect(nodeId: number): Promise<KafkaBroker> {
    const address = cluster.brokerPool.metadata?.brokers.find((each) => each.nodeId === nodeId);
    // BROKER_NOT_AVAILABLE
    if (address === undefined) throw kafkaError(8);
    const connectionPool = await cluster.connectionPoolBuilder.build(address);
    // kafkajs keeps two connections a broker, the second for fetches alone; one is enough here.
    connectionPool.pool[1] = connectionPool.pool[0];
    const broker = cluster.brokerPool.createBroker({
      logger: cluster.rootLogger,
      versions: cluster.brokerPool.versions,
      connectionPool,
      nodeId,
    });
    const disconnect = broker.disconnect.bind(broker);
    broker.disconnect = async () => {
      owned.delete(broker);
      await disconnect();
    };
    owned.add(broker);
    try {
      await broker.connect();
    } catch (error) {
      await broker.disconnect();
      throw error;
    }
    return broker;
  }

  async function close(): Promise<void> {
    await Promise.all([...owned].map((broker) => broker.disconnect()));
    await Promise.all([admin.disconnect(), cluster.disconnect()]);
  }

  try {
    await Promise.all([admin.connect(), cluster.connect()]);
    await cluster.refreshMetadata();
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  return {
    admin,
    leaderOf,
    broker: (nodeId) => cluster.findBroker({ nodeId }),
    anyBroker: () => cluster.findControllerBroker(),
    async coordinatorOf(groupId) {
      const found = await cluster.findGroupCoordinatorMetadata({ groupId, coordinatorType: 0 });
      return found.coordinator.nodeId;
    },
    connect,
    async refresh() {
      if (!cluster.isConnected()) await cluster.connect();
      await cluster.refreshMetadata();
    },
    close,
  };
}

function saslOptions({ mechanism, username, password }: KafkaSasl): SASLOptions {
  return { mechanism, username, password } as SASLOptions;
}

function createCluster(kafka: Kafka): Cluster {
  const key = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === "private:Kafka:createCluster",
  );
  const create =
    key === undefined
      ? undefined
      : (kafka as unknown as Record<symbol, (options: object) => Cluster>)[key];
  if (create === undefined)
    throw new ForeshockError(
      "unavailable",
      "this kafkajs is not version 2.2.4: its cluster is not found",
    );
  return create({ allowAutoTopicCreation: false, metadataMaxAge: 300_000 });
}
