import { openEmbeddedLog } from "../../services/log/embedded-log.ts";
import { createMemoryStore, memoryLogSettings } from "../../services/log/memory.ts";
import { createTurnedClock } from "./log-clock.ts";
import { describeLogContract } from "./log-contract.ts";

describeLogContract("memory", async () => {
  const clock = createTurnedClock(1_790_000_000_000);
  // The store outlives the log here, so that restarts can be shown without a disk.
  const store = createMemoryStore();
  const open = () => openEmbeddedLog({ store, ...memoryLogSettings({ clock }) });
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
    },
  };
});
