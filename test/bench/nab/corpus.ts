/** The Numenta benchmark's corpus, from the archive that lies beside the project on some machines. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCsv } from "../../../services/command/score-csv.ts";
import { type LabelledSeries, probationOf, worthOf } from "./scoring.ts";

export const corpusArchive = fileURLToPath(
  new URL("../../../../shared/nab/nab-corpus.tar.gz", import.meta.url),
);

export const hasCorpus = (): boolean => existsSync(corpusArchive);

/** Unpacks the archive for as long as it takes to read it. */
export async function readCorpus(): Promise<LabelledSeries[]> {
  const folder = mkdtempSync(join(tmpdir(), "foreshock-nab-"));
  try {
    execFileSync("tar", ["xzf", corpusArchive, "-C", folder]);
    return await readFolder(join(folder, "nab-corpus"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readFolder(folder: string): Promise<LabelledSeries[]> {
  const labels = join(folder, "labels", "combined_windows.json");
  const windowsByName: Record<string, [string, string][]> = JSON.parse(
    readFileSync(labels, "utf8"),
  );
  const all: LabelledSeries[] = [];
  for (const [name, windows] of Object.entries(windowsByName).sort(([a], [b]) => (a < b ? -1 : 1)))
    all.push(await readSeries(join(folder, "data", name), name, windows));
  return all;
}

async function readSeries(
  file: string,
  name: string,
  windows: readonly [string, string][],
): Promise<LabelledSeries> {
  const timestamps: string[] = [];
  const timesMs: number[] = [];
  const values: number[] = [];
  const firstRow = new Map<string, number>();
  for await (const { timestamp, timeMs, number } of readCsv(file)) {
    if (!firstRow.has(timestamp)) firstRow.set(timestamp, timestamps.length);
    timestamps.push(timestamp);
    timesMs.push(timeMs);
    values.push(number);
  }
  const rowOf = (label: string) => firstRow.get(label.replace(/\.0+$/, "")) ?? -1;
  return {
    name,
    category: name.split("/")[0] ?? "",
    timestamps,
    timesMs,
    values,
    probationRows: probationOf(values.length),
    windows: windows.length,
    ...worthOf(
      values.length,
      windows.map(([first, last]) => [rowOf(first), rowOf(last)]),
    ),
  };
}
