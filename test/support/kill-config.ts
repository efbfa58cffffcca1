/** How the application is set up to be killed: everything on, free ports; judged as by default, but warm soon and quick to open and resolve. */
import { type Config, configSchema } from "../../services/contracts/config.ts";

/** A silent partition gets its heartbeat after so long, ms. */
export const readWaitMs = 150;

export const configOf = (dataDir: string, webhook: string): Config =>
  configSchema.parse({
    dataDir,
    ingest: { grpcPort: 0, httpPort: 0 },
    history: { httpPort: 0 },
    console: { port: 0 },
    metrics: { port: 0 },
    log: { partitions: 2 },
    checkpoint: { intervalMs: 20_000 },
    archive: { maxWaitMs: 200 },
    notify: { sinks: [{ kind: "webhook", name: "webhook", url: webhook }] },
    judgement: {
      detect: { warmUpWindows: 6 },
      incident: { openAfterWindows: 1, resolveAfterWindows: 2 },
    },
  });
