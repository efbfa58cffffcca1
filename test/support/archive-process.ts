/**
 * A process that archives a log directory until nothing is left: `node archive-process.ts DIRECTORY URL USER PASSWORD`. Dies
 * before that where FORESHOCK_CRASH_AT says so.
 */
import { openClickHouse } from "../../services/history/clickhouse.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { runArchive } from "./archive-run.ts";

const [, , directory = "", url = "", user = "", password = ""] = process.argv;
await using log = await openLmdbLog({
  directory,
  clock: systemClock,
  limits: { maxDiskBytes: 2 ** 32 },
});
await using history = openClickHouse({ url, user, password, database: "foreshock" });
await using archive = runArchive(log, history);
await archive.caughtUp();
