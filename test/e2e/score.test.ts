/** `foreshock score` as engineers use it: a folder of exports in, the same folder with scores out. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { foreshock } from "../support/foreshock-process.ts";

const folder = mkdtempSync(join(tmpdir(), "foreshock-score-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const source = join(folder, "exports");
mkdirSync(join(source, "api"), { recursive: true });
const start = Date.UTC(2026, 2, 1);
const rowsOf = (valueAt: (row: number) => string) =>
  Array.from({ length: 500 }, (_, row) => {
    const time = new Date(start + row * 60_000).toISOString().slice(0, 19).replace("T", " ");
    return `${time},${valueAt(row)}`;
  }).join("\n");
writeFileSync(
  join(source, "api", "latency.csv"),
  `timestamp,value\n${rowsOf((row) => (row === 400 ? "90" : row === 5 ? "" : String(10 + (row % 7))))}\n`,
);
writeFileSync(join(source, "flat.csv"), `timestamp,value\n${rowsOf(() => "1")}\n`);

describe("foreshock score", () => {
  it("writes a row for each row, in the same folders, and says what alerts", async () => {
    const out = join(folder, "scored");
    const { code, stdout } = await foreshock(["score", source, "--out", out]);
    expect(code).toBe(0);
    const [header, ...rows] = readFileSync(join(out, "api", "latency.csv"), "utf8")
      .trimEnd()
      .split("\n");
    expect(header).toBe("timestamp,value,anomaly_score,label");
    expect(rows).toHaveLength(500);
    expect(rows[5]).toBe("2026-03-01 00:05:00,,0,0");
    const alerts = rows.filter((row) => row.endsWith(",1"));
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatch(/^2026-03-01 06:40:00,90,0\.9\d+,1$/);
    expect(stdout).toMatch(
      /06:40:00 {2}90, expected \S+ … \S+ {2}\(score 0\.9\d, .*latency\.csv\)/,
    );
    expect(readFileSync(join(out, "flat.csv"), "utf8")).not.toContain(
      ",1\n2026-03-01 00:01:00,1,1",
    );
  });

  it("names file, line and value of what it can't read, and scores the rest", async () => {
    const bad = join(folder, "bad");
    mkdirSync(bad);
    writeFileSync(join(bad, "a.csv"), "timestamp,value\nsoon,1\n");
    writeFileSync(join(bad, "b.csv"), `timestamp,value\n${rowsOf(() => "1")}\n`);
    const { code, stdout, stderr } = await foreshock(["score", bad, "--out", join(folder, "c")]);
    expect([code, stdout.includes("b.csv")]).toEqual([2, true]);
    expect(stderr).toContain("a.csv:2: timestamp 'soon' is none");
  });

  it("does not overwrite what it reads", async () => {
    const { code, stderr } = await foreshock(["score", source, "--out", source]);
    expect(code).toBe(2);
    expect(stderr).toContain("would overwrite");
  });
});
