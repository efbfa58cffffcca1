/** What only Kafka has: members that share a group, brokers and connections that go away, processes that want the same, access. */
import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Log } from "../../services/log/log.ts";
import { codeOf } from "../contract/log-contract-support.ts";
import { saslUser } from "../support/kafka-broker.ts";
import { type Fate, openKafkaProxy } from "../support/kafka-proxy.ts";
import { describeKafka, event, events, readTexts, until } from "../support/kafka-scene.ts";

describeKafka("Kafka as a cluster", (scene) => {
  const { open } = scene;

  /** A member of a group, with what it reads now and every start and end of reading. */
  const joinReaders = (log: Log) => {
    const stop = new AbortController();
    const owned = new Set<number>();
    const history: string[] = [];
    const joined = log.join(
      "readers",
      ["events"],
      {
        async onAssigned({ partition }, revoked) {
          owned.add(partition);
          history.push(`+${partition}`);
          await new Promise<void>((resolve) =>
            revoked.addEventListener("abort", () => resolve(), { once: true }),
          );
          owned.delete(partition);
          history.push(`-${partition}`);
        },
      },
      stop.signal,
    );
    const leave = async () => {
      stop.abort();
      await joined;
    };
    return { owned, history, leave };
  };

  it("shares partitions among members, and leaves with each what it had", async () => {
    const [first, second] = [await open(), await open()];
    await first.ensureTopics([events]);
    const one = joinReaders(first);
    await until(() => one.owned.size === 4);
    const two = joinReaders(second);
    await until(() => one.owned.size === 2 && two.owned.size === 2);
    expect([...one.owned, ...two.owned].sort()).toEqual([0, 1, 2, 3]);
    const kept = [...one.owned].sort();
    await two.leave();
    await until(() => one.owned.size === 4);
    for (const partition of kept)
      expect(one.history.filter((entry) => entry.endsWith(`${partition}`))).toEqual([
        `+${partition}`,
      ]);
    await one.leave();
  });

  it("refuses the commit of a partition that has gone to another member", async () => {
    const [first, second] = [await open(), await open()];
    await first.ensureTopics([events]);
    const one = joinReaders(first);
    await until(() => one.owned.size === 4);
    const two = joinReaders(second);
    await until(() => one.owned.size === 2 && two.owned.size === 2);
    const commit = (log: Log, partition = -1, metadata = "") =>
      log.commit("readers", [{ topic: "events", partition, offset: 0, metadata }]);
    const [lost = -1] = two.owned;
    await commit(second, lost, "intent");
    await expect(commit(first, lost)).rejects.toMatchObject({
      code: "unavailable",
      retryable: false,
    });
    expect(await first.committed("readers", "events", lost)).toEqual({
      offset: 0,
      metadata: "intent",
    });
    await one.leave();
    await two.leave();
  });

  it("takes over what a member read that went silent", async () => {
    const [first, second] = [await open(), await open({ heartbeatIntervalMs: 3_600_000 })];
    await first.ensureTopics([events]);
    const silent = joinReaders(second);
    await until(() => silent.owned.size === 4);
    const one = joinReaders(first);
    await until(() => one.owned.size === 4);
    await one.leave();
    await silent.leave();
  });

  it("goes on after the broker was killed, without loss, repeats or reordering", async () => {
    // An append that was given up may be written or not, so none may be while the broker starts.
    const log = await open({ deliveryTimeoutMs: 240_000 });
    await log.ensureTopics([events]);
    const member = joinReaders(log);
    await until(() => member.owned.size === 4);
    const appended: string[] = [];
    let isOver = false;
    const appending = (async () => {
      for (let i = 0; !isOver; i++) {
        await log.append([event(`${i}`)]);
        appended.push(`${i}`);
        await wait(5);
      }
    })();
    await wait(200);
    await scene.broker.kill();
    const reading = log.read({ topic: "events", partition: 1, fromOffset: 0, waitMs: 60_000 });
    const outcome = reading.then(
      () => "records",
      (error) => (error.retryable ? "to be tried again" : String(error)),
    );
    await scene.broker.start();
    const before = appended.length;
    await until(() => appended.length > before + 20);
    isOver = true;
    await appending;
    expect(await readTexts(log)).toEqual(appended);
    await log.append([event("woken", 1)]);
    expect(["records", "to be tried again"]).toContain(await outcome);
    expect(await readTexts(log, 1)).toEqual(["woken"]);
    await until(() => member.owned.size === 4);
    await log.commit("readers", [{ topic: "events", partition: 0, offset: 1, metadata: "" }]);
    await member.leave();
  }, 240_000);

  it("rejects an append that no broker takes in time, and appends again afterwards", async () => {
    const log = await open({ deliveryTimeoutMs: 500 });
    await log.ensureTopics([events]);
    await log.append([event("before")]);
    await scene.broker.kill();
    await expect(log.append([event("meanwhile")])).rejects.toMatchObject({
      code: "unavailable",
      retryable: true,
    });
    await scene.broker.start();
    const append = async () => {
      for (;;) {
        try {
          return await log.append([event("after")]);
        } catch (error) {
          if (!(error as { retryable?: boolean }).retryable) throw error;
        }
      }
    };
    await append();
    const texts = await readTexts(log);
    expect(texts.filter((text) => text !== "meanwhile")[0]).toBe("before");
    expect(texts.at(-1)).toBe("after");
  }, 120_000);

  it("appends once and in order where connections are lost before, within and after a request", async () => {
    const { port, advertisedPort } = scene.broker.detour;
    await using proxy = await openKafkaProxy({ listening: advertisedPort, to: port });
    const log = await open({ brokers: [`127.0.0.1:${advertisedPort}`], compression: "none" });
    await log.ensureTopics([events]);
    const fates: readonly Fate[] = ["lose answer", "carry", "lose end", "lose answer", "carry"];
    let sent = 0;
    proxy.fate = () => fates[sent++ % fates.length] as Fate;
    const padding = "x".repeat(20_000);
    const expected = Array.from({ length: 4 }, () => [] as string[]);
    for (let round = 0; round < 10; round++) {
      const appending = expected.flatMap((texts, partition) =>
        ["", padding].map((more) => {
          texts.push(`${round} ${partition} ${more}`);
          return log.append([event(texts.at(-1) ?? "", partition)]);
        }),
      );
      const places = (await Promise.all(appending)).flat().map(({ offset }) => offset);
      expect(places).toEqual(expected.flatMap(() => [2 * round, 2 * round + 1]));
    }
    expect(proxy.cut).toBeGreaterThan(10);
    for (const [partition, texts] of expected.entries())
      expect(await readTexts(log, partition)).toEqual(texts);
  }, 120_000);

  it("appends to all partitions by one connection, however many appends begin before it stands", async () => {
    const { port, advertisedPort } = scene.broker.detour;
    await using proxy = await openKafkaProxy({ listening: advertisedPort, to: port });
    const log = await open({ brokers: [`127.0.0.1:${advertisedPort}`] });
    await log.ensureTopics([events]);
    const appending = [0, 1, 2, 3].map(async (partition) => {
      for (let turns = 0; turns < 20 * partition; turns++) await Promise.resolve();
      await log.append([event("a", partition)]);
    });
    await Promise.all(appending);
    expect(proxy.unused).toBe(0);
  });

  it("makes topics that several processes want at once", async () => {
    const three = await Promise.all([open(), open(), open()]);
    await Promise.all(three.map((log) => log.ensureTopics([events])));
    expect(await three[0]?.topics()).toEqual([events]);
  });

  for (const mechanism of ["plain", "scram-sha-256"] as const) {
    it(`logs in with ${mechanism}, on every connection`, async () => {
      const log = await open({
        brokers: [scene.broker.saslAddress],
        sasl: { mechanism, ...saslUser },
      });
      await log.ensureTopics([events]);
      const member = joinReaders(log);
      await until(() => member.owned.size === 4);
      await log.append([event("a")]);
      expect(await readTexts(log)).toEqual(["a"]);
      await member.leave();
    });

    it(`says that access is refused with ${mechanism} and a wrong password`, async () => {
      const sasl = { mechanism, ...saslUser, password: "wrong" };
      expect(await codeOf(open({ brokers: [scene.broker.saslAddress], sasl }))).toBe(
        "config_invalid",
      );
    });
  }

  it("says that no broker answers", async () => {
    const opening = open({ brokers: ["127.0.0.1:1"] });
    await expect(opening).rejects.toMatchObject({ code: "unavailable", retryable: true });
  });
});
