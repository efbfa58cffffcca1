import { emptyWrite, type StoreWrite } from "./record-store.ts";

/** Something to be written: adds itself to the batch when its turn comes, hears how the batch went. */
export interface WriteJob {
  readonly bytes: number;
  /** Synchronous; throwing refuses this job alone and must leave nothing in the batch. */
  stage(batch: StoreWrite): void;
  /** Called once the batch is durable. */
  done(): void;
  fail(error: unknown): void;
}

export interface WriteQueue {
  push(job: WriteJob): void;
  /** Takes a job out that is still waiting; false when its write is under way or over. */
  remove(job: WriteJob): boolean;
  /** Resolves when nothing is waiting or under way. */
  idle(): Promise<void>;
  /** Fails everything still waiting. */
  abandon(error: unknown): void;
}

/**
 * Group commit: one write at a time, and whatever came meanwhile goes together into the next one, up to
 * `maxBatchBytes` (one job may be larger). `onFailed` hears first when a batch failed, to restore state.
 */
export function createWriteQueue(options: {
  readonly maxBatchBytes: number;
  write(batch: StoreWrite): Promise<void>;
  onFailed(batch: StoreWrite): void;
}): WriteQueue {
  let waiting: WriteJob[] = [];
  let running: Promise<void> | undefined;

  function takeGroup(batch: StoreWrite): WriteJob[] {
    const group: WriteJob[] = [];
    let bytes = 0;
    let taken = 0;
    for (const job of waiting) {
      if (taken > 0 && bytes + job.bytes > options.maxBatchBytes) break;
      taken += 1;
      bytes += job.bytes;
      try {
        job.stage(batch);
        group.push(job);
      } catch (error) {
        job.fail(error);
      }
    }
    waiting = waiting.slice(taken);
    return group;
  }

  async function run(): Promise<void> {
    // What this turn of the event loop still brings shares the first commit.
    await undefined;
    while (waiting.length > 0) {
      const batch = emptyWrite();
      const group = takeGroup(batch);
      if (group.length === 0) continue;
      try {
        await options.write(batch);
      } catch (error) {
        options.onFailed(batch);
        for (const job of group) job.fail(error);
        continue;
      }
      for (const job of group) job.done();
    }
    running = undefined;
  }

  return {
    push(job) {
      waiting.push(job);
      running ??= run();
    },
    remove(job) {
      const at = waiting.indexOf(job);
      if (at >= 0) waiting.splice(at, 1);
      return at >= 0;
    },
    async idle() {
      while (running !== undefined) await running;
    },
    abandon(error) {
      const abandoned = waiting;
      waiting = [];
      for (const job of abandoned) job.fail(error);
    },
  };
}
