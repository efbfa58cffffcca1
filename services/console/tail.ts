/** Follows topics of the log without a group: the console keeps nothing and commits nothing, it reads again at start. */
import type { Log, LogRecord } from "../log/log.ts";
import type { EdgeContext } from "../stage.ts";
import { offsetAtTime } from "./frame-range.ts";

export interface Followed {
  readonly topic: string;
  /** Records appended before are passed over; undefined: from the start of the log. */
  readonly fromMs?: number;
  readonly take: (record: LogRecord) => void;
}

export interface Tail extends AsyncDisposable {
  /** Resolves when what was in the log at the call has been taken. */
  readonly caughtUp: Promise<void>;
}

export interface TailOptions {
  readonly log: Log;
  readonly clock: EdgeContext["clock"];
  readonly report: (level: "warn" | "error", message: string) => void;
}

const waitMs = 1_000;
const retryMs = 1_000;

/** Takes the topics' past in the order given, then follows them all at once. */
export function followTopics(followed: readonly Followed[], options: TailOptions): Tail {
  const { log, clock, report } = options;
  const closing = new AbortController();
  const { signal } = closing;

  interface Place {
    readonly followed: Followed;
    readonly partition: number;
    offset: number;
  }

  async function readOnce(place: Place, wait: number): Promise<number> {
    const { topic, take } = place.followed;
    const { partition } = place;
    const records = await log.read(
      { topic, partition, fromOffset: place.offset, waitMs: wait },
      signal,
    );
    for (const record of records) {
      place.offset = record.offset + 1;
      try {
        take(record);
      } catch (error) {
        report(
          "warn",
          `console: ${topic}/${partition} at ${record.offset} does not read: ${error}`,
        );
      }
    }
    return records.length;
  }

  async function openPlaces(): Promise<Place[]> {
    const partitionsOf = new Map(
      (await log.topics()).map(({ name, partitions }) => [name, partitions]),
    );
    const places: Place[] = [];
    for (const one of followed)
      for (let partition = 0; partition < (partitionsOf.get(one.topic) ?? 0); partition++) {
        const at = { topic: one.topic, partition };
        const offset =
          one.fromMs === undefined
            ? (await log.offsets(one.topic, partition)).start
            : await offsetAtTime(log, at, one.fromMs);
        places.push({ followed: one, partition, offset });
      }
    return places;
  }

  async function follow(place: Place): Promise<void> {
    while (!signal.aborted) {
      try {
        await readOnce(place, waitMs);
      } catch (error) {
        if (signal.aborted) return;
        report("warn", `console: reading ${place.followed.topic}/${place.partition}: ${error}`);
        // What retention took away is not waited for.
        const { start } = await log
          .offsets(place.followed.topic, place.partition)
          .catch(() => ({ start: 0 }));
        place.offset = Math.max(place.offset, start);
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  const places = openPlaces();
  const caughtUp = places.then(async (all) => {
    for (const place of all) {
      const { end } = await log.offsets(place.followed.topic, place.partition);
      while (place.offset < end && !signal.aborted) if ((await readOnce(place, 0)) === 0) break;
    }
  });
  const following = caughtUp.then(async () => Promise.all((await places).map(follow)));
  // A failure before the end of the past is told through `caughtUp`.
  following.catch(() => undefined);

  return {
    caughtUp,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await following.catch(() => undefined);
    },
  };
}
