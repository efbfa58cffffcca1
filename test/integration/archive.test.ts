import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { archiveStage } from "../../services/archive/archive.ts";
import { deadLetterRecord } from "../../services/contracts/records.ts";
import { headers, topics } from "../../services/contracts/topics.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import { migrate } from "../../services/history/migrate.ts";
import { historyTables } from "../../services/history/tables.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import type { AppendRecord, Log } from "../../services/log/log.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import type { RangeRejection, RecordRange } from "../../services/stage.ts";
import {
  closedRecord,
  deliveryOf,
  frameOf,
  incidentOf,
  spanRecord,
} from "../support/archive-records.ts";
import { archivePartitions, archiveTopics, runArchive } from "../support/archive-run.ts";
import { anEdgeContext } from "../support/edge-context.ts";
import { type HistoryServer, startHistoryServer } from "../support/history-server.ts";

const childModule = new URL("../support/archive-process.ts", import.meta.url).pathname;
const never = new AbortController().signal;

describe("the archive", () => {
  let running: HistoryServer;
  beforeAll(async () => {
    running = await startHistoryServer();
    await migrate(running.history);
  });
  afterAll(() => running[Symbol.asyncDispose]());
  beforeEach(async () => {
    for (const table of Object.keys(historyTables))
      await running.history.command(`TRUNCATE TABLE ${table}`);
  });

  const query = <Row>(sql: string) => running.history.query<Row>(sql);

  async function openLog(options: { maxBytes?: number; retentionMs?: number } = {}): Promise<Log> {
    const { maxBytes, retentionMs } = options;
    const log = await openMemoryLog({
      clock: systemClock,
      maintenanceIntervalMs: 20,
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });
    await log.ensureTopics(archiveTopics(retentionMs));
    return log;
  }

  /** Everything that is in a partition, as one range. */
  async function rangeOf(log: Log, topic: string, from = 0, to = 1e9): Promise<RecordRange> {
    const all = await log.read({ topic, partition: 0, fromOffset: from, maxBytes: 2 ** 30 });
    const records = all.filter(({ offset }) => offset < to);
    const end = (records.at(-1)?.offset ?? from) + 1;
    return { topic, partition: 0, from, to: end, token: `${topic}/0/${from}-${end}`, records };
  }

  /** What another life of the archive makes of a range. */
  async function writeInNewLife(
    log: Log,
    range: RecordRange,
    maxRows = 100,
  ): Promise<readonly RangeRejection[]> {
    const context = anEdgeContext(log, { archive: { maxRows } }, { history: running.history });
    await using sink = await archiveStage.open(context);
    return await sink.write(range, never);
  }

  const spansByOffset = async () =>
    Object.fromEntries(
      (
        await query<{ place: string; spans: string; distinct: string }>(
          `SELECT concat(toString(source_partition), '/', toString(source_offset)) AS place,
             count() AS spans, uniqExact(source_index) AS distinct FROM spans GROUP BY place`,
        )
      ).map(({ place, spans, distinct }) => [place, [Number(spans), Number(distinct)]]),
    );

  /** Appends span records; gives what `spansByOffset` must say of them. */
  async function fill(log: Log, rounds: number): Promise<Record<string, [number, number]>> {
    const expected: Record<string, [number, number]> = {};
    for (let round = 0; round < rounds; round++) {
      const spans = 1 + ((round * 37) % 180);
      const partition = round % archivePartitions;
      const [appended] = await log.append([spanRecord(`round ${round}`, spans, partition)]);
      expected[`${partition}/${appended?.offset}`] = [spans, spans];
    }
    return expected;
  }

  it("stores every span of the log once, by offset", async () => {
    await using log = await openLog();
    const expected = await fill(log, 60);
    const heartbeat = { value: new Uint8Array(0), headers: { [headers.heartbeat]: "1" } };
    await log.append([{ topic: topics.traces, partition: 0, ...heartbeat }]);
    await using archive = runArchive(log, running.history);
    await archive.caughtUp();
    expect(await spansByOffset()).toEqual(expected);
  });

  it("shows the spans as the Collector's exporter would", async () => {
    await using log = await openLog();
    await log.append([spanRecord("chat gpt-4o", 3)]);
    await writeInNewLife(log, await rangeOf(log, topics.traces));
    expect(
      await query(
        "SELECT SpanName, ServiceName, SpanKind, Duration, SpanAttributes, SpanId FROM otel_traces ORDER BY SpanId LIMIT 1",
      ),
    ).toEqual([
      {
        SpanName: "chat gpt-4o",
        ServiceName: "chatbot",
        SpanKind: "Client",
        Duration: "1500000000",
        SpanAttributes: { "gen_ai.request.model": "gpt-4o", "tenant.id": "t0" },
        SpanId: "0000020202020202",
      },
    ]);
  });

  it("makes windows, verdicts, incidents and deliveries readable", async () => {
    await using log = await openLog();
    await log.append([closedRecord(1), frameOf(1), incidentOf(1), deliveryOf("a", 1)]);
    await using archive = runArchive(log, running.history);
    await archive.caughtUp();
    expect(
      await query(
        "SELECT region, toString(window_start) AS start, requests, outcome_ok, duration_buckets, duration_counts FROM windows ORDER BY region",
      ),
    ).toMatchObject([
      {
        region: "eu-west-1",
        start: "2026-11-24 12:00:05.000",
        requests: "100",
        outcome_ok: "100",
        duration_buckets: [5, 900],
        duration_counts: ["3", "4"],
      },
      { region: "us-east-1" },
    ]);
    const [closed] = await query<{ record: string }>(
      "SELECT base64Encode(record) AS record FROM closed",
    );
    expect(decodeWindow(Buffer.from(closed?.record ?? "", "base64"))).toEqual(
      decodeWindow(closedRecord(1).value),
    );
    expect(
      await query(
        "SELECT region, state, signals, states, isNaN(seen[1]) AS unseen, detector FROM verdicts ORDER BY region",
      ),
    ).toEqual([
      {
        region: "eu-west-1",
        state: "anomalous",
        signals: ["failures", "ttft"],
        states: ["normal", "anomalous"],
        unseen: 1,
        detector: ["", "ewma"],
      },
      {
        region: "us-east-1",
        state: "warming",
        signals: ["failures", "ttft"],
        states: ["normal", "warming"],
        unseen: 1,
        detector: ["", "ewma"],
      },
    ]);
    expect(
      await query(
        "SELECT incident, revision, phase, degraded_cells, toUnixTimestamp64Milli(resolved) AS resolved, JSONExtractString(record, 'title') = title AS whole FROM incidents",
      ),
    ).toEqual([
      {
        incident: "7f3a91c2",
        revision: 1,
        phase: "firing",
        degraded_cells: 3,
        resolved: "0",
        whole: 1,
      },
    ]);
    expect(await query("SELECT delivery, sink, outcome, delay_ms FROM deliveries")).toEqual([
      { delivery: "a", sink: "terminal", outcome: "delivered", delay_ms: 12.5 },
    ]);
  });

  it("stores a range once, however often other lives write it again", async () => {
    await using log = await openLog();
    const expected = await fill(log, 20);
    const first = Object.fromEntries(
      Object.entries(expected).filter(([place]) => place.startsWith("0/")),
    );
    const range = await rangeOf(log, topics.traces);
    for (let life = 0; life < 3; life++) await writeInNewLife(log, range);
    expect(await spansByOffset()).toEqual(first);
  });

  it("stores what is missing of a range that an earlier life, with other blocks, left half done", async () => {
    await using log = await openLog();
    const expected = await fill(log, 20);
    const first = Object.fromEntries(
      Object.entries(expected).filter(([place]) => place.startsWith("0/")),
    );
    const range = await rangeOf(log, topics.traces);
    const half = { ...range, records: range.records.slice(0, 5) };
    await writeInNewLife(log, half, 1_000);
    expect(await spansByOffset()).not.toEqual(first);
    await writeInNewLife(log, range, 70);
    expect(await spansByOffset()).toEqual(first);
  });

  it("stores a log that was begun anew, although its offsets and tokens are the old ones", async () => {
    for (const name of ["old", "new"]) {
      await using log = await openLog();
      await log.append([spanRecord(name, 2), closedRecord(1)]);
      await systemClock.sleep(2);
      await writeInNewLife(log, await rangeOf(log, topics.traces));
      await writeInNewLife(log, await rangeOf(log, topics.closed));
    }
    expect(
      await query(
        "SELECT span_name AS name, count() AS spans FROM spans GROUP BY name ORDER BY name",
      ),
    ).toEqual([
      { name: "new", spans: "2" },
      { name: "old", spans: "2" },
    ]);
    expect(await query("SELECT count() AS count FROM closed")).toEqual([{ count: "2" }]);
  });

  describe("records that a task wrote twice", () => {
    const written = [1, 2, 3, 4, 5, 4, 5, 6];
    const kinds: readonly [string, string, (sequence: number) => AppendRecord, string][] = [
      ["windows", "windows", closedRecord, topics.closed],
      ["closed windows", "closed", closedRecord, topics.closed],
      ["verdicts", "verdicts", frameOf, topics.frames],
      ["incidents", "incidents", incidentOf, topics.incidents],
    ];
    const offsets = async (table: string) =>
      (
        await query<{ offset: string }>(
          `SELECT DISTINCT source_offset AS offset FROM ${table} ORDER BY offset`,
        )
      ).map(({ offset }) => Number(offset));

    it.each(kinds)("make %s once, within a range", async (_, table, make, topic) => {
      await using log = await openLog();
      await log.append(written.map((sequence) => make(sequence)));
      await writeInNewLife(log, await rangeOf(log, topic));
      expect(await offsets(table)).toEqual([0, 1, 2, 3, 4, 7]);
    });

    it.each(kinds)("make %s once, wherever an archive dies", async (_, table, make, topic) => {
      for (let cut = 1; cut < written.length; cut++) {
        await running.history.command(`TRUNCATE TABLE ${table}`);
        await using log = await openLog();
        await log.append(written.map((sequence) => make(sequence)));
        await writeInNewLife(log, await rangeOf(log, topic, 0, cut));
        await writeInNewLife(log, await rangeOf(log, topic, cut));
        await writeInNewLife(log, await rangeOf(log, topic, cut));
        expect(await offsets(table)).toEqual([0, 1, 2, 3, 4, 7]);
        await systemClock.sleep(2);
      }
    });

    it("are told apart by task", async () => {
      await using log = await openLog();
      await log.append([frameOf(5, "detect/1"), frameOf(6, "detect/1"), frameOf(5, "detect/0")]);
      await writeInNewLife(log, await rangeOf(log, topics.frames, 0, 2));
      await log.append([frameOf(6, "detect/1"), frameOf(5, "detect/0"), frameOf(7, "detect/1")]);
      await writeInNewLife(log, await rangeOf(log, topics.frames, 2));
      expect(await offsets("verdicts")).toEqual([0, 1, 2, 5]);
    });

    it("make one delivery a key, whatever their sequence", async () => {
      await using log = await openLog();
      await log.append(["a", "b", "a", "c"].map(deliveryOf));
      const first = await rangeOf(log, topics.deliveries);
      await writeInNewLife(log, first);
      await log.append([deliveryOf("b", 2), deliveryOf("d", 2)]);
      const second = await rangeOf(log, topics.deliveries, 4);
      for (const range of [second, second, first]) await writeInNewLife(log, range);
      expect(
        await query(
          "SELECT delivery, count() AS rows FROM deliveries GROUP BY delivery ORDER BY delivery",
        ),
      ).toEqual(["a", "b", "c", "d"].map((delivery) => ({ delivery, rows: "1" })));
    });
  });

  it("keeps records that do not decode in the dead letters, and stores all others", async () => {
    await using log = await openLog();
    const poison = (topic: string) => ({ topic, partition: 0, value: Buffer.from("no record") });
    await log.append([
      spanRecord("before", 2),
      poison(topics.traces),
      spanRecord("after", 2),
      ...[topics.closed, topics.frames, topics.incidents, topics.deliveries].map(poison),
      closedRecord(1),
      frameOf(1),
      incidentOf(1),
      deliveryOf("a", 1),
    ]);
    await using archive = runArchive(log, running.history);
    await archive.caughtUp();
    const letters = await log.read({ topic: topics.deadletter, partition: 0, fromOffset: 0 });
    expect(
      letters
        .map(({ value }) => deadLetterRecord.decode(value))
        .map(({ stage, topic, offset, code }) => [stage, topic, offset, code])
        .sort(),
    ).toEqual(
      [
        ["archive", topics.traces, 1, "record_invalid"],
        ["archive", topics.closed, 0, "record_invalid"],
        ["archive", topics.frames, 0, "record_invalid"],
        ["archive", topics.incidents, 0, "record_invalid"],
        ["archive", topics.deliveries, 0, "record_invalid"],
      ].sort(),
    );
    expect(await spansByOffset()).toEqual({ "0/0": [2, 2], "0/2": [2, 2] });
    for (const table of ["closed", "verdicts", "incidents", "deliveries"])
      expect(await query(`SELECT DISTINCT source_offset FROM ${table}`)).toEqual([
        { source_offset: "1" },
      ]);
  });

  it("loses and doubles nothing while ClickHouse is away under load: the log refuses, and the archive catches up", async () => {
    await using log = await openLog({ maxBytes: 400_000, retentionMs: 400 });
    await using archive = runArchive(log, running.history);
    const expected: Record<string, [number, number]> = {};
    let round = 0;
    /** One request, as ingest takes it: refused while the log says so. */
    async function send(): Promise<boolean> {
      if ((await log.pressure()).state === "refusing") return false;
      const spans = 1 + ((round * 37) % 180);
      const partition = round % archivePartitions;
      const [appended] = await log.append([spanRecord(`round ${round}`, spans, partition)]);
      expected[`${partition}/${appended?.offset}`] = [spans, spans];
      round++;
      return true;
    }
    for (let sent = 0; sent < 20; sent++) while (!(await send())) await systemClock.sleep(5);
    // An engine that hangs, with inserts under way, and then dies with them.
    const { pid } = running.server;
    process.kill(pid, "SIGSTOP");
    while (await send()) await systemClock.sleep(1);
    const takenBefore = round;
    for (let tries = 0; tries < 50; tries++) expect(await send()).toBe(false);
    process.kill(pid, "SIGKILL");
    while (round < takenBefore + 40) if (!(await send())) await systemClock.sleep(5);
    await archive.caughtUp();
    expect(await spansByOffset()).toEqual(expected);
    expect(running.server.pid).not.toBe(pid);
    expect(archive.reports.join("\n")).toContain("next try in");
  });

  it("is exact when the engine is killed again and again under load", async () => {
    await using log = await openLog();
    await using archive = runArchive(log, running.history);
    let expected: Record<string, [number, number]> = {};
    for (let kill = 0; kill < 3; kill++) {
      expected = { ...expected, ...(await fill(log, 30)) };
      process.kill(running.server.pid, "SIGKILL");
      await archive.caughtUp();
    }
    expect(await spansByOffset()).toEqual(expected);
  });

  it.each(
    ["archive:after-intent", "archive:after-insert", "archive:after-commit"].flatMap((point) =>
      [1, 3].map((time) => `${point}:${time}`),
    ),
  )("is exact when its own process dies at %s", async (crashAt) => {
    const directory = await mkdtemp(join(tmpdir(), "foreshock-archive-"));
    const open = () =>
      openLmdbLog({ directory, clock: systemClock, limits: { maxDiskBytes: 2 ** 32 } });
    let expected: Record<string, [number, number]> = {};
    {
      await using log = await open();
      await log.ensureTopics(archiveTopics());
      expected = await fill(log, 40);
      await log.append(
        [1, 2, 3, 2, 3].flatMap((n) => [closedRecord(n), frameOf(n), incidentOf(n)]),
      );
    }
    const live = async (crash: string) => {
      const { url, user, password } = running.server;
      const child = fork(childModule, [directory, url, user, password], {
        env: { ...process.env, FORESHOCK_CRASH_AT: crash },
      });
      const [code, signal] = await once(child, "exit");
      return signal ?? code;
    };
    expect(await live(crashAt)).toBe("SIGKILL");
    expect(await live("")).toBe(0);
    expect(await spansByOffset()).toEqual(expected);
    for (const [table, rows] of [
      ["closed", 3],
      ["windows", 6],
      ["verdicts", 6],
      ["incidents", 3],
    ])
      expect(await query(`SELECT count() AS rows FROM ${table}`)).toEqual([{ rows: String(rows) }]);
    await rm(directory, { recursive: true });
  });
});
