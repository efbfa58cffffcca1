import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Config, configSchema } from "../../services/contracts/config.ts";
import { topics } from "../../services/contracts/topics.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import type { Log } from "../../services/log/log.ts";
import { type App, openLog, startApp } from "../../services/runtime/app.ts";
import {
  differences,
  outcomeOf,
  readTopic,
  replayOutcome,
  sourceRecords,
} from "../support/hard-log-outcome.ts";
import { type KafkaBrokerProcess, needsKafka, startKafkaBroker } from "../support/kafka-broker.ts";
import { openTraffic } from "../support/kill-traffic.ts";

const missing = needsKafka();
const program = join(import.meta.dirname, "../../services/main.ts");
const tickMs = 100;
const partitions = 2;

describe.skipIf(missing !== undefined)(
  `Foreshock on Kafka${missing ? ` (skipped: ${missing})` : ""}`,
  () => {
    let broker: KafkaBrokerProcess;
    let directory: string;
    beforeAll(async () => {
      broker = await startKafkaBroker();
      directory = mkdtempSync(join(tmpdir(), "foreshock-on-kafka-"));
    }, 180_000);
    afterAll(async () => {
      await broker?.[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    });

    const settingsOf = (topicPrefix: string) => ({
      dataDir: directory,
      log: { engine: "kafka", brokers: [broker.address], partitions, kafka: { topicPrefix } },
      history: { engine: "none" },
      ingest: { grpcPort: 0, httpPort: 0 },
      console: { port: 0 },
      metrics: { port: 0 },
      checkpoint: { intervalMs: 3_000 },
      judgement: {
        window: { lengthMs: 1_000, latenessMs: 1_000, idleTimeoutMs: 2_000 },
        detect: { warmUpWindows: 5 },
        incident: { openAfterWindows: 1, resolveAfterWindows: 2 },
      },
    });
    const complaints: string[] = [];
    const report = (level: string, message: string) => {
      if (level === "warn" || level === "error") complaints.push(`${level}: ${message}`);
    };

    /** Until it is acknowledged: asked to wait, as a busy broker makes ingest do, a sender comes again. */
    async function post(url: string, body: Uint8Array): Promise<void> {
      for (;;) {
        const answer = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/x-protobuf" },
          body: Buffer.from(body),
        });
        if (answer.ok) return;
        if (answer.status !== 503) throw new Error(`${url} answered ${answer.status}`);
        await wait(200);
      }
    }

    /** Sends telemetry in real time; every request is acknowledged. Returns how many there were. */
    async function send(app: App, forMs: number, stop?: AbortSignal): Promise<number> {
      const traffic = openTraffic({
        seed: 7,
        tickMs,
        callsPerSecond: 200,
        models: 2,
        healthyMs: 9_000,
        turnMs: 4_000,
        failingMs: 3_000,
      });
      const url = app.addresses["OTLP HTTP"] ?? "";
      const base = url.startsWith("http") ? url : `http://${url}`;
      let sent = 0;
      for (const untilMs = Date.now() + forMs; Date.now() < untilMs; await wait(tickMs)) {
        if (stop?.aborted) break;
        for (const { path, body } of traffic.tick(Date.now())) {
          await post(`${base}${path}`, body);
          sent++;
        }
      }
      return sent;
    }

    /** Waits until every window up to a time is closed in all partitions. */
    async function closedUntil(log: Log, untilMs: number): Promise<void> {
      for (;;) {
        const ends = new Map<number, number>();
        for (const { partition, value } of await readTopic(log, topics.closed)) {
          const window = decodeWindow(value);
          ends.set(partition, window.windowStartMs + window.windowMs);
        }
        if (ends.size === partitions && [...ends.values()].every((end) => end >= untilMs)) return;
        await wait(500);
      }
    }

    /** What the stages wrote, beside what a replay of the same source records gives. */
    async function compare(config: Config) {
      await using log = await openLog(config);
      const written = await outcomeOf(log);
      const sources = await sourceRecords(log);
      const replayed = replayOutcome(sources, {
        judgement: config.judgement,
        partitions,
        closesAll: false,
      });
      const count = (name: string) => written.records[name as typeof topics.closed].length;
      return {
        sources: sources.length,
        closed: count(topics.closed),
        incidents: count(topics.incidents),
        broken: written.broken,
        // What the last heartbeats let close may not be written yet when the process is stopped.
        different: differences(written.outcome, replayed.outcome, (channel) =>
          channel.startsWith(topics.incidents) ? 0 : 8,
        ),
      };
    }

    /** A process of its own that runs some stages. Not by its launcher: signals are to reach the program itself. */
    function startStages(stages: readonly string[], file: string) {
      const args = ["run", ...stages, "--config", file];
      const child = spawn(process.execPath, [program, ...args], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      const ended = once(child, "exit");
      let said = "";
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
      /** Its metrics, once there are any. */
      const metrics = async (): Promise<string> => {
        if (child.exitCode !== null) throw new Error(`it ended: ${said}`);
        const url = /metrics +(\S+)/.exec(said)?.[1];
        return url === undefined ? "" : await (await fetch(url)).text();
      };
      return {
        said: () => said,
        metrics,
        kill: (signal: NodeJS.Signals) => child.kill(signal),
        async end(signal: NodeJS.Signals) {
          child.kill(signal);
          await ended;
        },
      };
    }

    /** Runs the deciding stages beside; ends by the signal after it has done some of the work. */
    async function help(file: string, signal: NodeJS.Signals): Promise<string> {
      const helper = startStages(["aggregate", "detect", "incident"], file);
      try {
        for (const stage of ["aggregate", "detect"])
          while (!isAtWork(stage, await helper.metrics())) await wait(200);
        await wait(1_500);
      } finally {
        await helper.end(signal);
      }
      return helper.said();
    }

    const isAtWork = (stage: string, metrics: string): boolean =>
      new RegExp(`foreshock_stage_records_total\\{[^}]*stage="${stage}"[^}]*\\} [1-9]`).test(
        metrics,
      );

    /** Partitions of windows that a process has read to their ends at some time. */
    const partitionsRead = (metrics: string): number =>
      [...metrics.matchAll(/foreshock_stage_lag_records\{[^}]*stage="detect"/g)].length;

    it("decides as a replay of its log does, though processes come, leave and are killed", async () => {
      const settings = settingsOf("shared.");
      const config = configSchema.parse(settings);
      const file = join(directory, "shared.yaml");
      writeFileSync(file, JSON.stringify(settings));
      const first = await startApp({ config, readWaitMs: 200, report });
      const sending = send(first, 24_000);
      const said = [await help(file, "SIGTERM"), await help(file, "SIGKILL")];
      const requests = await sending;
      await closedUntil(first.log, Date.now());
      expect(first.notReadyBecause()).toBeUndefined();
      await first.close();
      const found = await compare(config);
      expect(found).toMatchObject({ broken: [], different: [] });
      expect(found.sources).toBeGreaterThanOrEqual(requests);
      expect(found.closed).toBeGreaterThan(20);
      expect(found.incidents).toBeGreaterThan(0);
      expect([complaints, said.filter((text) => /error|stopped and needs/.test(text))]).toEqual([
        [],
        [],
      ]);
    });

    it("decides the same with detect in two processes, of which one is frozen, loses its partition, and wakes", async () => {
      const settings = settingsOf("frozen.");
      const config = configSchema.parse(settings);
      const file = join(directory, "frozen.yaml");
      writeFileSync(file, JSON.stringify(settings));
      const rest = await startApp({
        config,
        stages: ["ingest", "aggregate", "incident", "notify"],
        readWaitMs: 200,
        report: (level, message) => {
          if (level === "error") complaints.push(`rest: ${message}`);
        },
      });
      const detects = [startStages(["detect"], file), startStages(["detect"], file)] as const;
      const [frozen, awake] = detects;
      const stop = new AbortController();
      const sending = send(rest, 240_000, stop.signal);
      try {
        for (const detect of detects)
          while (!isAtWork("detect", await detect.metrics())) await wait(200);
        // A checkpoint or two of each.
        await wait(6_000);
        expect(partitionsRead(await awake.metrics())).toBe(1);
        frozen.kill("SIGSTOP");
        while (partitionsRead(await awake.metrics()) < partitions) await wait(500);
        frozen.kill("SIGCONT");
        await wait(6_000);
        stop.abort();
        const requests = await sending;
        await closedUntil(rest.log, Date.now());
        expect(rest.notReadyBecause()).toBeUndefined();
        // What it found of the task when it came back, it reads again from the checkpoints.
        await awake.end("SIGKILL");
        const untilMs = Date.now() + 2_000;
        await closedUntil(rest.log, untilMs);
        await rest.close();
        const found = await compare(config);
        expect(found).toMatchObject({ broken: [], different: [] });
        expect(found.sources).toBeGreaterThanOrEqual(requests);
        expect(found.closed).toBeGreaterThan(30);
      } finally {
        stop.abort();
        for (const detect of detects) {
          detect.kill("SIGCONT");
          await detect.end("SIGKILL");
        }
        await rest.close();
      }
      expect(complaints).toEqual([]);
    });
  },
);
