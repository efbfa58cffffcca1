/** A running ingest stage over a log in memory, and what it wrote there. */
import { type Signal, signals, sourceTopics } from "../../services/contracts/topics.ts";
import { ingestStage } from "../../services/ingest/ingest.ts";
import type { Log } from "../../services/log/log.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import type { EdgeContext, RunningServer } from "../../services/stage.ts";
import { anEdgeContext } from "./edge-context.ts";

export interface TestIngest extends AsyncDisposable {
  readonly log: Log;
  readonly server: RunningServer;
  /** `http://127.0.0.1:…` */
  readonly httpUrl: string;
  readonly grpcUrl: string;
  /** Values of all records of a signal, by partition. */
  stored(signal: Signal): Promise<Uint8Array[][]>;
  allBytes(): Promise<Buffer>;
}

export interface TestIngestOptions {
  readonly ingest?: object;
  readonly partitions?: number;
  readonly context?: Partial<EdgeContext>;
  /** Stands between ingest and the log. */
  readonly around?: (log: Log) => Log;
}

export async function openTestIngest(options: TestIngestOptions = {}): Promise<TestIngest> {
  const partitions = options.partitions ?? 2;
  const log = await openMemoryLog({ clock: systemClock });
  await log.ensureTopics(
    signals.map((signal) => ({
      name: sourceTopics[signal],
      partitions,
      cleanup: "delete" as const,
      retentionMs: 24 * 60 * 60_000,
    })),
  );
  const config = {
    log: { partitions },
    ingest: { grpcPort: 0, httpPort: 0, ...options.ingest },
  };
  const seen = options.around?.(log) ?? log;
  const server = await ingestStage.open(anEdgeContext(seen, config, options.context));

  async function stored(signal: Signal): Promise<Uint8Array[][]> {
    const topic = sourceTopics[signal];
    const values: Uint8Array[][] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const { end } = await log.offsets(topic, partition);
      const found: Uint8Array[] = [];
      while (found.length < end) {
        const fromOffset = found.length;
        for (const { value } of await log.read({ topic, partition, fromOffset })) found.push(value);
      }
      values.push(found);
    }
    return values;
  }

  return {
    log,
    server,
    httpUrl: `http://${server.addresses["OTLP HTTP"]}`,
    grpcUrl: `http://${server.addresses["OTLP gRPC"]}`,
    stored,
    async allBytes() {
      const all = await Promise.all(signals.map(stored));
      return Buffer.concat(all.flat(2));
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await log[Symbol.asyncDispose]();
    },
  };
}

/** Something that a test waits for, or lets others wait for. */
export function aGate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
