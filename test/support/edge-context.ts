/** What stages that touch the world are given, for tests: real log in memory, real clock unless another is brought. */
import { type Config, configSchema } from "../../services/contracts/config.ts";
import { noMetrics } from "../../services/contracts/metrics.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { Log } from "../../services/log/log.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { type Clock, systemClock } from "../../services/runtime/clock.ts";
import type { EdgeContext } from "../../services/stage.ts";

export async function openTestLog(clock: Clock = systemClock): Promise<Log> {
  const log = await openMemoryLog({ clock });
  await log.ensureTopics(
    [topics.frames, topics.incidents, topics.deliveries, topics.commands].map((name) => ({
      name,
      partitions: name === topics.frames ? 2 : 1,
      cleanup: "delete" as const,
      retentionMs: 24 * 60 * 60_000,
    })),
  );
  return log;
}

/** `config` as a file would have it; what it leaves out has its default. */
export function anEdgeContext(
  log: Log,
  config: unknown = {},
  rest: Partial<EdgeContext> = {},
): EdgeContext {
  const parsed: Config = configSchema.parse(config);
  return {
    config: parsed,
    clock: systemClock,
    metrics: noMetrics,
    log,
    history: undefined,
    report: () => {},
    ...rest,
  };
}
