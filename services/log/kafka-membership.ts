/**
 * A member of a consumer group, by the group's own protocol (classic, as every broker speaks it). Heartbeats have a
 * timer and a connection of their own, so that long work never costs the membership; partitions that stay with a member
 * over a rebalance go on without a break. A member that lost touch for a session's length gives up what it had.
 */
import { setTimeout as wait } from "node:timers/promises";
import { ForeshockError } from "../contracts/errors.ts";
import { runJoin } from "./join.ts";
import { assignPartitions } from "./kafka-assignment.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { asLogError, kafkaErrorType } from "./kafka-errors.ts";
import {
  type GroupMember,
  type KafkaBroker,
  MemberAssignment,
  MemberMetadata,
} from "./kafka-protocol.ts";
import type { KafkaTopic } from "./kafka-topics.ts";
import type { AssignmentHandler, TopicPartition } from "./log.ts";
import { untilAborted } from "./until-aborted.ts";

const protocolName = "foreshock";

export interface MembershipTimes {
  /** The coordinator gives a member up after so long without a heartbeat, ms. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

/** A place in one generation of a group, under which offsets are committed. */
export interface Standing {
  readonly memberId: string;
  readonly generationId: number;
}

export interface KafkaMembership {
  /** The standing; while a rebalance goes on the next one, undefined once the membership is over. */
  standing(): Promise<Standing | undefined>;
  owns(topic: string, partition: number): boolean;
  /** Ends with the signal or a handler's failure, after all handlers have returned and the group was left. */
  readonly ended: Promise<void>;
}

export function joinKafkaGroup(options: {
  readonly client: KafkaClient;
  /** Its name on the cluster. */
  readonly group: string;
  readonly topics: readonly KafkaTopic[];
  readonly handler: AssignmentHandler;
  readonly times: MembershipTimes;
  readonly signal: AbortSignal;
}): KafkaMembership {
  const { client, group, topics, handler, times } = options;
  const failed = new AbortController();
  const over = AbortSignal.any([options.signal, failed.signal]);
  const byName = new Map(topics.map((topic) => [topic.name, topic]));
  const tasks = new Map<string, Task>();
  /** The last run of each partition's handler. */
  const runs = new Map<string, Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let memberId = "";
  let generation = -1;
  let stable = deferred<Standing | undefined>();
  let touchedMs = performance.now();

  interface Task {
    readonly place: TopicPartition;
    readonly stop: AbortController;
  }

  function start(place: TopicPartition, name: string): void {
    const stop = new AbortController();
    tasks.set(name, { place, stop });
    // A partition that comes back waits for its handler of before.
    const before = runs.get(name) ?? Promise.resolve();
    const run = before
      .then(() => runJoin([place], handler, [stop.signal]))
      .catch((error) => {
        failure ??= { error };
        failed.abort(error);
      });
    runs.set(name, run);
  }

  function take(owned: ReadonlyMap<string, TopicPartition>): void {
    for (const [name, { stop }] of tasks) {
      if (owned.has(name)) continue;
      tasks.delete(name);
      stop.abort(
        new ForeshockError("log_closed", `${name} has gone to another member of ${group}`),
      );
    }
    for (const [name, place] of owned) if (!tasks.has(name)) start(place, name);
  }

  function unsettle(): void {
    stable.resolve(undefined);
    stable = deferred();
  }

  async function rejoin(session: KafkaBroker): Promise<Standing> {
    const numbers = [...new Set([...tasks.values()].map(({ place }) => place.partition))];
    const joined = await session.joinGroup({
      groupId: group,
      sessionTimeout: times.sessionTimeoutMs,
      rebalanceTimeout: times.sessionTimeoutMs,
      memberId,
      groupProtocols: [
        {
          name: protocolName,
          metadata: MemberMetadata.encode({
            version: 0,
            topics: topics.map((topic) => topic.name),
            userData: Buffer.from(JSON.stringify({ generation, numbers })),
          }),
        },
      ],
    });
    memberId = joined.memberId;
    generation = joined.generationId;
    const isLeader = joined.leaderId === memberId;
    const { memberAssignment } = await session.syncGroup({
      groupId: group,
      generationId: generation,
      memberId,
      groupAssignment: isLeader ? assignmentOf(joined.members) : [],
    });
    const given = MemberAssignment.decode(memberAssignment)?.assignment ?? {};
    const owned = new Map<string, TopicPartition>();
    for (const [name, partitions] of Object.entries(given)) {
      const topic = byName.get(name)?.spec.name;
      if (topic === undefined) continue;
      for (const partition of partitions) owned.set(`${topic}/${partition}`, { topic, partition });
    }
    if (!over.aborted) take(owned);
    return { memberId, generationId: generation };
  }

  function assignmentOf(members: readonly GroupMember[]) {
    const claims = members.map(({ memberId: id, memberMetadata }) => {
      const metadata = MemberMetadata.decode(memberMetadata);
      return { memberId: id, topics: metadata?.topics ?? [], ...readClaim(metadata?.userData) };
    });
    const shares = assignPartitions(claims, (name) => byName.get(name)?.spec.partitions ?? 0);
    return [...shares].map(([id, byTopic]) => {
      const assignment = Object.fromEntries(
        Object.entries(byTopic).map(([topic, partitions]) => [topic, [...partitions]]),
      );
      return {
        memberId: id,
        memberAssignment: MemberAssignment.encode({
          version: 0,
          assignment,
          userData: Buffer.alloc(0),
        }),
      };
    });
  }

  /** Until a heartbeat is answered with an error, such as that the group rebalances. */
  async function beat(session: KafkaBroker, standing: Standing): Promise<never> {
    const { memberId: id, generationId: groupGenerationId } = standing;
    for (;;) {
      await wait(times.heartbeatIntervalMs, undefined, { signal: over });
      await session.heartbeat({ groupId: group, groupGenerationId, memberId: id });
      touchedMs = performance.now();
    }
  }

  async function live(): Promise<void> {
    let session: KafkaBroker | undefined;
    while (!over.aborted) {
      try {
        session ??= await untilAborted(openSession(), [over]);
        const standing = await untilAborted(rejoin(session), [over]);
        touchedMs = performance.now();
        stable.resolve(standing);
        await untilAborted(beat(session, standing), [over]);
      } catch (error) {
        if (over.aborted) break;
        unsettle();
        const type = kafkaErrorType(error) ?? "";
        if (type === "REBALANCE_IN_PROGRESS" || type === "ILLEGAL_GENERATION") continue;
        if (type === "UNKNOWN_MEMBER_ID") {
          memberId = "";
          continue;
        }
        const mapped = asLogError(`group ${group}`, error);
        if (!(mapped instanceof ForeshockError && mapped.retryable)) {
          failure ??= { error: mapped };
          failed.abort(mapped);
          break;
        }
        void session?.disconnect().catch(() => {});
        session = undefined;
        if (performance.now() - touchedMs > times.sessionTimeoutMs) take(new Map());
        await wait(200, undefined, { signal: over }).catch(() => {});
        await client.refresh().catch(() => {});
      }
    }
    take(new Map());
    await Promise.all(runs.values());
    await leave(session);
  }

  async function openSession(): Promise<KafkaBroker> {
    return client.connect(await client.coordinatorOf(group));
  }

  /** Bounded: the coordinator finds out by itself, only later. */
  async function leave(session: KafkaBroker | undefined): Promise<void> {
    if (session === undefined) return;
    const left = async () => {
      if (memberId !== "") {
        const coordinator = await client.broker(await client.coordinatorOf(group));
        await coordinator.leaveGroup({ groupId: group, memberId });
      }
      await session.disconnect();
    };
    await Promise.race([left().catch(() => {}), wait(2_000)]);
  }

  const ended = live().then(() => {
    unsettle();
    stable.resolve(undefined);
    if (failure !== undefined) throw failure.error;
  });
  return {
    ended,
    standing: async () => {
      for (;;) {
        const current = stable;
        const standing = await current.promise;
        if (standing !== undefined || current === stable) return standing;
      }
    },
    owns: (topic, partition) => tasks.has(`${topic}/${partition}`),
  };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
}

function deferred<T>(): Deferred<T> {
  let settle: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: (value) => settle(value) };
}

/** What another member says that it has; nothing when it does not read, as from another program in the group. */
function readClaim(userData: Buffer | undefined): { generation: number; numbers: number[] } {
  const none = { generation: -1, numbers: [] };
  if (userData === undefined || userData.length === 0) return none;
  try {
    const claim: unknown = JSON.parse(userData.toString());
    if (typeof claim !== "object" || claim === null) return none;
    const { generation, numbers } = claim as { generation?: unknown; numbers?: unknown };
    if (typeof generation !== "number" || !Array.isArray(numbers)) return none;
    return { generation, numbers: numbers.filter((each) => Number.isInteger(each)) };
  } catch {
    return none;
  }
}
