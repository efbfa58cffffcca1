import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bucketOf } from "../../detectors/sketch.ts";
import { createRollUps } from "../../services/archive/roll-ups.ts";
import { cellKey } from "../../services/contracts/cell.ts";
import { frameRecord } from "../../services/contracts/frame.ts";
import { sketchIds } from "../../services/contracts/measures.ts";
import { headers, topics } from "../../services/contracts/topics.ts";
import { encodeWindow } from "../../services/contracts/window-write.ts";
import { migrate } from "../../services/history/migrate.ts";
import type { AppendRecord, Log } from "../../services/log/log.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { archivePartitions, archiveTopics, runArchive } from "../support/archive-run.ts";
import { type HistoryServer, startHistoryServer } from "../support/history-server.ts";
import { aCell, aCellFrame, aCellWindow, aFrame, aVerdict, aWindow } from "../support/records.ts";

const startMs = Date.UTC(2026, 10, 30, 22, 17, 40);
/** Two hours and a half, over the end of a month. */
const windows = 1_800;
const regions = ["eu-west-1", "us-east-1"];

/** Values that a window's requests had, by place: the truth that sketches are held against. */
const valuesOf = (window: number, cell: number) =>
  Array.from(
    { length: 3 },
    (_, i) => 1_000 + ((window * 7919 + cell * 104_729 + i * 1_299_709) % 900_000),
  );

function closedRecord(window: number, partition: number): AppendRecord {
  const cells = regions.map((region, index) => {
    const buckets = new Map<number, number>();
    for (const value of valuesOf(window, index + 2 * partition))
      buckets.set(bucketOf(value), (buckets.get(bucketOf(value)) ?? 0) + 1);
    const sorted = [...buckets].sort(([a], [b]) => a - b);
    return aCellWindow({
      cell: cellKey(aCell({ region, model: `model-${partition}` })),
      sketches: {
        [sketchIds.duration]: {
          buckets: sorted.map(([bucket]) => bucket),
          counts: sorted.map(([, count]) => count),
        },
      },
    });
  });
  return {
    topic: topics.closed,
    partition,
    headers: { [headers.task]: `detect/${partition}`, [headers.sequence]: String(window + 1) },
    value: encodeWindow(
      aWindow({ task: `detect/${partition}`, windowStartMs: startMs + window * 5_000, cells }),
    ),
  };
}

const states = ["normal", "normal", "blind", "watching", "anomalous"] as const;

/** Of two tasks whose frames share a partition; `ttft` has no evidence in every third window, and no band in the first hundred. */
function frameRecordOf(window: number, task: number): AppendRecord {
  const signals = [
    aVerdict({ seen: (window % 7) / 100, of: 1 + (window % 9), surprise: (window % 11) / 2 }),
    aVerdict({
      signal: "ttft",
      state: states[window % states.length] ?? "normal",
      seen: window % 3 === 0 ? null : 900_000 + window,
      expected: window % 13 === 0 ? 0 : 800_000,
      low: window < 100 ? null : 700_000,
      high: window < 100 ? null : 950_000,
      of: 3 + (window % 5),
    }),
  ];
  const cell = cellKey(aCell({ model: `model-${task}` }));
  return {
    topic: topics.frames,
    partition: 0,
    headers: { [headers.task]: `detect/${task}`, [headers.sequence]: String(window + 1) },
    value: frameRecord.encode(
      aFrame({
        task: `detect/${task}`,
        windowStartMs: startMs + window * 5_000,
        cells: [aCellFrame({ cell, signals })],
      }),
    ),
  };
}

describe("windows and verdicts of a minute and of an hour", () => {
  let server: HistoryServer;
  let log: Log;
  beforeAll(async () => {
    server = await startHistoryServer();
    await migrate(server.history);
    log = await openMemoryLog({ clock: systemClock });
    await log.ensureTopics(archiveTopics());
    // The archive ends in the middle, again and again, and once the engine dies under it.
    for (let from = 0; from < windows; from += 300) {
      for (let partition = 0; partition < archivePartitions; partition++)
        await log.append(Array.from({ length: 300 }, (_, i) => closedRecord(from + i, partition)));
      for (let i = 0; i < 300; i++)
        await log.append([frameRecordOf(from + i, 0), frameRecordOf(from + i, 1)]);
      {
        await using interrupted = runArchive(log, server.history);
        await Promise.race([interrupted.caughtUp(), systemClock.sleep(40 + from / 10)]);
      }
      if (from === 600) process.kill(server.server.pid, "SIGKILL");
    }
    await using last = runArchive(log, server.history);
    await last.caughtUp();
  }, 300_000);
  afterAll(async () => {
    await log?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it.each([
    ["windows_minute", 60_000],
    ["windows_hour", 3_600_000],
  ])("%s adds up exactly what its windows are, and only what is over", async (table, bucketMs) => {
    const columns =
      "requests, spans, input_tokens, outcome_ok, outcome_timeout, duration_buckets, duration_counts";
    const stored = await server.history.query(
      `SELECT source_partition, toUnixTimestamp64Milli(window_start) AS start, model, region, tenants, ${columns}
       FROM ${table} ORDER BY source_partition, start, model, region`,
    );
    const lastMs = startMs + (windows - 1) * 5_000;
    const over = Math.floor(lastMs / bucketMs) * bucketMs;
    const expected = await server.history.query(
      `SELECT source_partition, toInt64(intDiv(toUnixTimestamp64Milli(window_start), ${bucketMs})) * ${bucketMs} AS start, model, region,
         max(windows.tenants) AS tenants, sum(windows.requests) AS requests, sum(windows.spans) AS spans, sum(windows.input_tokens) AS input_tokens,
         sum(windows.outcome_ok) AS outcome_ok, sum(windows.outcome_timeout) AS outcome_timeout,
         sumMap(windows.duration_buckets, windows.duration_counts) AS d, d.1 AS duration_buckets, d.2 AS duration_counts
       FROM windows WHERE window_start < fromUnixTimestamp64Milli(${over})
       GROUP BY source_partition, start, model, region ORDER BY source_partition, start, model, region`,
    );
    expect(stored.length).toBe(
      (over / bucketMs - Math.floor(startMs / bucketMs)) * regions.length * archivePartitions,
    );
    expect(stored).toEqual(expected.map((row) => withoutPair(row as Record<string, unknown>)));
  });

  it.each([0.5, 0.9, 0.95, 0.99, 0.999])(
    "give quantile %d over any cells and time, right to the stated error",
    async (q) => {
      const from = Date.UTC(2026, 10, 30, 22, 30);
      const to = Date.UTC(2026, 10, 31, 0, 20);
      const exact: number[] = [];
      for (let window = 0; window < windows; window++) {
        const at = startMs + window * 5_000;
        if (at >= from && at < to) exact.push(...valuesOf(window, 0), ...valuesOf(window, 2));
      }
      exact.sort((a, b) => a - b);
      const truth = exact[Math.ceil(q * exact.length) - 1] ?? 0;
      for (const table of ["windows", "windows_minute"]) {
        const [row] = await server.history.query<{ value: number; n: string }>(
          `SELECT foreshockBucketMiddle(quantileExactWeightedArray(${q})(duration_buckets, duration_counts)) AS value,
             sum(arraySum(duration_counts)) AS n
           FROM ${table} WHERE region = 'eu-west-1' AND window_start >= fromUnixTimestamp64Milli(${from}) AND window_start < fromUnixTimestamp64Milli(${to})`,
        );
        expect(Number(row?.n)).toBe(exact.length);
        expect(Math.abs((row?.value ?? 0) / truth - 1)).toBeLessThanOrEqual(1 / 128);
      }
    },
  );

  it.each([
    ["verdicts_minute", 60_000],
    ["verdicts_hour", 3_600_000],
  ])("%s adds up what its verdicts say, by task", async (table, bucketMs) => {
    const over = Math.floor((startMs + (windows - 1) * 5_000) / bucketMs) * bucketMs;
    const columns = `count() AS cells, sum(window_count) AS n, sum(anomalous) AS anomalous, sum(watching) AS watching, sum(normal) AS normal, sum(warming) AS warming,
      arrayMap(x -> round(x, 6), sumMap(signals, seen_sum, seen_weight, low_sum, low_weight, high_sum, high_weight, times_sum, times_weight).2) AS seen,
      sumMap(signals, seen_weight, low_weight, high_weight, times_weight) AS weights,
      arrayMap(x -> round(x, 3), sumMap(signals, times_sum).2) AS times, maxMap(signals, score) AS score`;
    const start = `toInt64(intDiv(toUnixTimestamp64Milli(window_start), ${bucketMs})) * ${bucketMs} AS start`;
    const sums = (from: string) =>
      server.history.query<Record<string, unknown>>(
        `SELECT source_task, ${start}, model, ${columns} FROM ${from} GROUP BY source_task, start, model ORDER BY source_task, start`,
      );
    const rows = await sums(table);
    expect(rows).toHaveLength((over / bucketMs - Math.floor(startMs / bucketMs)) * 2);
    expect(rows.map(({ cells }) => cells)).toEqual(rows.map(() => "1"));
    const raw = await sums(`verdicts WHERE window_start < fromUnixTimestamp64Milli(${over})`);
    const withoutCells = ({ cells: _, ...row }: Record<string, unknown>) => row;
    expect(rows.map(withoutCells)).toEqual(raw.map(withoutCells));
  });

  it.each([
    [0, startMs + 123, startMs + windows * 5_000],
    [0, startMs + 3_000_000, startMs + 3_061_000],
    [3_600, startMs + 61_234, startMs + 8_000_001],
    [300, startMs - 86_400_000, startMs + 7_000_000],
    [5, startMs + 40_000, startMs + 5_000_000],
  ])("windows_between gives by steps of %i s what windows give", async (step, fromMs, toMs) => {
    const sums = (from: string) =>
      server.history.query(
        `SELECT if(${step} = 0, 0, toUInt32(toStartOfInterval(toDateTime(window_start), toIntervalSecond(greatest(${step}, 1))))) AS time, region,
           sum(window_count) AS n, sum(requests) AS requests, sum(tenants_sum) AS tenants, sumMap(duration_buckets, duration_counts) AS duration
         FROM ${from} GROUP BY time, region ORDER BY time, region`,
      );
    const at = (ms: number) => `fromUnixTimestamp64Milli(${ms})`;
    const given = await sums(
      `windows_between(since = ${at(fromMs)}, until = ${at(toMs)}, step = ${step})`,
    );
    expect(given.length).toBeGreaterThan(1);
    expect(given).toEqual(
      await sums(`windows WHERE window_start >= ${at(fromMs)} AND window_start < ${at(toMs)}`),
    );
  });

  it("are not added up again by an archive that was overtaken while it stood still", async () => {
    const source = { family: "windows", id: "7" } as const;
    await using own = await startHistoryServer();
    await migrate(own.history);
    const { history } = own;
    const never = new AbortController().signal;
    await history.command(
      `INSERT INTO windows (source_partition, window_start, window_ms, model, requests)
       SELECT 7, fromUnixTimestamp64Milli(${startMs}) + toIntervalSecond(5 * number), 5000, 'overtaken', 1 FROM numbers(${windows})`,
    );
    const minutes = (count: number) => startMs + count * 60_000;
    const stood = createRollUps(history);
    await stood.advance(source, minutes(3), never);
    await createRollUps(history).advance(source, minutes(90), never);
    await stood.advance(source, minutes(75), never);
    await stood.advance(source, minutes(100), never);

    for (const [table, bucketMs] of Object.entries({
      windows_minute: 60_000,
      windows_hour: 3_600_000,
    })) {
      const [row] = await history.query<{ n: string; rows: string; requests: string }>(
        `SELECT uniqExact(window_start) AS n, count() AS rows, sum(requests) AS requests FROM ${table} WHERE model = 'overtaken'`,
      );
      const until = Math.floor(minutes(100) / bucketMs) * bucketMs;
      expect(row).toEqual({
        n: String((until - Math.floor(startMs / bucketMs) * bucketMs) / bucketMs),
        rows: row?.n,
        requests: String((until - startMs) / 5_000),
      });
    }
  });

  it("say how far they are, not further than any of their sources", async () => {
    const lastMs = startMs + (windows - 1) * 5_000;
    const until = (bucketMs: number) =>
      new Date(Math.floor(lastMs / bucketMs) * bucketMs)
        .toISOString()
        .slice(0, 19)
        .replace("T", " ");
    const minute = until(60_000);
    const hour = until(3_600_000);
    expect(await server.history.query("SELECT * FROM rolled_until")).toEqual([
      { windows_minute: minute, windows_hour: hour, verdicts_minute: minute, verdicts_hour: hour },
    ]);
    await server.history.command("INSERT INTO rolled_up VALUES ('windows_minute', '7', 60)");
    expect(await server.history.query("SELECT windows_minute FROM rolled_until")).toEqual([
      { windows_minute: "1970-01-01 00:01:00" },
    ]);
  });

  it("keep their function when the engine starts again", async () => {
    const answer = await server.ask({ query: "SELECT foreshockBucketMiddle(100)" });
    expect(answer.text).toBe("100\n");
  });
});

const withoutPair = ({ d: _, ...row }: Record<string, unknown>) => row;
