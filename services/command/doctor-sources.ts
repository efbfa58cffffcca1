/** Where `foreshock doctor` gets telemetry from: capture files, a log's newest records, or a port that it listens on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { headers, signals, sourceTopics } from "../contracts/topics.ts";
import { requestsOf, type TraceRow, traceRowsQuery } from "../doctor/table-rows.ts";
import { readCapture } from "../log/capture.ts";
import type { Log } from "../log/log.ts";
import { openHistoryReader, startApp } from "../runtime/app.ts";
import type { ReplayRecord } from "../runtime/replay.ts";
import { reporter } from "./command.ts";

/** Telemetry in order of arrival; may be read more than once. */
export type TelemetrySource = () => AsyncIterable<ReplayRecord> | Iterable<ReplayRecord>;

export function captureSource(files: readonly string[]): TelemetrySource {
  return async function* () {
    for (const file of files) {
      const onTorn = (offset: number) =>
        process.stderr.write(`${file}: the last record is torn at byte ${offset}\n`);
      yield* readCapture(file, { onTorn });
    }
  };
}

/** The newest records of every source partition, at most `limit` each. */
export async function logSource(log: Log, limit: number): Promise<TelemetrySource> {
  const known = await log.topics();
  const records: ReplayRecord[] = [];
  for (const signal of signals) {
    const topic = sourceTopics[signal];
    const partitions = known.find(({ name }) => name === topic)?.partitions ?? 0;
    for (let partition = 0; partition < partitions; partition++)
      records.push(...(await tail(log, { topic, partition, limit })).map(recordOf(signal)));
  }
  records.sort((a, b) => a.appendMs - b.appendMs);
  return () => records;
}

async function tail(
  log: Log,
  place: { readonly topic: string; readonly partition: number; readonly limit: number },
) {
  const { topic, partition } = place;
  const { start, end } = await log.offsets(topic, partition);
  const found: Awaited<ReturnType<Log["read"]>>[number][] = [];
  for (let fromOffset = Math.max(start, end - place.limit); fromOffset < end; ) {
    const batch = await log.read({ topic, partition, fromOffset, waitMs: 0 });
    const last = batch.at(-1);
    if (last === undefined) break;
    found.push(...batch);
    fromOffset = last.offset + 1;
  }
  return found;
}

const recordOf =
  (signal: ReplayRecord["signal"]) =>
  (record: Awaited<ReturnType<Log["read"]>>[number]): ReplayRecord => ({
    signal,
    partition: record.partition,
    appendMs: record.appendMs,
    payload: record.value,
    isHeartbeat: record.headers[headers.heartbeat] !== undefined,
  });

/** Listens on the configured OTLP ports for a while, into a log that is thrown away. */
export async function listenSource(config: Config, seconds: number): Promise<TelemetrySource> {
  const dataDir = mkdtempSync(join(tmpdir(), "foreshock-doctor-"));
  try {
    const own = { ...config, dataDir, log: { ...config.log, engine: "lmdb" as const } };
    await using app = await startApp({
      config: { ...own, metrics: { ...config.metrics, port: 0 } },
      stages: ["ingest"],
      report: reporter("error"),
    });
    const { "OTLP HTTP": http, "OTLP gRPC": grpc } = app.addresses;
    process.stderr.write(
      `Listening for ${seconds} s on ${grpc} (gRPC) and http://${http} (HTTP); Ctrl-C ends it early.\n`,
    );
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1_000);
      process.once("SIGINT", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return await logSource(app.log, Number.MAX_SAFE_INTEGER);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The newest spans of a table in the Collector exporter's schema, as though they had arrived when they ended. */
export async function tableSource(
  config: Config,
  request: { readonly table: string; readonly limit: number },
): Promise<TelemetrySource> {
  const { table, limit } = request;
  if (!/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/.test(table))
    throw new ForeshockError("usage", `--table must be NAME or DATABASE.NAME, got ${table}`);
  const history = openHistoryReader(config);
  try {
    const rows = await history.query<TraceRow>(traceRowsQuery(table, limit));
    const records = requestsOf(rows).map(
      ({ endMs, payload }): ReplayRecord => ({
        signal: "traces",
        partition: 0,
        appendMs: endMs,
        payload,
        isHeartbeat: false,
      }),
    );
    return () => records;
  } finally {
    await history.close();
  }
}

/** Throws where nothing came at all, which says more than an empty diagnosis. */
export function requireSome(count: number, where: string): void {
  if (count > 0) return;
  throw new ForeshockError(
    "unavailable",
    `doctor: no telemetry in ${where}. Does the application export to this address (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL), and is OTEL_SDK_DISABLED unset?`,
  );
}
