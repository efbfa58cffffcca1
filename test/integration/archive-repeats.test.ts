/** Ranges that the archive writes again, and records that tasks wrote twice: each is stored once. */
import { describe, expect, it } from "vitest";
import { topics } from "../../services/contracts/topics.ts";
import type { AppendRecord } from "../../services/log/log.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import {
  closedRecord,
  deliveryOf,
  frameOf,
  incidentOf,
  spanRecord,
} from "../support/archive-records.ts";
import { createArchiveScene, fill, openLog, rangeOf } from "../support/archive-scene.ts";

describe("the archive", () => {
  const scene = createArchiveScene();
  const { query, writeInNewLife, spansByOffset } = scene;

  it("stores a range once, however often other lives write it again", async () => {
    await using log = await openLog();
    const expected = await fill(log, 20);
    const first = Object.fromEntries(
      Object.entries(expected).filter(([place]) => place.startsWith("0/")),
    );
    const range = await rangeOf(log, topics.traces);
    for (let life = 0; life < 3; life++) await writeInNewLife(log, range);
    expect(await spansByOffset()).toEqual(first);
  });

  it("stores what is missing of a range that an earlier life, with other blocks, left half done", async () => {
    await using log = await openLog();
    const expected = await fill(log, 20);
    const first = Object.fromEntries(
      Object.entries(expected).filter(([place]) => place.startsWith("0/")),
    );
    const range = await rangeOf(log, topics.traces);
    const half = { ...range, records: range.records.slice(0, 5) };
    await writeInNewLife(log, half, 1_000);
    expect(await spansByOffset()).not.toEqual(first);
    await writeInNewLife(log, range, 70);
    expect(await spansByOffset()).toEqual(first);
  });

  it("stores a log that was begun anew, although its offsets and tokens are the old ones", async () => {
    for (const name of ["old", "new"]) {
      await using log = await openLog();
      await log.append([spanRecord(name, 2), closedRecord(1)]);
      await systemClock.sleep(2);
      await writeInNewLife(log, await rangeOf(log, topics.traces));
      await writeInNewLife(log, await rangeOf(log, topics.closed));
    }
    expect(
      await query(
        "SELECT span_name AS name, count() AS spans FROM spans GROUP BY name ORDER BY name",
      ),
    ).toEqual([
      { name: "new", spans: "2" },
      { name: "old", spans: "2" },
    ]);
    expect(await query("SELECT count() AS count FROM closed")).toEqual([{ count: "2" }]);
  });

  describe("records that a task wrote twice", () => {
    const written = [1, 2, 3, 4, 5, 4, 5, 6];
    const kinds: readonly [string, string, (sequence: number) => AppendRecord, string][] = [
      ["windows", "windows", closedRecord, topics.closed],
      ["closed windows", "closed", closedRecord, topics.closed],
      ["verdicts", "verdicts", frameOf, topics.frames],
      ["incidents", "incidents", incidentOf, topics.incidents],
    ];
    const offsets = async (table: string) =>
      (
        await query<{ offset: string }>(
          `SELECT DISTINCT source_offset AS offset FROM ${table} ORDER BY offset`,
        )
      ).map(({ offset }) => Number(offset));

    it.each(kinds)("make %s once, within a range", async (_, table, make, topic) => {
      await using log = await openLog();
      await log.append(written.map((sequence) => make(sequence)));
      await writeInNewLife(log, await rangeOf(log, topic));
      expect(await offsets(table)).toEqual([0, 1, 2, 3, 4, 7]);
    });

    it.each(kinds)("make %s once, wherever an archive dies", async (_, table, make, topic) => {
      for (let cut = 1; cut < written.length; cut++) {
        await scene.running.history.command(`TRUNCATE TABLE ${table}`);
        await using log = await openLog();
        await log.append(written.map((sequence) => make(sequence)));
        await writeInNewLife(log, await rangeOf(log, topic, 0, cut));
        await writeInNewLife(log, await rangeOf(log, topic, cut));
        await writeInNewLife(log, await rangeOf(log, topic, cut));
        expect(await offsets(table)).toEqual([0, 1, 2, 3, 4, 7]);
        await systemClock.sleep(2);
      }
    });

    it("are told apart by task", async () => {
      await using log = await openLog();
      await log.append([frameOf(5, "detect/1"), frameOf(6, "detect/1"), frameOf(5, "detect/0")]);
      await writeInNewLife(log, await rangeOf(log, topics.frames, 0, 2));
      await log.append([frameOf(6, "detect/1"), frameOf(5, "detect/0"), frameOf(7, "detect/1")]);
      await writeInNewLife(log, await rangeOf(log, topics.frames, 2));
      expect(await offsets("verdicts")).toEqual([0, 1, 2, 5]);
    });

    it("make one delivery a key, whatever their sequence", async () => {
      await using log = await openLog();
      await log.append(["a", "b", "a", "c"].map(deliveryOf));
      const first = await rangeOf(log, topics.deliveries);
      await writeInNewLife(log, first);
      await log.append([deliveryOf("b", 2), deliveryOf("d", 2)]);
      const second = await rangeOf(log, topics.deliveries, 4);
      for (const range of [second, second, first]) await writeInNewLife(log, range);
      expect(
        await query(
          "SELECT delivery, count() AS rows FROM deliveries GROUP BY delivery ORDER BY delivery",
        ),
      ).toEqual(["a", "b", "c", "d"].map((delivery) => ({ delivery, rows: "1" })));
    });
  });
});
