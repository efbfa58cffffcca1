/**
 * Archive: the log into history, every record once. The runner brings ranges of one partition and brings the same range again after a
 * crash; what makes that exact is below:
 * - The same range gives the same blocks under the same tokens (`table-blocks.ts`), which ClickHouse takes once.
 * - Where a range may have been begun by another life, rows that are stored already are left out (`stored-rows.ts`), so that
 *   neither a forgotten token nor another block size doubles them.
 * - Records that the log itself holds twice are left out (`repeats.ts`).
 */
import { ForeshockError } from "../contracts/errors.ts";
import { topics } from "../contracts/topics.ts";
import type { EdgeContext, RangeSink, RangeSinkStage, RecordRange } from "../stage.ts";
import { completeIn } from "./complete.ts";
import { encodeRecords } from "./encode-records.ts";
import { frameRecordRows } from "./frame-record-rows.ts";
import { deliveryRecordRows, incidentRecordRows } from "./incident-record-rows.ts";
import type { RecordRows } from "./record-rows.ts";
import { type Sequences, withoutRepeats } from "./repeats.ts";
import { createRollUps } from "./roll-ups.ts";
import { spanRecordRows } from "./span-record-rows.ts";
import { type SpanJudge, silentJudge } from "./spans/judge.ts";
import { readStoredRows } from "./stored-rows.ts";
import type { StoredRows } from "./table-blocks.ts";
import { windowRecordRows } from "./window-record-rows.ts";

/** The stage with the judgement that its span rows carry; `createJudge` is called for each encoder, of which several may be at work. */
export function archiveStageWith(createJudge: () => SpanJudge): RangeSinkStage {
  return {
    kind: "range-sink",
    name: "archive",
    reads: [topics.traces, topics.closed, topics.frames, topics.incidents, topics.deliveries],
    writes: [],
    encoderVersion: 1,
    open: async (context) => openArchive(context, createJudge),
  };
}

export const archiveStage: RangeSinkStage = archiveStageWith(() => silentJudge);

/** What is known of a partition behind the last range that was written. */
interface Place {
  readonly next: number;
  readonly sequences: Sequences;
}

function openArchive(context: EdgeContext, createJudge: () => SpanJudge): RangeSink {
  const { config, history, metrics } = context;
  if (history === undefined)
    throw new ForeshockError(
      "config_invalid",
      "archive: history.engine is none, so there is nowhere to write",
    );
  const places = new Map<string, Place>();
  const encoders = encoderPool(context, createJudge);
  const rollUps = createRollUps(history);
  const rolledUpAt = new Map<string, number>();

  return {
    async write(range, signal) {
      const name = `${range.topic}/${range.partition}`;
      const before = places.get(name);
      // Else another life, here or elsewhere, may have begun this range.
      const isContinued = before?.next === range.from;
      const known = isContinued ? before.sequences : new Map();
      const { records, sequences } = await withoutRepeats(history, range, known, signal);
      if (records.length < range.records.length)
        metrics.add("foreshock_stage_repeats_total", range.records.length - records.length, {
          stage: "archive",
        });
      const rejections = await encoders.use(range.topic, async (rows) => {
        const stored = new Map<string, StoredRows>();
        if (!isContinued)
          for (const { table } of rows.tables)
            stored.set(table, await readStoredRows(history, table, range, signal));
        const encoded = await encodeRecords(rows, records, (table) => stored.get(table));
        const token = tokenOf(range);
        for (const { table, bytes, tokenSuffix } of encoded.blocks)
          await history.insert({ table, block: bytes, token: `${token}/${tokenSuffix}` }, signal);
        for (const { table, rows: count } of encoded.blocks)
          metrics.add("foreshock_archive_rows_total", count, { table });
        return encoded.rejections;
      });
      for (const { source, completeMs } of completeIn(range)) {
        const key = `${source.family}/${source.id}`;
        // Real time: where an hour is played in a minute, one roll-up takes in many minutes.
        if (performance.now() - (rolledUpAt.get(key) ?? -Infinity) < config.archive.rollUpEveryMs)
          continue;
        await rollUps.advance(source, completeMs, signal);
        rolledUpAt.set(key, performance.now());
      }
      places.set(name, { next: range.to, sequences });
      return rejections;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** With the time of the first record: a log that was begun anew has the same offsets again. */
const tokenOf = ({ token, records }: RecordRange) => `${token}@${records[0]?.appendMs ?? 0}`;

interface EncoderPool {
  /** Lends an encoder that nobody else uses meanwhile; their buffers are large, so they are used again. */
  use<T>(topic: string, call: (rows: RecordRows) => Promise<T>): Promise<T>;
}

function encoderPool({ config }: EdgeContext, createJudge: () => SpanJudge): EncoderPool {
  const { maxRows } = config.archive;
  const makers: Readonly<Record<string, () => RecordRows>> = {
    [topics.traces]: () =>
      spanRecordRows({ maxRows, content: config.ingest, judge: createJudge() }),
    [topics.closed]: () => windowRecordRows({ maxRows }),
    [topics.frames]: () => frameRecordRows({ maxRows }),
    [topics.incidents]: () => incidentRecordRows({ maxRows }),
    [topics.deliveries]: () => deliveryRecordRows({ maxRows }),
  };
  const idle = new Map(Object.keys(makers).map((topic) => [topic, [] as RecordRows[]]));
  return {
    async use(topic, call) {
      const make = makers[topic];
      const waiting = idle.get(topic);
      if (make === undefined || waiting === undefined)
        throw new ForeshockError("topic_unknown", `archive: topic ${topic} has no table`);
      const rows = waiting.pop() ?? make();
      try {
        return await call(rows);
      } finally {
        waiting.push(rows);
      }
    },
  };
}
