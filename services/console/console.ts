/** The web page and its HTTP API: follows frames, incidents, deliveries and commands, and appends commands. */
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { Config } from "../contracts/config.ts";
import { frameRecord } from "../contracts/frame.ts";
import { incidentRecord } from "../contracts/incident.ts";
import { commandRecord, deliveryRecord } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { EdgeContext, RunningServer, ServerStage } from "../stage.ts";
import { loadAssets } from "./assets.ts";
import { createEventStream } from "./event-stream.ts";
import { listen } from "./http-server.ts";
import { createCourseReader } from "./incident-course.ts";
import { type NowOptions, nowView } from "./now.ts";
import { createHandler } from "./routes.ts";
import {
  applyCommand,
  applyDelivery,
  applyFrame,
  applyIncident,
  emptyConsoleState,
  recentMs,
} from "./state.ts";
import { followTopics } from "./tail.ts";

export const consoleStage: ServerStage = {
  kind: "server",
  name: "console",
  reads: [topics.frames, topics.incidents, topics.deliveries, topics.commands],
  writes: [topics.commands],
  open: openConsole,
};

/** Changes that come together are sent together. */
const gatherMs = 250;

async function openConsole(context: EdgeContext): Promise<RunningServer> {
  const { config, clock, log, report } = context;
  const state = emptyConsoleState(config.judgement.window.lengthMs);
  const events = createEventStream();
  const assets = await loadAssets();
  const partitionsOf = new Map(
    (await log.topics()).map(({ name, partitions }) => [name, partitions]),
  );
  let notReady: string | undefined = "reading the log";
  const changed = { now: false, incidents: new Set<string>() };
  let timer: NodeJS.Timeout | undefined;

  const nowOptions = (): NowOptions => ({
    nowMs: clock.nowMs(),
    staleAfterMs: staleAfterMs(config, state.windowMs),
    endpoints: {
      otlpHttp: `http://${shownHost(config.ingest.host)}:${config.ingest.httpPort}`,
      otlpGrpc: `http://${shownHost(config.ingest.host)}:${config.ingest.grpcPort}`,
    },
    withPoints: true,
  });

  function tell(incident?: string): void {
    changed.now = true;
    if (incident !== undefined) changed.incidents.add(incident);
    if (events.listeners === 0 || notReady !== undefined) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      events.send("now", nowView(state, { ...nowOptions(), withPoints: false }));
      for (const id of changed.incidents) events.send("incident", { incident: id });
      changed.incidents.clear();
    }, gatherMs);
  }

  const tail = followTopics(
    [
      {
        topic: topics.incidents,
        take: ({ value }) => {
          const incident = incidentRecord.decode(value);
          if (applyIncident(state, incident)) tell(incident.incident);
        },
      },
      {
        topic: topics.deliveries,
        take: ({ value }) => {
          const delivery = deliveryRecord.decode(value);
          if (applyDelivery(state, delivery)) tell(delivery.incident);
        },
      },
      {
        topic: topics.commands,
        take: ({ value, appendMs }) => {
          const command = commandRecord.decode(value);
          if (applyCommand(state, command, appendMs))
            tell(command.kind === "acknowledge" ? command.incident : undefined);
        },
      },
      {
        topic: topics.frames,
        fromMs: clock.nowMs() - recentMs,
        take: ({ value, appendMs }) => {
          applyFrame(state, frameRecord.decode(value), appendMs);
          tell();
        },
      },
    ],
    { log, clock, report },
  );

  let port = config.console.port;
  const base = () =>
    config.console.publicUrl === ""
      ? `http://${shownHost(config.console.host)}:${port}`
      : config.console.publicUrl.replace(/\/+$/, "");
  const server = await listen({
    host: config.console.host,
    port,
    guard: { listenHost: config.console.host, publicUrl: config.console.publicUrl },
    report,
    handler: createHandler({
      log,
      clock,
      state,
      assets,
      events,
      nowOptions,
      courses: createCourseReader(log, partitionsOf.get(topics.frames) ?? 0),
      publicUrl: base,
      newId: randomUUID,
      notReadyBecause: () => notReady,
    }),
  }).catch(async (error) => {
    events.close();
    await tail[Symbol.asyncDispose]();
    throw error;
  });
  port = (server.address() as AddressInfo).port;
  tail.caughtUp.then(
    () => {
      notReady = undefined;
      tell();
    },
    (error) => {
      notReady = `the log cannot be read: ${error}`;
      report("error", `console: ${notReady}`);
    },
  );

  let closing: Promise<void> | undefined;
  return {
    addresses: { page: `http://${shownHost(config.console.host)}:${port}` },
    [Symbol.asyncDispose]() {
      closing ??= (async () => {
        clearTimeout(timer);
        events.close();
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await Promise.all([closed, tail[Symbol.asyncDispose]()]);
      })();
      return closing;
    },
  };
}

/** A window is judged when it and its lateness have passed; a little more is not yet a sign of trouble. */
function staleAfterMs(config: Config, windowMs: number): number {
  const { latenessMs, idleTimeoutMs } = config.judgement.window;
  return 2 * windowMs + Math.max(latenessMs, idleTimeoutMs) + 10_000;
}

/** An address as one may type it: everywhere means here. */
function shownHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
