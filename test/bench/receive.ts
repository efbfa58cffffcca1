/** Receiving: gzipped OTLP/HTTP posts, as SDKs send them, to the ingest stage over the durable log in a process of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { FromReceiver, ReceiverState, ToReceiver } from "./receive-run.ts";
import { makePayloads } from "./support/payloads.ts";
import { median } from "./support/report.ts";

export interface ReceiveBenchResult {
  readonly figures: Readonly<Record<string, number>>;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Whether the log has exactly the spans that were acknowledged. */
  readonly isExact: boolean;
}

const receiver = fileURLToPath(new URL("./receive-run.ts", import.meta.url));
const spansEach = 500;
const inFlight = 8;

/** CPU seconds are those of the receiving process alone; this one sends. */
export async function benchReceive(options: {
  readonly rounds: number;
  /** Posts a round. */
  readonly requests: number;
  readonly seed: number;
  readonly onRound: (done: number) => void;
}): Promise<ReceiveBenchResult> {
  const bodies = makePayloads({
    count: Math.min(options.requests, 100),
    spansEach,
    startMs: Math.floor(Date.now() / 1000) * 1000 - 60_000,
    spanMs: 60_000,
    seed: options.seed,
  }).requests.map((bytes) => gzipSync(bytes));
  const child = fork(receiver);
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  try {
    const { port } = await ask(child, undefined, "listening");
    const perSecond: number[] = [];
    const rows: Record<string, unknown>[] = [];
    let before = await ask(child, { type: "state" }, "state");
    for (let round = -1; round < options.rounds; round++) {
      await postAll(agent, port, { bodies, count: options.requests });
      const after = await ask(child, { type: "state" }, "state");
      const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
      before = after;
      // The first warms up.
      if (round < 0) continue;
      perSecond.push((options.requests * spansEach) / cpuSeconds);
      rows.push({ part: "receive", round, spans: options.requests * spansEach, cpuSeconds });
      options.onRound(round + 1);
    }
    const sent = (options.rounds + 1) * options.requests * spansEach;
    return {
      figures: {
        receive_spans_per_cpu_s: Math.round(median(perSecond)),
        receive_spans_per_cpu_s_min: Math.round(Math.min(...perSecond)),
        receive_spans_per_cpu_s_max: Math.round(Math.max(...perSecond)),
      },
      rows,
      isExact: before.storedSpans === sent,
    };
  } finally {
    agent.destroy();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.send({ type: "stop" } satisfies ToReceiver);
    await ended;
  }
}

type Listening = Extract<FromReceiver, { type: "listening" }>;

function ask(child: ChildProcess, say: undefined, answer: "listening"): Promise<Listening>;
function ask(child: ChildProcess, say: ToReceiver, answer: "state"): Promise<ReceiverState>;
function ask(child: ChildProcess, say: ToReceiver | undefined, answer: FromReceiver["type"]) {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the receiver ended with ${code}`));
    const onMessage = (message: FromReceiver) => {
      if (message.type !== answer) return;
      child.off("exit", onExit).off("message", onMessage);
      resolve(message);
    };
    child.on("exit", onExit).on("message", onMessage);
    if (say !== undefined) child.send(say);
  });
}

/** Posts gzipped trace requests over the agent's connections, the bodies in turn. */
export async function postAll(
  agent: Agent,
  port: number,
  { bodies, count }: { readonly bodies: readonly Uint8Array[]; readonly count: number },
): Promise<void> {
  let next = 0;
  const sender = async () => {
    while (next < count) await post(agent, port, bodies[next++ % bodies.length] as Uint8Array);
  };
  await Promise.all(Array.from({ length: inFlight }, sender));
}

function post(agent: Agent, port: number, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        port,
        host: "127.0.0.1",
        method: "POST",
        path: "/v1/traces",
        headers: {
          "Content-Type": "application/x-protobuf",
          "Content-Encoding": "gzip",
          "Content-Length": body.length,
        },
      },
      (response) => {
        response.resume();
        response.once("end", () =>
          response.statusCode === 200
            ? resolve()
            : reject(new Error(`a post was answered with ${response.statusCode}`)),
        );
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}
