/** What outsiders can do to the pipeline: spans go in as fast as they can, with and without hostile questions beside them. */
import { createSpanJudge } from "../../services/aggregate/span-judge.ts";
import { encodeRecords } from "../../services/archive/encode-records.ts";
import { spanRecordRows } from "../../services/archive/span-record-rows.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { LogRecord } from "../../services/log/log.ts";
import type { HistoryServer } from "../support/history-server.ts";
import { makePayloads } from "./support/payloads.ts";

/** Each reads all spans, or much memory, or the processor alone; as many run at once as the interface lets run. */
const hostile = [
  "SELECT trace_id, groupArray(span_name), uniqExact(span_id) AS n FROM spans GROUP BY trace_id ORDER BY n DESC LIMIT 10",
  "SELECT count() FROM spans WHERE match(toString(attributes), '(a|b)*c.*(d|e)+z') OR resource LIKE '%zzz%'",
  "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1",
  "SELECT model, quantilesExact(0.5, 0.9, 0.99)(duration), uniqExact(trace_id) FROM spans GROUP BY model, span_name",
] as const;

interface Slowdown {
  readonly ratios: readonly number[];
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
  const alone: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const aloneMs = await work();
    const stop = besiege(server);
    const besiegedMs = await work();
    await stop();
    alone.push((options.requests * 500) / (aloneMs / 1000));
    ratios.push(besiegedMs / aloneMs);
    options.onProgress((round + 1) / options.rounds);
  }
  return { ratios, alone };
}

/** Asks hostile questions, four at once, until it is told to stop. */
function besiege(server: HistoryServer): () => Promise<void> {
  const stop = new AbortController();
  const attackers = hostile.map(async (body) => {
    while (!stop.signal.aborted)
      await fetch(`${server.server.url}/?max_execution_time=5`, { method: "POST", body }).then(
        (answer) => answer.arrayBuffer(),
      );
  });
  return async () => {
    stop.abort();
    await Promise.all(attackers);
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
