/**
 * What real libraries exported against an imitated provider is counted as the provider saw it, less what each library is known
 * not to show (`departures.ts`): as sent, and as ingest lets it through, in which nothing of any prompt or answer is left.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createAdmission } from "../../services/ingest/admission.ts";
import type { CaptureRecord } from "../../services/log/capture.ts";
import { canary } from "../libraries/behaviours.ts";
import { countRecords, recordsOf } from "../libraries/counted.ts";
import { showings } from "../libraries/departures.ts";
import { libraryDocument } from "../libraries/document.ts";
import { type ExpectedRow, expectedRows, type Showing } from "../libraries/expected.ts";
import { captureFile, fixturesFolder, keptRuns, truthOf } from "../libraries/fixtures.ts";
import { libraryRuns } from "../libraries/runs.ts";

const captured = keptRuns();
const recordsIn = (name: string) => recordsOf(captureFile(name));

const admit = createAdmission({
  partitions: 1,
  maxAttributeBytes: 4_096,
  maxAttributes: 128,
  keepContent: false,
  contentAttributes: [],
});

function admitted(records: readonly CaptureRecord[]): CaptureRecord[] {
  return records.flatMap((record) =>
    admit(record.signal, record.payload).records.map(({ value }) => ({
      ...record,
      payload: value,
    })),
  );
}

/** Rows without times to the first token, which are compared on their own. */
const counts = (rows: readonly { readonly count: number }[]) =>
  rows.map((row) => ({ ...row, hasFirstToken: undefined, ttft_p50_s: undefined }));

describe("the captures", () => {
  it("are one of each run, with what the library shows, in less than 1.5 MB", () => {
    const bytes = readdirSync(fixturesFolder)
      .map((file) => statSync(join(fixturesFolder, file)).size)
      .reduce((sum, size) => sum + size, 0);

    expect(bytes).toBeLessThan(1_500_000);
    expect([...captured].sort()).toEqual(libraryRuns.map((run) => run.name).sort());
    expect(captured.filter((name) => showings[name] === undefined)).toEqual([]);
  });

  it("are what docs/libraries.md says, which test/libraries/write-document.ts writes", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/libraries.md"), "utf8");

    expect(page).toBe(libraryDocument(libraryRuns, truthOf));
  });

  it.each(Object.entries(showings))(
    "hold a call for everything that %s departs in",
    (name, showing) => {
      const { calls } = truthOf(name);
      const idle = showing.departures.filter(({ when }) => !calls.some(when));

      expect(idle.map(({ because }) => because)).toEqual([]);
    },
  );
});

describe.each(captured)("the telemetry of %s", (name) => {
  const showing = showings[name] as Showing;
  const truth = truthOf(name);
  const expected = expectedRows(truth, showing);

  it("is counted as the provider saw it", async () => {
    expect(counts(countRecords(await recordsIn(name)))).toEqual(counts(expected));
  });

  it("is counted the same when ingest has cut its content", async () => {
    const records = await recordsIn(name);

    expect(countRecords(admitted(records))).toEqual(countRecords(records));
  });

  it("holds no prompt and no answer behind ingest", async () => {
    const records = await recordsIn(name);
    const holders = admitted(records).filter(({ payload }) =>
      Buffer.from(payload).includes(canary),
    );

    expect(holders.length).toBe(0);
  });

  it("has the time to the first token where it is shown", async () => {
    const rows = countRecords(await recordsIn(name));

    for (const [i, row] of rows.entries()) {
      const { hasFirstToken } = expected[i] as ExpectedRow;
      if (row.ttft_p50_s === null) expect(hasFirstToken).toBe(false);
      else {
        expect(hasFirstToken).toBe(true);
        expect(row.ttft_p50_s).toBeGreaterThan((truth.firstChunkMs / 1_000) * 0.98);
      }
    }
  });
});
