import { existsSync, statSync } from "node:fs";
import type { Config } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { type Diagnosis, examine } from "../doctor/examine.ts";
import { wantedAttributes } from "../doctor/needs.ts";
import { emptyObservations, observeCells, observePipeline } from "../doctor/observations.ts";
import { emptyPayloadFacts, scanPayload } from "../doctor/scan-payload.ts";
import { openLog } from "../runtime/app.ts";
import { loadConfig } from "../runtime/config-load.ts";
import { Replay, taskOf } from "../runtime/replay.ts";
import {
  type Arguments,
  type Command,
  configOption,
  exitCodes,
  requireLog,
  write,
} from "./command.ts";
import { describeDiagnosis } from "./doctor-report.ts";
import {
  captureSource,
  listenSource,
  logSource,
  requireSome,
  type TelemetrySource,
  tableSource,
} from "./doctor-sources.ts";

export const doctorCommand: Command = {
  name: "doctor",
  summary:
    "Say what telemetry shows, which faults could be seen in it, and what is missing for the others.",
  usage: "FILE… | --listen SECONDS | --log | --table NAME [--records N] [--json] [--config FILE]",
  maxPositionals: Number.POSITIVE_INFINITY,
  options: {
    ...configOption,
    listen: {
      type: "string",
      value: "SECONDS",
      help: "Listen on the configured OTLP ports for so long, and forget what came",
    },
    log: {
      type: "boolean",
      help: "Look at the newest records of the configured log, LMDB or Kafka",
    },
    table: {
      type: "string",
      value: "NAME",
      help: "Look at the newest spans of a table like otel_traces in the configured history (history.engine, history.url)",
    },
    records: {
      type: "string",
      value: "N",
      help: "With --log: so many of each partition (default: 2000); with --table: so many spans (default: 20000)",
    },
    json: { type: "boolean", help: "The whole diagnosis as JSON" },
  },
  examples: [
    "foreshock doctor --listen 30",
    "foreshock doctor hour.fsc.zst",
    "FORESHOCK_HISTORY_ENGINE=clickhouse FORESHOCK_HISTORY_URL=http://127.0.0.1:8123 foreshock doctor --table otel.otel_traces",
    "FORESHOCK_LOG_ENGINE=kafka FORESHOCK_LOG_BROKERS=127.0.0.1:9092 foreshock doctor --log",
  ],
  notes: [
    "Telemetry runs through the same code as live. Exit code 1 says that it shows no model call at all.",
    "The embedded log belongs to one process: stop `foreshock run` first, or capture and give the file.",
  ],
  run: async (args) => {
    const { config } = loadConfig(args.text("config"), process.env);
    const { where, source } = await sourceOf(args, config);
    const diagnosis = await diagnose(source, where, config);
    if (args.flag("json")) write(JSON.stringify(diagnosis, null, 2));
    else for (const line of describeDiagnosis(diagnosis, where)) write(line);
    return diagnosis.requests > 0 ? exitCodes.ok : exitCodes.no;
  },
};

async function sourceOf(
  args: Arguments,
  config: Config,
): Promise<{ readonly where: string; readonly source: TelemetrySource }> {
  const files = args.positionals;
  const isListening = args.text("listen") !== undefined;
  const table = args.text("table");
  const ways = [files.length > 0, isListening, args.flag("log"), table !== undefined];
  if (ways.filter(Boolean).length !== 1)
    throw new ForeshockError(
      "usage",
      "doctor: give capture files, --listen SECONDS, --log or --table NAME, one of them; see foreshock doctor --help",
    );
  if (isListening) {
    const seconds = args.integer("listen", 30, [1, 86_400]);
    return { where: `${seconds} s of listening`, source: await listenSource(config, seconds) };
  }
  if (args.flag("log")) {
    requireLog(config);
    await using log = await openLog(config);
    const limit = args.integer("records", 2_000, [1, 1_000_000_000]);
    return { where: `the log (${config.log.engine})`, source: await logSource(log, limit) };
  }
  if (table !== undefined) {
    const limit = args.integer("records", 20_000, [1, 1_000_000]);
    return { where: `table ${table}`, source: await tableSource(config, { table, limit }) };
  }
  for (const file of files)
    if (!existsSync(file) || statSync(file).isDirectory())
      throw new ForeshockError("capture_invalid", `${file}: no such file`);
  return { where: files.join(", "), source: captureSource(files) };
}

/** Reads the source twice: time waits for every source task, so they must be known before the start. */
async function diagnose(
  source: TelemetrySource,
  where: string,
  config: Config,
): Promise<Diagnosis> {
  const payload = emptyPayloadFacts();
  const tasks = new Set<string>();
  let records = 0;
  let unreadable = 0;
  for await (const record of source()) {
    tasks.add(taskOf(record.signal, record.partition));
    if (record.isHeartbeat || record.payload.length === 0) continue;
    records++;
    try {
      scanPayload(payload, record, wantedAttributes);
    } catch (error) {
      if (!(error instanceof ForeshockError)) throw error;
      unreadable++;
    }
  }
  requireSome(records, where);
  const seen = emptyObservations();
  const replay = new Replay(
    { judgement: config.judgement, tasks: [...tasks].sort(), windowsPartitions: 1 },
    {
      onBatch: (window, partition) => observePipeline(seen, window, partition),
      onClosed: (window) => observeCells(seen, window),
    },
  );
  for await (const record of source()) replay.feed(record);
  replay.finish();
  return { ...examine({ seen, payload }), records, unreadable };
}
