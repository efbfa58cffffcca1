import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSdkSpeaker } from "../chatbot/sdk-speaker.ts";
import { alertText } from "../contracts/alert-text.ts";
import type { Config } from "../contracts/config.ts";
import { type Incident, incidentRecord } from "../contracts/incident.ts";
import { topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";
import { type App, startApp } from "../runtime/app.ts";
import { loadConfig } from "../runtime/config-load.ts";
import { type Command, configOption, exitCodes, outputFile, reporter, write } from "./command.ts";
import { historyStartMs, planStory, play, type Story, storyClock, warmUp } from "./demo-story.ts";
import { showProgress } from "./progress.ts";
import { stopSignal } from "./run.ts";

export const demoCommand: Command = {
  name: "demo",
  summary:
    "See an early alert: a simulated chatbot fleet, an hour of trouble played in about a minute.",
  usage: "[--scenario NAME] [--seed N] [--once] [--json FILE]",
  options: {
    ...configOption,
    scenario: {
      type: "string",
      value: "NAME",
      help: "What goes wrong: S04, S05, S07, S13, … or a YAML file (default: S05)",
    },
    seed: { type: "string", value: "N", help: "Another run of the same scenario (default: 1)" },
    once: {
      type: "boolean",
      help: "End after the outage point; exit code 1 if the page came after it",
    },
    json: { type: "string", value: "FILE", help: "Write the times as JSON" },
  },
  examples: [
    "foreshock demo",
    "foreshock demo --scenario S04 --seed 3",
    "foreshock demo --once --json demo.json",
  ],
  notes: [
    "The fleet speaks through the OpenTelemetry SDK over OTLP. The detectors know nothing of the scenario. Data lies in a",
    "temporary folder and goes when the demo ends. Ports that are taken are replaced by free ones.",
  ],
  run: async (args) => {
    const startedAtMs = Number(process.env["FORESHOCK_STARTED_AT_MS"] ?? Date.now());
    const { config: base } = loadConfig(args.text("config"), process.env);
    const dataDir = mkdtempSync(join(tmpdir(), "foreshock-demo-"));
    const stop = new AbortController();
    void stopSignal().then(() => stop.abort());
    try {
      return await tell(args.text("scenario") ?? "S05", args.integer("seed", 1, [0, 2 ** 31 - 1]), {
        config: await demoConfig(base, dataDir),
        isOnce: args.flag("once"),
        json: outputFile(args, "json"),
        startedAtMs,
        signal: stop.signal,
      });
    } finally {
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    }
  },
};

interface DemoOptions {
  readonly config: Config;
  readonly isOnce: boolean;
  readonly json: string | undefined;
  readonly startedAtMs: number;
  readonly signal: AbortSignal;
}

/** Real seconds from the first tremor to the outage point. */
const playSeconds = 35;
const archiveWaitMs = 5_000;

async function tell(scenario: string, seed: number, options: DemoOptions): Promise<number> {
  const { config, signal } = options;
  const story = planStory(scenario, seed, Date.now());
  const clock = storyClock(historyStartMs(story));
  const quiet = reporter(config.logLevel === "info" ? "warn" : config.logLevel);
  await using app = await startApp({ config, clock, report: quiet, readWaitMs: 100 });
  const page = app.addresses["page"] ?? "";
  const otlp = `http://${app.addresses["OTLP HTTP"]}`;
  write(`Foreshock demo: ${story.scenario}, seed ${seed}`);
  write(`Page   ${page}   (open it now; it is live)`);
  const firstPictureSeconds = (Date.now() - options.startedAtMs) / 1000;

  const progress = showProgress("learning what is normal, from simulated history", 1);
  const rest = await warmUp(story, {
    log: app.log,
    clock,
    partitions: config.log.partitions,
    onProgress: (share) => progress.update(share),
  });
  progress.end();
  const pages: Incident[] = [];
  void watchIncidents(app.log, pages, signal).catch(() => {});
  const time = (ms: number) => new Date(ms).toLocaleTimeString(undefined, { hour12: false });
  write(
    `${time(story.liveFromMs)}  Baselines learnt. From here on the fleet speaks OTLP through its SDK to ${otlp}`,
  );

  const tremorMs = story.plan.faultStartMs ?? story.liveFromMs;
  const speed = Math.max(1, (story.outageMs - tremorMs) / (playSeconds * 1000));
  const speaker = openSdkSpeaker(story.plan, {
    endpoint: otlp,
    metrics: false,
  });
  const told = new Set<string>();
  const say = (key: string, line: string) => {
    if (!told.has(key)) write(line);
    told.add(key);
  };
  // Far enough past the outage that the windows which a page could still come from have closed.
  const endMs = story.outageMs + 60_000;
  let result: DemoResult | undefined;
  await play(story, rest, {
    speaker,
    clock,
    onStep: (ms) => {
      if (ms >= tremorMs)
        say(
          "onset",
          `${time(tremorMs)}  (the fault begins; ${Math.round(speed)} × faster than it happened)`,
        );
      for (const incident of pages) sayPage(incident, story, say, page);
      if (ms >= story.outageMs)
        say(
          "outage",
          `${time(story.outageMs)}  (the outage point: ${story.plan.scenario.title}; users are failing)`,
        );
      if (ms < endMs) return speed;
      if (result === undefined) {
        result = resultOf(story, pages[0], firstPictureSeconds);
        if (options.json !== undefined)
          writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
        write(`\n${inWords(result, time)}`);
        if (!options.isOnce) sayHowToGoOn(app, page);
      }
      return options.isOnce ? "stop" : 1;
    },
    signal,
  });
  await speaker.close();
  return !options.isOnce || (result?.lead_s ?? 0) > 0 ? exitCodes.ok : exitCodes.no;
}

/** What `--json` writes; times are the story's. */
interface DemoResult {
  readonly installed_s: number;
  readonly first_picture_s: number;
  readonly page_at: string | null;
  readonly outage_at: string;
  readonly lead_s: number | null;
  readonly scenario: string;
  readonly title: string | null;
}

function resultOf(
  { plan, outageMs }: Story,
  paged: Incident | undefined,
  firstPictureSeconds: number,
): DemoResult {
  return {
    installed_s: Number(process.env["FORESHOCK_INSTALLED_SECONDS"] ?? 0),
    first_picture_s: round(firstPictureSeconds),
    page_at: paged === undefined ? null : new Date(paged.atMs).toISOString(),
    outage_at: new Date(outageMs).toISOString(),
    lead_s: paged === undefined ? null : round((outageMs - paged.atMs) / 1000),
    scenario: plan.scenario.scenario,
    title: paged?.title ?? null,
  };
}

function inWords({ page_at, outage_at, lead_s }: DemoResult, time: (ms: number) => string): string {
  const outage = time(Date.parse(outage_at));
  if (page_at === null || lead_s === null) return `No page came; the outage was at ${outage}.`;
  const order = lead_s > 0 ? "before" : "after";
  return `Paged at ${time(Date.parse(page_at))}, outage at ${outage}: ${describe(Math.abs(lead_s))} ${order} it.`;
}

function sayHowToGoOn(app: App, page: string): void {
  write(`\nLook around  ${page}   (the fleet goes on, now in real time)`);
  const history = app.addresses["ClickHouse HTTP"];
  if (history !== undefined)
    write(
      `Ask          curl '${history}' --data 'SELECT gen_ai_request_model, error_type, count() FROM spans GROUP BY ALL FORMAT PrettyCompact'`,
    );
  write(
    "Your own     npm start, then OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 for your chatbot",
  );
  write("Ctrl-C ends the demo.");
}

function sayPage(
  incident: Incident,
  story: Story,
  say: (key: string, line: string) => void,
  page: string,
): void {
  const lead = (story.outageMs - incident.atMs) / 1000;
  const text = alertText(incident, {
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    publicUrl: page,
  });
  say(
    incident.incident,
    [
      "",
      text.headline,
      ...text.lines,
      `(${describe(Math.abs(lead))} ${lead > 0 ? "before" : "after"} the outage point)`,
      "",
    ].join("\n"),
  );
}

/** Follows the incidents topic and keeps those that page. */
async function watchIncidents(log: Log, pages: Incident[], signal: AbortSignal): Promise<void> {
  for (let offset = 0; !signal.aborted; ) {
    const records = await log.read(
      { topic: topics.incidents, partition: 0, fromOffset: offset, waitMs: 500 },
      signal,
    );
    for (const record of records) {
      offset = record.offset + 1;
      const incident = incidentRecord.decode(record.value);
      if (incident.transition === "paged") pages.push(incident);
    }
  }
}

/** The configured ports where they are free, any others where not; nothing of the user's own data is touched. */
async function demoConfig(base: Config, dataDir: string): Promise<Config> {
  const free = async (host: string, port: number) => ((await isFree(host, port)) ? port : 0);
  return {
    ...base,
    dataDir,
    // An hour passes in a minute or two: inserts that would be seconds apart must not become dozens a second.
    archive: { ...base.archive, maxWaitMs: Math.max(base.archive.maxWaitMs, archiveWaitMs) },
    ingest: {
      ...base.ingest,
      grpcPort: await free(base.ingest.host, base.ingest.grpcPort),
      httpPort: await free(base.ingest.host, base.ingest.httpPort),
    },
    history: { ...base.history, httpPort: await free(base.history.host, base.history.httpPort) },
    console: { ...base.console, port: await free(base.console.host, base.console.port) },
    metrics: { ...base.metrics, port: await free(base.metrics.host, base.metrics.port) },
  };
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

const round = (seconds: number) => Math.round(seconds * 10) / 10;

function describe(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
