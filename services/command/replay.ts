import { once } from "node:events";
import { createWriteStream, statSync, writeFileSync } from "node:fs";
import { alertText } from "../contracts/alert-text.ts";
import type { CellKey } from "../contracts/cell.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { signalCatalog } from "../contracts/frame.ts";
import { type Incident, incidentLine } from "../contracts/incident.ts";
import { type RequestRow, requestRows } from "../contracts/request-rows.ts";
import { sourceTopics } from "../contracts/topics.ts";
import type { CellWindow } from "../contracts/window.ts";
import { mergeCells } from "../contracts/window-merge.ts";
import { type CaptureRecord, readCapture } from "../log/capture.ts";
import { loadConfig } from "../runtime/config-load.ts";
import { Replay, taskOf } from "../runtime/replay.ts";
import { type Command, configOption, exitCodes, outputFile, write } from "./command.ts";
import { showProgress } from "./progress.ts";

export const replayCommand: Command = {
  name: "replay",
  summary:
    "Run recorded telemetry through the same code as live, at full speed, and say what would have been alerted.",
  usage: "FILE… [--incidents FILE] [--requests FILE] [--config FILE]",
  maxPositionals: Number.POSITIVE_INFINITY,
  options: {
    ...configOption,
    incidents: {
      type: "string",
      value: "FILE",
      help: "Write each incident transition as a JSON line",
    },
    requests: {
      type: "string",
      value: "FILE",
      help: "Write what was counted: a JSON list by provider, model, operation, outcome",
    },
    quiet: { type: "boolean", short: "q", help: "Print no alerts, only the summary" },
  },
  examples: [
    "foreshock replay hour.fsc.zst",
    "foreshock replay hour.fsc --incidents incidents.jsonl",
    "foreshock replay hour.fsc --config stricter.yaml --requests requests.json",
  ],
  notes: ["Time comes from the file alone. Files are read in the order given, as one capture."],
  run: async (args) => {
    const files = args.positionals;
    if (files.length === 0)
      throw new ForeshockError("usage", "replay: which file? See foreshock replay --help");
    const { config, warnings } = loadConfig(args.text("config"), process.env);
    for (const warning of warnings) process.stderr.write(`warning  ${warning}\n`);
    const incidentsFile = outputFile(args, "incidents");
    const requestsFile = outputFile(args, "requests");
    const tasks = await tasksIn(files);
    if (tasks.length === 0)
      throw new ForeshockError("capture_invalid", `${files.join(", ")}: no record in it`);

    const lines = incidentsFile === undefined ? undefined : createWriteStream(incidentsFile);
    const cells = new Map<CellKey, CellWindow>();
    const summary = {
      records: 0,
      rejected: 0,
      incidents: new Set<string>(),
      pages: 0,
      tickets: 0,
      windows: 0,
      late: 0,
      duplicates: 0,
    };
    const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const tell = (incident: Incident) => {
      summary.incidents.add(incident.incident);
      if (incident.transition === "paged") summary.pages++;
      if (incident.transition === "ticketed") summary.tickets++;
      lines?.write(`${incidentLine(incident, (signal) => signalCatalog[signal].label)}\n`);
      if (args.flag("quiet") || !["paged", "ticketed", "resolved"].includes(incident.transition))
        return;
      const text = alertText(incident, { timeZone });
      write([text.headline, ...text.lines, ""].join("\n"));
    };
    // Where metrics tell of requests that spans tell of, too, only closed windows have each once.
    const hasMetrics = tasks.some((task) => task.startsWith(sourceTopics.metrics));
    const replay = new Replay(
      { judgement: config.judgement, tasks, windowsPartitions: config.log.partitions },
      {
        onIncident: tell,
        onBatch: (window, partition) => {
          if (partition === 0 && window.part === 0) {
            summary.late += window.pipeline.lateSpans;
            summary.duplicates += window.pipeline.duplicateSpans;
          }
          if (requestsFile !== undefined && !hasMetrics) addCells(cells, window.cells);
        },
        onClosed: (window) => {
          summary.windows++;
          if (requestsFile !== undefined && hasMetrics) addCells(cells, window.cells);
        },
        onRejected: () => summary.rejected++,
      },
    );
    await readAll(files, "replaying", (record) => {
      summary.records++;
      replay.feed(record);
    });
    replay.finish();
    if (lines !== undefined) {
      lines.end();
      await once(lines, "close");
    }
    if (requestsFile !== undefined)
      writeFileSync(
        requestsFile,
        `${JSON.stringify(requestRows(cells.values()) satisfies RequestRow[], null, 1)}\n`,
      );
    write(
      `${summary.records} records (${summary.rejected} not readable), ${summary.windows / config.log.partitions} windows, ${summary.late} late and ${summary.duplicates} repeated spans; ` +
        `${summary.incidents.size} incidents, ${summary.pages} pages, ${summary.tickets} tickets.`,
    );
    return exitCodes.ok;
  },
};

/** Sums the cells of a window into those of the whole file. */
function addCells(all: Map<CellKey, CellWindow>, cells: readonly CellWindow[]): void {
  for (const cell of cells) {
    const before = all.get(cell.cell);
    // Dimensions are not asked for, and they are what costs.
    const plain = { ...cell, dimensions: [], examples: [] };
    all.set(cell.cell, before === undefined ? plain : mergeCells(before, plain));
  }
}

/** Source tasks that have records in the files: time waits for each of them, so they must be known before the start. */
async function tasksIn(files: readonly string[]): Promise<string[]> {
  const tasks = new Set<string>();
  await readAll(files, "looking through", (record) => {
    tasks.add(taskOf(record.signal, record.partition));
  });
  const order = ["otlp_spans", "otlp_metrics", "otlp_logs"];
  const rank = (task: string) =>
    order.indexOf(task.split("/")[0] ?? "") * 65_536 + Number(task.split("/")[1]);
  return [...tasks].sort((a, b) => rank(a) - rank(b));
}

async function readAll(
  files: readonly string[],
  what: string,
  take: (record: CaptureRecord) => void,
): Promise<void> {
  for (const file of files) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) throw new ForeshockError("capture_invalid", `${file}: no such file`);
    if (found.isDirectory())
      throw new ForeshockError("capture_invalid", `${file}: is a folder, must be a capture file`);
    const { size } = found;
    const progress = showProgress(`${what} ${file}`, size * (/\.(gz|zst)$/.test(file) ? 8 : 1));
    let done = 0;
    const onTorn = (offset: number) =>
      process.stderr.write(
        `${file}: the last record is torn at byte ${offset}; the rest is used\n`,
      );
    for await (const record of readCapture(file, { onTorn })) {
      done += record.payload.length + 16;
      progress.update(done);
      take(record);
    }
    progress.end();
  }
}
