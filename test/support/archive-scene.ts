/** The archive on a real embedded history: a log to read, lives that write ranges of it, and what the tables then hold. */
import { afterAll, beforeAll, beforeEach } from "vitest";
import { archiveStage } from "../../services/archive/archive.ts";
import { migrate } from "../../services/history/migrate.ts";
import { historyTables } from "../../services/history/tables.ts";
import type { Log } from "../../services/log/log.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import type { RangeRejection, RecordRange } from "../../services/stage.ts";
import { spanRecord } from "./archive-records.ts";
import { archivePartitions, archiveTopics } from "./archive-run.ts";
import { anEdgeContext } from "./edge-context.ts";
import { type HistoryServer, startHistoryServer } from "./history-server.ts";

/** Spans and distinct span indexes by `partition/offset` of the record that they came in. */
export type SpansByOffset = Record<string, [spans: number, distinct: number]>;

export interface ArchiveScene {
  /** From before the first test to after the last. */
  running: HistoryServer;
  query<Row>(sql: string): Promise<Row[]>;
  /** What another life of the archive makes of a range. */
  writeInNewLife(
    log: Log,
    range: RecordRange,
    maxRows?: number,
  ): Promise<readonly RangeRejection[]>;
  /** What is stored. */
  spansByOffset(): Promise<SpansByOffset>;
}

/** Starts one engine for the tests of a block, and empties its tables before each of them. */
export function createArchiveScene(): ArchiveScene {
  const scene = { query, writeInNewLife, spansByOffset } as ArchiveScene;
  beforeAll(async () => {
    scene.running = await startHistoryServer();
    await migrate(scene.running.history);
  });
  afterAll(() => scene.running[Symbol.asyncDispose]());
  beforeEach(async () => {
    for (const table of Object.keys(historyTables))
      await scene.running.history.command(`TRUNCATE TABLE ${table}`);
  });

  function query<Row>(sql: string) {
    return scene.running.history.query<Row>(sql);
  }

  async function writeInNewLife(log: Log, range: RecordRange, maxRows = 100) {
    const { history } = scene.running;
    const context = anEdgeContext(log, { archive: { maxRows } }, { history });
    await using sink = await archiveStage.open(context);
    return await sink.write(range, new AbortController().signal);
  }

  async function spansByOffset(): Promise<SpansByOffset> {
    const rows = await query<{ place: string; spans: string; distinct: string }>(
      `SELECT concat(toString(source_partition), '/', toString(source_offset)) AS place,
         count() AS spans, uniqExact(source_index) AS distinct FROM spans GROUP BY place`,
    );
    return Object.fromEntries(
      rows.map(({ place, spans, distinct }) => [place, [Number(spans), Number(distinct)]]),
    );
  }

  return scene;
}

export async function openLog(
  options: { maxBytes?: number; retentionMs?: number } = {},
): Promise<Log> {
  const { maxBytes, retentionMs } = options;
  const log = await openMemoryLog({
    clock: systemClock,
    maintenanceIntervalMs: 20,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  await log.ensureTopics(archiveTopics(retentionMs));
  return log;
}

/** Everything that is in a topic's first partition from one offset to before another, as one range. */
export async function rangeOf(log: Log, topic: string, from = 0, to = 1e9): Promise<RecordRange> {
  const all = await log.read({ topic, partition: 0, fromOffset: from, maxBytes: 2 ** 30 });
  const records = all.filter(({ offset }) => offset < to);
  const end = (records.at(-1)?.offset ?? from) + 1;
  return { topic, partition: 0, from, to: end, token: `${topic}/0/${from}-${end}`, records };
}

/** Appends the span record of a round, of 1 to 180 spans; gives its place and what must be stored of it. */
export async function appendRound(
  log: Log,
  round: number,
): Promise<readonly [place: string, stored: [spans: number, distinct: number]]> {
  const spans = 1 + ((round * 37) % 180);
  const partition = round % archivePartitions;
  const [appended] = await log.append([spanRecord(`round ${round}`, spans, partition)]);
  return [`${partition}/${appended?.offset}`, [spans, spans]];
}

/** Appends span records; gives what `spansByOffset` must say of them. */
export async function fill(log: Log, rounds: number): Promise<SpansByOffset> {
  const expected: SpansByOffset = {};
  for (let round = 0; round < rounds; round++) {
    const [place, stored] = await appendRound(log, round);
    expected[place] = stored;
  }
  return expected;
}
