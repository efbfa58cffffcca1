/**
 * The application as `foreshock run` starts it, under a clock that its parent sets: `node kill-process.ts CONFIG START_MS STAGE…` (or "real"; no stages: all),
 * with a channel on which numbers come (Unix ms) and the address of OTLP over HTTP goes. Dies where FORESHOCK_CRASH_AT says so.
 */
import { stageNames } from "../../services/pipeline.ts";
import { startApp } from "../../services/runtime/app.ts";
import { loadConfig } from "../../services/runtime/config-load.ts";
import { realClock, setClock } from "./kill-clock.ts";
import { readWaitOf } from "./kill-config.ts";

const [, , configFile, startMs = "0", ...names] = process.argv;
const { config } = loadConfig(configFile, {});
const clock = startMs === "real" ? realClock : setClock(Number(startMs));
process.on("message", (ms) => clock.set(Number(ms)));
process.on("disconnect", () => process.exit(0));
const wanted = stageNames.filter((name) => names.includes(name));
const app = await startApp({
  config,
  clock,
  ...(wanted.length === 0 ? {} : { stages: wanted }),
  readWaitMs: readWaitOf(config),
  report: (level, message) => {
    if (level === "warn" || level === "error") process.stderr.write(`${level} ${message}\n`);
  },
});
process.send?.(app.addresses["OTLP HTTP"] ?? "");
