/** The receiving process of the bench: the ingest stage over the log on disk; tells its CPU seconds and what the log holds. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { topics } from "../../services/contracts/topics.ts";
import { ingestStage } from "../../services/ingest/ingest.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import type { Log } from "../../services/log/log.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { anEdgeContext } from "../support/edge-context.ts";
import { ExportTraceServiceRequest } from "../support/otlp-proto.ts";
import { ownCpuSeconds } from "./support/cpu.ts";

export type ToReceiver = { readonly type: "state" } | { readonly type: "stop" };

export interface ReceiverState {
  readonly type: "state";
  readonly cpuSeconds: number;
  readonly storedSpans: number;
}

export type FromReceiver = { readonly type: "listening"; readonly port: number } | ReceiverState;

const directory = mkdtempSync(join(tmpdir(), "foreshock-bench-receive-"));
const log = await openLmdbLog({ directory, clock: systemClock, limits: { maxDiskBytes: 1e11 } });
await log.ensureTopics(
  [topics.traces, topics.metrics, topics.logs].map((name) => ({
    name,
    partitions: 1,
    cleanup: "delete" as const,
    retentionMs: 86_400_000,
  })),
);
const server = await ingestStage.open(
  anEdgeContext(log, { log: { partitions: 1 }, ingest: { grpcPort: 0, httpPort: 0 } }),
);
const stored = { spans: 0, offset: 0 };
/** CPU that went into counting what was stored. */
let countingSeconds = 0;

const tell = (message: FromReceiver) => process.send?.(message);

process.on("message", (message: ToReceiver) => {
  if (message.type === "state") tellState().catch(fail);
  else stop().catch(fail);
});
tell({ type: "listening", port: Number(server.addresses["OTLP HTTP"]?.split(":").at(-1)) });

async function tellState(): Promise<void> {
  const cpuSeconds = ownCpuSeconds();
  await countStored(log);
  const answered = cpuSeconds - countingSeconds;
  countingSeconds += ownCpuSeconds() - cpuSeconds;
  tell({ type: "state", cpuSeconds: answered, storedSpans: stored.spans });
}

async function countStored(from: Log): Promise<void> {
  const { end } = await from.offsets(topics.traces, 0);
  while (stored.offset < end) {
    const records = await from.read({
      topic: topics.traces,
      partition: 0,
      fromOffset: stored.offset,
    });
    for (const { offset, value } of records) {
      stored.offset = offset + 1;
      for (const { scopeSpans } of ExportTraceServiceRequest.decode(value).resourceSpans ?? [])
        for (const { spans } of scopeSpans ?? []) stored.spans += spans?.length ?? 0;
    }
  }
}

async function stop(): Promise<void> {
  await server[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
  process.disconnect?.();
}

function fail(error: unknown): void {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
}
