/** How the application is set up to be killed: everything on, free ports; judged as by default, but warm soon and quick to open and resolve. */
import { type Config, configSchema } from "../../services/contracts/config.ts";

/** A silent partition gets its heartbeat after so long, ms; where there are many, later. */
export const readWaitOf = ({ log }: Config): number => (log.partitions > 2 ? 500 : 150);

export interface OnKafka {
  readonly broker: string;
  readonly partitions: number;
}

/** With a broker the log is on Kafka, whose time is real: windows are short there, or a run would take hours. */
export const configOf = (dataDir: string, webhook: string, onKafka?: OnKafka): Config =>
  configSchema.parse({
    dataDir,
    ingest: { grpcPort: 0, httpPort: 0 },
    history: { httpPort: 0 },
    console: { port: 0 },
    metrics: { port: 0 },
    log:
      onKafka === undefined
        ? { partitions: 2 }
        : {
            engine: "kafka",
            brokers: [onKafka.broker],
            partitions: onKafka.partitions,
            kafka: { topicPrefix: "kill.", sessionTimeoutMs: 5_000 },
          },
    checkpoint: { intervalMs: onKafka === undefined ? 20_000 : 3_000 },
    archive: { maxWaitMs: 200 },
    notify: { sinks: [{ kind: "webhook", name: "webhook", url: webhook }] },
    judgement: {
      ...(onKafka === undefined
        ? {}
        : { window: { lengthMs: 1_000, latenessMs: 1_000, idleTimeoutMs: 2_000 } }),
      detect: { warmUpWindows: 6 },
      incident: { openAfterWindows: 1, resolveAfterWindows: 2 },
    },
  });
