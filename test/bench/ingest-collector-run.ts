/** The ingest stage over Apache Kafka in a process of its own, for the bench beside a Collector; tells its port and its CPU seconds. */
import { sourceTopics } from "../../services/contracts/topics.ts";
import { ingestStage } from "../../services/ingest/ingest.ts";
import { openKafkaLog } from "../../services/log/kafka.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { anEdgeContext } from "../support/edge-context.ts";
import { ownCpuSeconds } from "./support/cpu.ts";

export type ToIngest = { readonly type: "cpu" } | { readonly type: "stop" };
export type FromIngest =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "cpu"; readonly seconds: number };

const [address = "", prefix = ""] = process.argv.slice(2);
const log = await openKafkaLog({
  brokers: [address],
  clientId: "bench-ingest",
  clock: systemClock,
  prefix,
  compression: "none",
});
await log.ensureTopics(
  Object.values(sourceTopics).map((name) => ({
    name,
    partitions: 1,
    cleanup: "delete" as const,
    retentionMs: 86_400_000,
  })),
);
const server = await ingestStage.open(
  anEdgeContext(log, { log: { partitions: 1 }, ingest: { grpcPort: 0, httpPort: 0 } }),
);

const tell = (message: FromIngest) => process.send?.(message);

process.on("message", (message: ToIngest) => {
  if (message.type === "cpu") tell({ type: "cpu", seconds: ownCpuSeconds() });
  else stop().catch(fail);
});
tell({ type: "listening", port: Number(server.addresses["OTLP HTTP"]?.split(":").at(-1)) });

async function stop(): Promise<void> {
  await server[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
  process.disconnect?.();
}

function fail(error: unknown): void {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
}
