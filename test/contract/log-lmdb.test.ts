import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import { createTurnedClock } from "./log-clock.ts";
import { describeLogContract } from "./log-contract.ts";

describeLogContract("LMDB", async () => {
  const clock = createTurnedClock(1_790_000_000_000);
  const directory = mkdtempSync(join(tmpdir(), "foreshock-log-"));
  const open = () => openLmdbLog({ directory, clock, limits: { maxDiskBytes: 2 ** 30 } });
  let log = await open();
  return {
    log,
    async reopen() {
      await log[Symbol.asyncDispose]();
      log = await open();
      return log;
    },
    passTime: clock.pass,
    async dispose() {
      await log[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
});
