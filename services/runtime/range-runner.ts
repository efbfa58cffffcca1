/**
 * Runs a range sink on one partition, exactly once: the intended range [from, to) is committed as metadata before the rows
 * are written under its token; whoever takes over after a crash writes exactly that range again.
 */
import * as z from "zod";
import { ForeshockError } from "../contracts/errors.ts";
import type { LogRecord, TopicPartition } from "../log/log.ts";
import type { RangeSink, RangeSinkStage } from "../stage.ts";
import { crashPoint } from "./crash-points.ts";
import { deadLetter, type RunnerDeps, readWaitMs, untilDone } from "./runner-deps.ts";

/** Records in a range, bytes: some 40,000 spans, so that an insert and its merges are cheap for each. */
const rangeBytes = 24 * 1024 * 1024;
/** Fewer records than this are not worth an insert before their time: one that came meanwhile must not end the wait. */
const fewRecords = 64;

const intentSchema = z.object({ to: z.number(), encoderVersion: z.number() });

export async function runRangeTask(
  stage: RangeSinkStage,
  sink: RangeSink,
  source: TopicPartition,
  deps: RunnerDeps,
  signal: AbortSignal,
): Promise<void> {
  const { log, metrics } = deps;
  const { topic, partition } = source;
  const place = `${topic}/${partition}`;
  const labels = { stage: stage.name, topic, partition: String(partition) };
  const commit = (offset: number, metadata: string) =>
    untilDone(
      deps,
      `${stage.name}: committing ${place}`,
      () => log.commit(stage.name, [{ topic, partition, offset, metadata }]),
      signal,
    );

  const committed = await log.committed(stage.name, topic, partition);
  let from = committed?.offset ?? (await log.offsets(topic, partition)).start;
  const intent = parseIntent(committed?.metadata ?? "", place);
  if (intent !== undefined) {
    if (intent.encoderVersion !== stage.encoderVersion)
      deps.report(
        "warn",
        `${stage.name}: ${place} [${from}, ${intent.to}) was begun by encoder version ${intent.encoderVersion}, this is ${stage.encoderVersion}; written again under the same token`,
      );
    await write(await readRange(from, intent.to));
    from = intent.to;
    await commit(from, "");
  }

  while (!signal.aborted) {
    const records = await untilDone(
      deps,
      `${stage.name}: reading ${place}`,
      () =>
        log.read(
          { topic, partition, fromOffset: from, maxBytes: rangeBytes, waitMs: readWaitMs },
          signal,
        ),
      signal,
    );
    const last = records.at(-1);
    if (last === undefined) continue;
    const to = last.offset + 1;
    await commit(from, JSON.stringify({ to, encoderVersion: stage.encoderVersion }));
    crashPoint("archive:after-intent");
    await write(records);
    crashPoint("archive:after-insert");
    from = to;
    await commit(from, "");
    crashPoint("archive:after-commit");
    const lagRecords = (await log.offsets(topic, partition)).end - from;
    metrics.set("foreshock_stage_lag_records", lagRecords, labels);
    // Little waits: let more come together, since ClickHouse likes few, large inserts.
    if (lagRecords < fewRecords) await deps.clock.sleep(deps.config.archive.maxWaitMs, signal);
  }

  async function readRange(start: number, end: number): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    for (let next = start; next < end; ) {
      const batch = await log.read(
        { topic, partition, fromOffset: next, maxBytes: rangeBytes, waitMs: readWaitMs },
        signal,
      );
      const wanted = batch.filter((record) => record.offset < end);
      const lastWanted = wanted.at(-1);
      if (lastWanted === undefined) break;
      records.push(...wanted);
      next = lastWanted.offset + 1;
    }
    return records;
  }

  async function write(records: readonly LogRecord[]): Promise<void> {
    const first = records[0];
    const last = records.at(-1);
    if (first === undefined || last === undefined) return;
    const to = last.offset + 1;
    const range = {
      topic,
      partition,
      from: first.offset,
      to,
      token: `${place}/${first.offset}-${to}`,
      records,
    };
    const rejections = await untilDone(
      deps,
      `${stage.name}: writing ${range.token}`,
      async () => {
        try {
          return await sink.write(range, signal);
        } catch (error) {
          metrics.add("foreshock_archive_retries_total", 1);
          throw error;
        }
      },
      signal,
    );
    metrics.add("foreshock_stage_records_total", records.length, { stage: stage.name });
    if (rejections.length === 0) return;
    const byOffset = new Map(records.map((record) => [record.offset, record]));
    const letters = rejections.flatMap((rejection) => {
      const record = byOffset.get(rejection.offset);
      return record === undefined ? [] : [deadLetter(stage.name, record, rejection)];
    });
    await untilDone(deps, `${stage.name}: dead letters`, () => log.append(letters, signal), signal);
    for (const { code } of rejections)
      metrics.add("foreshock_deadletter_records_total", 1, { stage: stage.name, code });
  }
}

function parseIntent(metadata: string, place: string): z.infer<typeof intentSchema> | undefined {
  if (metadata === "") return undefined;
  try {
    return intentSchema.parse(JSON.parse(metadata));
  } catch (cause) {
    throw new ForeshockError(
      "checkpoint_invalid",
      `commit metadata of ${place} is not an intent: ${metadata}`,
      { cause },
    );
  }
}
