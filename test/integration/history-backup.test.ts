import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { migrate } from "../../services/history/migrate.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { closedRecord, deliveryOf, incidentOf, spanRecord } from "../support/archive-records.ts";
import { archiveTopics, runArchive } from "../support/archive-run.ts";
import { type HistoryServer, startHistoryServer } from "../support/history-server.ts";

const place = await mkdtemp(join(tmpdir(), "foreshock-backup-"));
afterAll(() => rm(place, { recursive: true, force: true }));

const tables = ["spans", "windows", "windows_minute", "closed", "incidents", "deliveries"];

async function contents({ history }: HistoryServer): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const table of tables)
    found[table] = await history.query(
      `SELECT count() AS n, sum(cityHash64(*)) AS hash FROM ${table}`,
    );
  return found;
}

async function archive(server: HistoryServer, from: number): Promise<void> {
  await using log = await openMemoryLog({ clock: systemClock });
  await log.ensureTopics(archiveTopics());
  const sequences = Array.from({ length: 30 }, (_, i) => from + i);
  await log.append([
    ...sequences.map((sequence) => closedRecord(sequence)),
    ...sequences.map((sequence) => incidentOf(sequence)),
    spanRecord(`backup-${from}`, 500),
    deliveryOf(`key-${from}`, from),
  ]);
  await using running = runArchive(log, server.history);
  await running.caughtUp();
}

it("a copy of the directory, taken while nothing runs, is the history as it was; what came later is not in it", async () => {
  const original = join(place, "history");
  const copy = join(place, "copy");
  let before: unknown;
  {
    await using server = await startHistoryServer({ directory: original });
    await migrate(server.history);
    await archive(server, 1);
    before = await contents(server);
    expect(before).toMatchObject({ spans: [{ n: "500" }], closed: [{ n: "30" }] });
  }
  await cp(original, copy, { recursive: true, preserveTimestamps: true });
  {
    await using server = await startHistoryServer({ directory: original });
    await archive(server, 31);
    expect(await contents(server)).not.toEqual(before);
  }
  await using restored = await startHistoryServer({ directory: copy });
  expect(await migrate(restored.history)).toEqual([]);
  expect(await contents(restored)).toEqual(before);
  // It goes on from there: the same records again are taken once, later ones are added.
  await archive(restored, 31);
  const [closed] = await restored.history.query("SELECT count() AS n FROM closed");
  expect(closed).toEqual({ n: "60" });
}, 300_000);
