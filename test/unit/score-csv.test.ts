import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CsvRow, readCsv } from "../../services/command/score-csv.ts";

const folder = mkdtempSync(join(tmpdir(), "foreshock-csv-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
async function rowsOf(text: string): Promise<CsvRow[]> {
  const file = join(folder, `${files++}.csv`);
  writeFileSync(file, text);
  const rows: CsvRow[] = [];
  for await (const row of readCsv(file)) rows.push(row);
  return rows;
}

describe("a CSV file", () => {
  it.each([
    ["2026-03-01 10:00:00", Date.UTC(2026, 2, 1, 10)],
    ["2026-03-01 10:00:00.250000", Date.UTC(2026, 2, 1, 10, 0, 0, 250)],
    ["2026-03-01T10:00:00Z", Date.UTC(2026, 2, 1, 10)],
    ["2026-03-01T10:00:00+0200", Date.UTC(2026, 2, 1, 8)],
    ["2026-03-01", Date.UTC(2026, 2, 1)],
    ["2026/3/1 10:00", Date.UTC(2026, 2, 1, 10)],
    ["2026-03-01 10:00:00 UTC", Date.UTC(2026, 2, 1, 10)],
    ["2026-03-01 10:00:00.5+00:00", Date.UTC(2026, 2, 1, 10, 0, 0, 500)],
    ["20260301100000", Date.UTC(2026, 2, 1, 10)],
    ["1.7723592e+09", Date.UTC(2026, 2, 1, 10)],
    ["1772359200.0", Date.UTC(2026, 2, 1, 10)],
    ["1772359200", Date.UTC(2026, 2, 1, 10)],
    ["1772359200000", Date.UTC(2026, 2, 1, 10)],
    ["1772359200000000", Date.UTC(2026, 2, 1, 10)],
    ["1772359200000000000", Date.UTC(2026, 2, 1, 10)],
  ])("may write a time as %s", async (timestamp, timeMs) => {
    expect(await rowsOf(`timestamp,value\n${timestamp},1\n`)).toMatchObject([{ timeMs }]);
  });

  it("may have a mark of its encoding, other columns, quotes, other separators and CRLF", async () => {
    const rows = await rowsOf(
      '\uFEFFhost;Value;Timestamp\r\n"a;b";"2.5";2026-03-01 10:00:00\r\nc;;2026-03-01 10:05:00\r\n\r\n',
    );
    expect(rows.map(({ value, number }) => [value, number])).toEqual([
      ["2.5", 2.5],
      ["", Number.NaN],
    ]);
  });

  it.each([
    ["TimeStamp,Value,Label\n5,2,1\n"],
    ["id,time,host,value\n1,5,a,2\n"],
    ["Date,visits\n5,2\n"],
    ["visits,date\n2,5\n"],
    ["@timestamp\t_value\tx\n5\t2\t3\n"],
    ["ds;y;z\n5;2,0;7\n"],
    ["5,2\n"],
  ])("tells times and values by common names, or by being all there is: %j", async (text) => {
    expect(await rowsOf(text)).toMatchObject([{ timeMs: 5_000, number: 2 }]);
  });

  it("may lack numbers", async () => {
    const rows = await rowsOf("timestamp,value\n1,NaN\n2,n/a\n3,inf\n4\n5,1e3\n");
    expect(rows.map(({ number }) => number)).toEqual([NaN, NaN, NaN, NaN, 1000]);
  });

  it.each([
    ["time,cpu,mem\n1,2,3\n", ":1: header 'time,cpu,mem' lacks the columns timestamp and value"],
    ["a,b\n1,2\n", ":1: header 'a,b' lacks the columns timestamp and value"],
    ["timestamp,value\nyesterday,2\n", ":2: timestamp 'yesterday' is none"],
    ["", "is empty; wants a header and rows"],
  ])("that is none is refused with its place: %j", async (text, message) => {
    await expect(rowsOf(text)).rejects.toThrow(message);
  });
});
