/**
 * Ingest beside a real OpenTelemetry Collector, in turns in one run: gzipped OTLP/HTTP posts in, Apache Kafka behind, all replicas
 * acknowledge before the sender hears of it, no queue, no compression in Kafka. The Collector hands spans on as they are; ingest
 * bounds them and cuts content as well.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { sourceTopics } from "../../services/contracts/topics.ts";
import { openKafkaLog } from "../../services/log/kafka.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import {
  buildCollector,
  collectorForTests,
  needsCollector,
  startCollector,
} from "../support/collector.ts";
import { needsKafka, startKafkaBroker } from "../support/kafka-broker.ts";
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";
import type { FromIngest, ToIngest } from "./ingest-collector-run.ts";
import { postAll } from "./receive.ts";
import { cpuSecondsOf } from "./support/cpu.ts";
import { makePayloads } from "./support/payloads.ts";
import { median } from "./support/report.ts";

const ingest = fileURLToPath(new URL("./ingest-collector-run.ts", import.meta.url));
const spansEach = 500;
const ownPrefix = "own.";
const collectorPrefix = "collector.";

export type IngestCollectorResult =
  | {
      readonly figures: Readonly<Record<string, number>>;
      readonly rows: readonly Readonly<Record<string, unknown>>[];
      /** Whether Kafka has the spans that were acknowledged, of both. */
      readonly isExact: boolean;
    }
  /** Why it could not be measured here. */
  | { readonly absent: string };

/** Who takes posts: its port, and the CPU seconds of its process so far. */
interface Subject {
  readonly name: "ingest" | "collector";
  readonly port: number;
  readonly cpuSeconds: () => Promise<number>;
}

/** CPU seconds are those of the receiving process alone: the broker and this one, which sends, are left out. */
export async function benchIngestCollector(options: {
  readonly rounds: number;
  /** Posts a round, for each. */
  readonly requests: number;
  readonly seed: number;
  readonly onRound: (done: number) => void;
}): Promise<IngestCollectorResult> {
  const missing = needsKafka() ?? needsCollector(collectorForTests);
  if (missing !== undefined) return { absent: missing };
  const program = buildCollector(collectorForTests);
  const folder = mkdtempSync(join(tmpdir(), "foreshock-bench-collector-"));
  const child: { process?: ChildProcess } = {};
  try {
    await using broker = await startKafkaBroker();
    await using topics = await openTopics(broker.address);
    const config = join(folder, "collector.yaml");
    writeFileSync(config, collectorConfig(broker.address));
    await using collector = await startCollector(program, { config, env: {} });
    const own = fork(ingest, [broker.address, ownPrefix]);
    child.process = own;
    const { port } = await ask(own, undefined, "listening");
    const subjects: readonly Subject[] = [
      {
        name: "ingest",
        port,
        cpuSeconds: async () => (await ask(own, { type: "cpu" }, "cpu")).seconds,
      },
      {
        name: "collector",
        port: Number(new URL(collector.url).port),
        cpuSeconds: async () => cpuSecondsOf(collector.pid),
      },
    ];
    const perSecond = await measure(subjects, options);
    const sent = (options.rounds + 1) * options.requests * spansEach;
    const stored = [await topics.spansOf(ownPrefix), await topics.spansOf(collectorPrefix)];
    const ratios = perSecond.ingest.map((rate, i) => rate / (perSecond.collector[i] ?? Number.NaN));
    const ended = once(own, "exit");
    own.send({ type: "stop" } satisfies ToIngest);
    await ended;
    return {
      figures: {
        ingest_ratio_collector: median(ratios),
        ingest_ratio_collector_min: Math.min(...ratios),
        ingest_ratio_collector_max: Math.max(...ratios),
      },
      rows: perSecond.ingest.map((rate, round) => ({
        part: "ingest beside a Collector",
        round,
        ingest_spans_per_cpu_s: Math.round(rate),
        collector_spans_per_cpu_s: Math.round(perSecond.collector[round] ?? Number.NaN),
      })),
      isExact: stored.every((spans) => spans === sent),
    };
  } finally {
    if (child.process?.exitCode === null) child.process.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Spans a CPU second of each round; who goes first takes turns. */
async function measure(
  subjects: readonly Subject[],
  options: Parameters<typeof benchIngestCollector>[0],
): Promise<Record<Subject["name"], number[]>> {
  const { rounds, requests, seed, onRound } = options;
  const bodies = makePayloads({
    count: Math.min(requests, 100),
    spansEach,
    startMs: Math.floor(Date.now() / 1000) * 1000 - 60_000,
    spanMs: 60_000,
    seed,
  }).requests.map((bytes) => gzipSync(bytes));
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const perSecond: Record<Subject["name"], number[]> = { ingest: [], collector: [] };
  try {
    for (let round = -1; round < rounds; round++) {
      const inTurn = round % 2 === 0 ? subjects : subjects.toReversed();
      for (const { name, port, cpuSeconds } of inTurn) {
        const before = await cpuSeconds();
        await postAll(agent, port, { bodies, count: requests });
        // The first warms up.
        if (round >= 0)
          perSecond[name].push((requests * spansEach) / ((await cpuSeconds()) - before));
      }
      if (round >= 0) onRound(round + 1);
    }
  } finally {
    agent.destroy();
  }
  return perSecond;
}

/** Makes the Collector's topic, as ingest makes its own, and counts what either has in Kafka. */
async function openTopics(address: string) {
  const open = (prefix: string) =>
    openKafkaLog({ brokers: [address], clientId: "bench-count", clock: systemClock, prefix });
  const collected = await open(collectorPrefix);
  await collected.ensureTopics([
    { name: sourceTopics.traces, partitions: 1, cleanup: "delete", retentionMs: 86_400_000 },
  ]);
  return {
    async spansOf(prefix: string): Promise<number> {
      await using log = await open(prefix);
      const topic = sourceTopics.traces;
      const { end } = await log.offsets(topic, 0);
      let spans = 0;
      for (let fromOffset = 0; fromOffset < end; ) {
        for (const { offset, value } of await log.read({ topic, partition: 0, fromOffset })) {
          fromOffset = offset + 1;
          for (const { scopeSpans } of ExportTraceServiceRequest.decode(value).resourceSpans ?? [])
            for (const scope of scopeSpans ?? []) spans += scope.spans?.length ?? 0;
        }
      }
      return spans;
    },
    [Symbol.asyncDispose]: () => collected[Symbol.asyncDispose](),
  };
}

const port = (name: string): string => `\${env:FORESHOCK_COLLECTOR_${name}_PORT}`;

const collectorConfig = (address: string): string => `extensions:
  health_check: { endpoint: "127.0.0.1:${port("HEALTH")}" }
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:${port("HTTP")}" } } }
exporters:
  kafka:
    brokers: ["${address}"]
    traces: { topic: "${collectorPrefix}${sourceTopics.traces}", encoding: otlp_proto }
    producer: { required_acks: -1, compression: none }
    sending_queue: { enabled: false }
service:
  extensions: [health_check]
  telemetry: { metrics: { level: none }, logs: { level: warn } }
  pipelines:
    traces: { receivers: [otlp], exporters: [kafka] }
`;

type Answer<Type extends FromIngest["type"]> = Extract<FromIngest, { type: Type }>;

function ask<Type extends FromIngest["type"]>(
  child: ChildProcess,
  say: ToIngest | undefined,
  answer: Type,
): Promise<Answer<Type>> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`ingest ended with ${code}`));
    const onMessage = (message: FromIngest) => {
      if (message.type !== answer) return;
      child.off("exit", onExit).off("message", onMessage);
      resolve(message as Answer<Type>);
    };
    child.on("exit", onExit).on("message", onMessage);
    if (say !== undefined) child.send(say);
  });
}
