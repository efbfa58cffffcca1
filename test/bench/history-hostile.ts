/**
 * What outsiders can do to the pipeline: spans go in as fast as they can, alone, beside hostile questions, and, for comparison, beside a
 * process that keeps as many threads busy without touching the history.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createSpanJudge } from "../../services/aggregate/span-judge.ts";
import { encodeRecords } from "../../services/archive/encode-records.ts";
import { spanRecordRows } from "../../services/archive/span-record-rows.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { LogRecord } from "../../services/log/log.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import type { HistoryServer } from "../support/history-server.ts";
import { makePayloads } from "./support/payloads.ts";

interface Slowdown {
  /** Time beside hostile questions over the time alone, by round. */
  readonly ratios: readonly number[];
  /** The same beside busy threads. */
  readonly busyRatios: readonly number[];
  /** Spans a second, alone, by round. */
  readonly alone: readonly number[];
}

export async function measureSlowdown(
  server: HistoryServer,
  options: {
    readonly rounds: number;
    readonly requests: number;
    readonly seed: number;
    readonly onProgress: (share: number) => void;
  },
): Promise<Slowdown> {
  let part = 0;
  const work = async () => {
    part++;
    const records = recordsOf(part, options);
    const startedMs = performance.now();
    await insertSpans(server, records, part);
    return performance.now() - startedMs;
  };
  await work();
  const ratios: number[] = [];
  const busyRatios: number[] = [];
  const alone: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const aloneMs = await work();
    alone.push((options.requests * 500) / (aloneMs / 1000));
    for (const [found, neighbour] of [
      [ratios, [server.server.url]],
      [busyRatios, []],
    ] as const) {
      const leave = moveIn(neighbour);
      // Until its questions run.
      await systemClock.sleep(500);
      found.push((await work()) / aloneMs);
      await leave();
    }
    options.onProgress((round + 1) / options.rounds);
  }
  return { ratios, busyRatios, alone };
}

const besiege = fileURLToPath(new URL("./history-besiege.ts", import.meta.url));

/** Starts the neighbour; what comes back ends it, and waits until the last of its questions is answered. */
function moveIn(args: readonly string[]): () => Promise<void> {
  const neighbour = fork(besiege, args, { execArgv: [] });
  const left = once(neighbour, "exit");
  return async () => {
    neighbour.send("stop");
    await left;
  };
}

function recordsOf(
  part: number,
  { requests, seed }: { readonly requests: number; readonly seed: number },
): readonly LogRecord[] {
  const startMs = Date.UTC(2026, 2, 3) + part * 60_000;
  const payloads = makePayloads({
    count: requests,
    spansEach: 500,
    startMs,
    spanMs: 50_000,
    seed: seed + part,
  });
  return payloads.requests.map((value, index) => ({
    topic: topics.traces,
    partition: 0,
    offset: 2_000_000_000 + part * requests + index,
    appendMs: startMs + 55_000,
    key: undefined,
    value,
    headers: {},
  }));
}

/** As the archive does: decoded, judged, encoded, a block an insert. */
async function insertSpans(
  { history }: HistoryServer,
  records: readonly LogRecord[],
  part: number,
): Promise<void> {
  const encoder = spanRecordRows({
    maxRows: 50_000,
    content: { keepContent: false, contentAttributes: [] },
    judge: createSpanJudge(),
  });
  const each = 10;
  for (let from = 0; from < records.length; from += each) {
    const { blocks } = await encodeRecords(
      encoder,
      records.slice(from, from + each),
      () => undefined,
    );
    for (const { table, bytes, tokenSuffix } of blocks)
      await history.insert({
        table,
        block: bytes,
        token: `bench/${part}/${from}/${tokenSuffix}`,
      });
  }
}
