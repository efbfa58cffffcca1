/** What the archive makes readable of each topic, and what it keeps of records that it cannot read. */
import { describe, expect, it } from "vitest";
import { deadLetterRecord } from "../../services/contracts/records.ts";
import { headers, topics } from "../../services/contracts/topics.ts";
import { decodeWindow } from "../../services/contracts/window-read.ts";
import {
  closedRecord,
  deliveryOf,
  frameOf,
  incidentOf,
  spanRecord,
} from "../support/archive-records.ts";
import { runArchive } from "../support/archive-run.ts";
import { createArchiveScene, fill, openLog, rangeOf } from "../support/archive-scene.ts";

describe("the archive", () => {
  const scene = createArchiveScene();
  const { query, writeInNewLife, spansByOffset } = scene;

  it("stores every span of the log once, by offset", async () => {
    await using log = await openLog();
    const expected = await fill(log, 60);
    const heartbeat = { value: new Uint8Array(0), headers: { [headers.heartbeat]: "1" } };
    await log.append([{ topic: topics.traces, partition: 0, ...heartbeat }]);
    await using archive = runArchive(log, scene.running.history);
    await archive.caughtUp();
    expect(await spansByOffset()).toEqual(expected);
  });

  it("shows the spans as the Collector's exporter would", async () => {
    await using log = await openLog();
    await log.append([spanRecord("chat gpt-4o", 3)]);
    await writeInNewLife(log, await rangeOf(log, topics.traces));
    expect(
      await query(
        "SELECT SpanName, ServiceName, SpanKind, Duration, SpanAttributes, SpanId FROM otel_traces ORDER BY SpanId LIMIT 1",
      ),
    ).toEqual([
      {
        SpanName: "chat gpt-4o",
        ServiceName: "chatbot",
        SpanKind: "Client",
        Duration: "1500000000",
        SpanAttributes: { "gen_ai.request.model": "gpt-4o", "tenant.id": "t0" },
        SpanId: "0000020202020202",
      },
    ]);
  });

  it("makes windows, verdicts, incidents and deliveries readable", async () => {
    await using log = await openLog();
    await log.append([closedRecord(1), frameOf(1), incidentOf(1), deliveryOf("a", 1)]);
    await using archive = runArchive(log, scene.running.history);
    await archive.caughtUp();
    expect(
      await query(
        "SELECT region, toString(window_start) AS start, requests, outcome_ok, duration_buckets, duration_counts FROM windows ORDER BY region",
      ),
    ).toMatchObject([
      {
        region: "eu-west-1",
        start: "2026-11-24 12:00:05.000",
        requests: "100",
        outcome_ok: "100",
        duration_buckets: [5, 900],
        duration_counts: ["3", "4"],
      },
      { region: "us-east-1" },
    ]);
    const [closed] = await query<{ record: string }>(
      "SELECT base64Encode(record) AS record FROM closed",
    );
    expect(decodeWindow(Buffer.from(closed?.record ?? "", "base64"))).toEqual(
      decodeWindow(closedRecord(1).value),
    );
    expect(
      await query(
        "SELECT region, state, signals, states, isNaN(seen[1]) AS unseen, detector FROM verdicts ORDER BY region",
      ),
    ).toEqual([
      {
        region: "eu-west-1",
        state: "anomalous",
        signals: ["failures", "ttft"],
        states: ["normal", "anomalous"],
        unseen: 1,
        detector: ["", "ewma"],
      },
      {
        region: "us-east-1",
        state: "warming",
        signals: ["failures", "ttft"],
        states: ["normal", "warming"],
        unseen: 1,
        detector: ["", "ewma"],
      },
    ]);
    expect(
      await query(
        "SELECT incident, revision, phase, degraded_cells, toUnixTimestamp64Milli(resolved) AS resolved, JSONExtractString(record, 'title') = title AS whole FROM incidents",
      ),
    ).toEqual([
      {
        incident: "7f3a91c2",
        revision: 1,
        phase: "firing",
        degraded_cells: 3,
        resolved: "0",
        whole: 1,
      },
    ]);
    expect(await query("SELECT delivery, sink, outcome, delay_ms FROM deliveries")).toEqual([
      { delivery: "a", sink: "terminal", outcome: "delivered", delay_ms: 12.5 },
    ]);
  });

  it("keeps records that do not decode in the dead letters, and stores all others", async () => {
    await using log = await openLog();
    const poison = (topic: string) => ({ topic, partition: 0, value: Buffer.from("no record") });
    await log.append([
      spanRecord("before", 2),
      poison(topics.traces),
      spanRecord("after", 2),
      ...[topics.closed, topics.frames, topics.incidents, topics.deliveries].map(poison),
      closedRecord(1),
      frameOf(1),
      incidentOf(1),
      deliveryOf("a", 1),
    ]);
    await using archive = runArchive(log, scene.running.history);
    await archive.caughtUp();
    const letters = await log.read({ topic: topics.deadletter, partition: 0, fromOffset: 0 });
    expect(
      letters
        .map(({ value }) => deadLetterRecord.decode(value))
        .map(({ stage, topic, offset, code }) => [stage, topic, offset, code])
        .sort(),
    ).toEqual(
      [
        ["archive", topics.traces, 1, "record_invalid"],
        ["archive", topics.closed, 0, "record_invalid"],
        ["archive", topics.frames, 0, "record_invalid"],
        ["archive", topics.incidents, 0, "record_invalid"],
        ["archive", topics.deliveries, 0, "record_invalid"],
      ].sort(),
    );
    expect(await spansByOffset()).toEqual({ "0/0": [2, 2], "0/2": [2, 2] });
    for (const table of ["closed", "verdicts", "incidents", "deliveries"])
      expect(await query(`SELECT DISTINCT source_offset FROM ${table}`)).toEqual([
        { source_offset: "1" },
      ]);
  });
});
