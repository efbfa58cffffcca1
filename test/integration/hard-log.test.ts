import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { namedRandom } from "../../services/chatbot/random.ts";
import { incidentRecord } from "../../services/contracts/incident.ts";
import { commandRecord, deliveryRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import { hardLog, hardPartitions } from "../support/hard-log.ts";
import { hardConfig, type Kill, runLive, type Timed } from "../support/hard-log-live.ts";
import {
  differences,
  outcomeOf,
  type Replayed,
  readTopic,
  replayOutcome,
  sourceRecords,
} from "../support/hard-log-outcome.ts";
import { openReceiver, type Receiver } from "../support/receiver.ts";

const records = hardLog(1);
const none = () => 0;

describe("a log with late data, repeats, clocks that are off, a dead partition and a sender that comes back", () => {
  let replayed: Replayed;
  let webhook: Receiver;
  beforeAll(async () => {
    webhook = await openReceiver();
    replayed = replay(records);
  });
  afterAll(() => webhook[Symbol.asyncDispose]());

  const config = () => hardConfig(webhook.url);
  function replay(source: Parameters<typeof replayOutcome>[0]): Replayed {
    const { judgement } = hardConfig("http://127.0.0.1/");
    return replayOutcome(source, { judgement, partitions: hardPartitions, closesAll: false });
  }
  const incidents = () =>
    (replayed.outcome.get(`${topics.incidents}/incident/0`) ?? []).map((value) =>
      incidentRecord.decode(value),
    );

  /** An acknowledgement of the first page, and a silence of something else, soon after it. */
  function commands(): Timed[] {
    const paged = incidents().find(({ transition }) => transition === "paged");
    const { incident = "", atMs = 0 } = paged ?? {};
    const by = "ada";
    return [
      commandRecord.encode({ kind: "acknowledge", incident, by, atMs, note: "on it" }),
      commandRecord.encode({
        kind: "silence",
        id: "s1",
        matchers: { "cloud.region": "nowhere" },
        by,
        atMs,
        untilMs: atMs + 3_600_000,
        note: "",
      }),
    ].map((value) => ({
      atMs: atMs + 10_000,
      record: { topic: topics.commands, partition: 0, value },
    }));
  }

  async function expectSame(kills: readonly Kill[]): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), "foreshock-hard-log-"));
    try {
      const expected = replayed.outcome;
      const options = {
        directory,
        config: config(),
        records,
        commands: commands(),
        kills,
        expected,
        deliveries: 3,
      };
      await using run = await runLive(options);
      expect(run.problems).toEqual([]);
      expect(run.kills).toBe(kills.length);
      const written = await outcomeOf(run.log);
      expect(written.broken).toEqual([]);
      expect(differences(written.outcome, expected, none)).toEqual([]);
      // The log as it is, with the heartbeats that its owners added, says the same.
      const again = replay(await sourceRecords(run.log));
      expect(differences(again.outcome, expected, none)).toEqual([]);
      const letters = await readTopic(run.log, topics.deadletter);
      expect(new Set(letters.map(({ key }) => key)).size).toBe(1);
      const deliveries = (await readTopic(run.log, topics.deliveries)).map(({ value }) =>
        deliveryRecord.decode(value),
      );
      const [first] = incidents();
      expect(deliveries.map(({ key, outcome }) => `${key} ${outcome}`).sort()).toEqual([
        `${first?.incident}/acknowledged/console acknowledged`,
        `${first?.incident}/paged/webhook delivered`,
        `${first?.incident}/resolved/webhook delivered`,
      ]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  it("is as bad as it says", () => {
    const windows = (replayed.outcome.get(`${topics.closed}/detect/0`) ?? []).map(decodeWindow);
    const total = (of: "lateSpans" | "duplicateSpans" | "clampedSpans") =>
      windows.reduce((sum, { pipeline }) => sum + pipeline[of], 0);
    expect(total("lateSpans")).toBeGreaterThan(100);
    expect(total("duplicateSpans")).toBeGreaterThan(100);
    expect(total("clampedSpans")).toBeGreaterThan(100);
    expect(replayed.rejected).toBe(1);
    expect(incidents().map(({ transition }) => transition)).toEqual([
      "opened",
      "paged",
      "resolved",
    ]);
  });

  it("gives the same windows, verdicts and incidents live as in a replay", async () => {
    await expectSame([]);
  }, 300_000);

  it("gives the same when everything is killed in the middle, again and again", async () => {
    const random = namedRandom(1, "hard log kills");
    const startMs = records[0]?.appendMs ?? 0;
    const lengthMs = (records.at(-1)?.appendMs ?? 0) - startMs;
    const kills = Array.from({ length: 10 }, (_, index) => ({
      afterMs: startMs + (lengthMs * index) / 10,
      call: 1 + Math.floor(random.unit() * 12),
      tookEffect: random.unit() < 0.5,
    }));
    await expectSame(kills);
  }, 300_000);
});
