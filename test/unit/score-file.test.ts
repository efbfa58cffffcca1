/** Files as people have them: out of order, with repeats, without numbers. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { scoreFile } from "../../services/command/score-file.ts";

const folder = mkdtempSync(join(tmpdir(), "foreshock-score-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
async function score(rows: readonly string[]) {
  const name = `${files++}.csv`;
  const from = join(folder, name);
  const to = join(folder, "scored", name);
  writeFileSync(from, `timestamp,value\n${rows.join("\n")}\n`);
  const scored = await scoreFile({ name, from, to }).catch((error: Error) => error.message);
  return {
    scored,
    lines: existsSync(to) ? readFileSync(to, "utf8").trim().split("\n").slice(1) : [],
  };
}

const rows = Array.from({ length: 900 }, (_, row) => {
  const value = row === 700 ? 90 : 10 + Math.sin(row) + Math.cos(3 * row);
  return `${1_700_000_000 + row * 300},${value.toFixed(3)}`;
});

describe("a scored file", () => {
  it("has the same verdicts by time, whichever order its rows have, and keeps that order", async () => {
    const inOrder = await score(rows);
    const newestFirst = await score(rows.toReversed());
    expect(inOrder.scored).toMatchObject({ rows: 900, missing: 0, alerts: [{ value: 90 }] });
    expect(newestFirst.scored).toMatchObject({ alerts: [{ value: 90 }] });
    expect(newestFirst.lines).toEqual(inOrder.lines.toReversed());
  });

  it("has a row for each row, also for repeats and such without a number", async () => {
    const odd = rows.flatMap((row, at) =>
      at % 100 === 50 ? [row, row, `${row.split(",")[0]},`] : [row],
    );
    const { scored, lines } = await score(odd);
    expect(lines).toHaveLength(odd.length);
    expect(scored).toMatchObject({ rows: 918, missing: 9, alerts: [{ value: 90 }] });
  });

  it("is refused and not written where no value is a number", async () => {
    const { scored, lines } = await score(["1,n/a", "2,none"]);
    expect(scored).toMatch(/none of its 2 values is a number; the first is 'n\/a'/);
    expect(lines).toEqual([]);
  });
});
