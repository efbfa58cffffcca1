/** How fast a backtest goes: closed windows of many series out of history, through detect and incident. */
import { closedWindows } from "../../services/backtest/closed-windows.ts";
import { configSchema } from "../../services/contracts/config.ts";
import { migrate } from "../../services/history/migrate.ts";
import { openReader } from "../../services/history/reader.ts";
import { Backtest } from "../../services/runtime/backtest.ts";
import { startHistoryServer } from "../support/history-server.ts";
import { fillClosed } from "./support/closed-rows.ts";
import { ownCpuSeconds } from "./support/cpu.ts";

export interface BacktestSpeed {
  readonly windows: number;
  readonly cells: number;
  /** Signals of cells, each with detectors of its own. */
  readonly series: number;
  readonly seconds: number;
  readonly weeksPerMinute: number;
  /** By the processor time of this process: what a machine without other work would reach. */
  readonly weeksPerCpuMinute: number;
}

const windowMs = 5_000;
const weekMs = 7 * 86_400_000;

const signalsOfCell = 17;

/** On a history of its own. Every cell has requests in every window. Detectors are past their warm-up for most of it. */
export async function measureBacktest(options: {
  readonly windows: number;
  readonly series: number;
  readonly seed: number;
  readonly onProgress: (share: number) => void;
}): Promise<BacktestSpeed> {
  const { windows, seed } = options;
  const cells = Math.ceil(options.series / signalsOfCell);
  await using server = await startHistoryServer();
  await migrate(server.history);
  const startMs = Date.UTC(2026, 2, 2);
  await fillClosed(server.history, { windows, cells, startMs, seed });
  const config = configSchema.parse({ history: { httpPort: server.server.port } });
  await using reader = await openReader({
    history: config.history,
    dataDir: server.directory,
    password: "",
  });
  const backtest = new Backtest(
    { judgement: config.judgement, partitions: 1, epochs: [1] },
    {
      onIncident: () => {},
      onRejected: (reason) => {
        throw new Error(reason);
      },
    },
  );
  const startedMs = performance.now();
  const startedCpu = ownCpuSeconds();
  for await (const closed of closedWindows(reader, { fromMs: 0, toMs: 4e12 })) {
    backtest.feed(closed.partition, closed.record);
    options.onProgress((closed.windowStartMs - startMs) / (windows * windowMs));
  }
  backtest.finish();
  const seconds = (performance.now() - startedMs) / 1000;
  const weeks = (windows * windowMs) / weekMs;
  return {
    windows,
    cells,
    series: cells * signalsOfCell,
    seconds,
    weeksPerMinute: (weeks / seconds) * 60,
    weeksPerCpuMinute: (weeks / (ownCpuSeconds() - startedCpu)) * 60,
  };
}
