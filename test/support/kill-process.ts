/**
 * The whole application as `foreshock run` starts it, under a clock that its parent sets: `node kill-process.ts CONFIG START_MS` (or "real"),
 * with a channel on which numbers come (Unix ms) and the address of OTLP over HTTP goes. Dies where FORESHOCK_CRASH_AT says so.
 */
import { startApp } from "../../services/runtime/app.ts";
import { loadConfig } from "../../services/runtime/config-load.ts";
import { realClock, setClock } from "./kill-clock.ts";
import { readWaitMs } from "./kill-config.ts";

const [, , configFile, startMs = "0"] = process.argv;
const { config } = loadConfig(configFile, {});
const clock = startMs === "real" ? realClock : setClock(Number(startMs));
process.on("message", (ms) => clock.set(Number(ms)));
process.on("disconnect", () => process.exit(0));
const app = await startApp({
  config,
  clock,
  readWaitMs,
  report: (level, message) => {
    if (level === "warn" || level === "error") process.stderr.write(`${level} ${message}\n`);
  },
});
process.send?.(app.addresses["OTLP HTTP"]);
