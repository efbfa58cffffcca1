/** One trial: a healthy fleet, learnt from simulated history, whose one cell fails while real time passes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FleetEvent, loadScenario, planRun } from "../../services/chatbot/chatbot.ts";
import { openSdkSpeaker, type SdkSpeaker } from "../../services/chatbot/sdk-speaker.ts";
import { type Story, type StoryClock, warmUp } from "../../services/command/demo-story.ts";
import { configSchema } from "../../services/contracts/config.ts";
import { frameRecord } from "../../services/contracts/frame.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { Log } from "../../services/log/log.ts";
import { startApp } from "../../services/runtime/app.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { openReceiver } from "../support/receiver.ts";

export interface Trial {
  /** From the receipt of the first failing span to the delivery of the page; null: none came within the limit. */
  readonly seconds: number | null;
  readonly title: string;
}

const quietMs = 30 * 60_000;
/** Real time between going live and the fault. */
const leadInMs = 40_000;
const limitMs = 300_000;
/** How often the SDKs are made to send. What a span waits there is before the receipt. */
const stepMs = 500;

export async function timeToPage(options: {
  readonly share: number;
  readonly seed: number;
}): Promise<Trial> {
  const directory = mkdtempSync(join(tmpdir(), "foreshock-latency-"));
  try {
    return await runTrial(directory, options);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function runTrial(
  directory: string,
  { share, seed }: { readonly share: number; readonly seed: number },
): Promise<Trial> {
  const story = planTrial(directory, share, seed);
  await using receiver = await openReceiver();
  let deliveredAt: number | undefined;
  let title = "";
  receiver.answer = (response) => {
    const body = JSON.stringify(receiver.received.at(-1)?.body ?? "");
    if (deliveredAt === undefined && body.includes('"page"')) {
      deliveredAt = performance.now();
      title = /"title":"([^"]*)"/.exec(body)?.[1] ?? "";
    }
    response.writeHead(200).end();
  };
  const config = configSchema.parse({
    dataDir: join(directory, "data"),
    ingest: { grpcPort: 0, httpPort: 0 },
    history: { httpPort: 0 },
    console: { port: 0 },
    metrics: { port: 0 },
    notify: { sinks: [{ name: "bench", kind: "webhook", url: receiver.url }] },
  });
  const clock = clockThatGoesLive(story.plan.startMs);
  await using app = await startApp({ config, clock, report: () => {} });
  const rest = await warmUp(story, {
    log: app.log,
    clock,
    partitions: config.log.partitions,
    onProgress: () => {},
  });
  await using speaker = openSdkSpeaker(story.plan, {
    endpoint: `http://${app.addresses["OTLP HTTP"]}`,
    metrics: false,
  });
  clock.goLive();
  const judgedAt = judgedUntil(app.log, story.liveFromMs);
  const receivedAt = await live(rest, { speaker, clock, story, isOver: () => deliveredAt });
  if (receivedAt !== undefined && (await judgedAt) > receivedAt)
    throw new Error(`the machine took longer than ${leadInMs} ms to judge the simulated history`);
  if (receivedAt === undefined || deliveredAt === undefined) return { seconds: null, title };
  return { seconds: Math.round((deliveredAt - receivedAt) / 100) / 10, title };
}

/** When what the warm-up left behind had been judged; it must be before time is measured. */
async function judgedUntil(log: Log, untilMs: number): Promise<number> {
  for (let offset = 0; ; ) {
    const records = await log.read({
      topic: topics.frames,
      partition: 0,
      fromOffset: offset,
      waitMs: 500,
    });
    for (const { offset: at, value } of records) {
      offset = at + 1;
      const { windowStartMs, windowMs } = frameRecord.decode(value);
      if (windowStartMs + windowMs >= untilMs) return performance.now();
    }
  }
}

function planTrial(directory: string, share: number, seed: number): Story {
  const file = join(directory, "scenario.yaml");
  writeFileSync(
    file,
    `scenario: LATENCY
title: one cell fails
about: From one moment to the next calls of one model in one region fail.
kind: fault
fleet: { requestsPerSecond: 20 }
faults:
  - name: cell
    target: { operation: [chat, stream], pick: { model: 1, region: 1 } }
    effect: { kind: error, classes: { server_error: 1 }, afterSeconds: 0.2 }
    ramp: { shape: step }
    to: ${share}
    holdMinutes: 30
`,
  );
  const scenario = loadScenario(file);
  const plan = planRun({ scenario, seed, quietMs, startMs: Math.floor(Date.now() / 1000) * 1000 });
  const faultMs = plan.faultStartMs ?? plan.startMs + quietMs;
  return {
    plan,
    scenario: "one cell fails",
    outageMs: faultMs,
    liveFromMs: faultMs - leadInMs,
  };
}

/** Set by the story while history is made, real seconds from `goLive` on. */
function clockThatGoesLive(startMs: number): StoryClock & { goLive(): void } {
  let ms = startMs;
  let aheadMs: number | undefined;
  return {
    nowMs: () => (aheadMs === undefined ? ms : Date.now() + aheadMs),
    set: (value) => {
      ms = Math.max(ms, value);
    },
    goLive: () => {
      aheadMs = ms - Date.now();
    },
    sleep: systemClock.sleep,
  };
}

/** Speaks in real time until the page is there; gives when the first span that failed for the fault had been received. */
async function live(
  rest: Iterator<FleetEvent, void>,
  deps: {
    readonly speaker: SdkSpeaker;
    readonly clock: StoryClock;
    readonly story: Story;
    readonly isOver: () => number | undefined;
  },
): Promise<number | undefined> {
  const { speaker, clock, story } = deps;
  let receivedAt: number | undefined;
  let next = rest.next();
  while (next.done !== true && deps.isOver() === undefined) {
    const nowMs = clock.nowMs();
    if (nowMs > (story.plan.faultStartMs ?? story.plan.startMs) + limitMs) break;
    let hasFailed = false;
    for (; next.done !== true && next.value.endMs <= nowMs; next = rest.next()) {
      const event = next.value;
      speaker.speak(event);
      if (event.kind === "request" && event.isFaultCaused) hasFailed = true;
    }
    await speaker.flush();
    if (hasFailed) receivedAt ??= performance.now();
    await systemClock.sleep(stepMs);
  }
  return receivedAt;
}
