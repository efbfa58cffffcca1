import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyRetention, migrate, migrationsFolder } from "../../services/history/migrate.ts";
import { historyTables } from "../../services/history/tables.ts";
import { type HistoryServer, startHistoryServer } from "../support/history-server.ts";

describe("migrations", () => {
  let running: HistoryServer;
  let folder: string;
  beforeAll(async () => {
    running = await startHistoryServer();
    folder = await mkdtemp(join(tmpdir(), "foreshock-migrations-"));
    await cp(migrationsFolder, folder, { recursive: true });
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it("run all files once, in order", async () => {
    const files = (await readdir(migrationsFolder)).filter((name) => name.endsWith(".sql")).sort();
    expect(await migrate(running.history)).toEqual(files);
    expect(await migrate(running.history)).toEqual([]);
  });

  it("can start again where a killed run stopped in the middle of a file", async () => {
    await running.history.command(
      "DELETE FROM schema_migrations WHERE name >= '0002' SETTINGS mutations_sync = 1",
    );
    await running.history.command("DROP TABLE deliveries");
    expect(await migrate(running.history)).toEqual([
      expect.stringMatching(/^0002/),
      expect.stringMatching(/^0003/),
      expect.stringMatching(/^0004/),
      expect.stringMatching(/^0005/),
      expect.stringMatching(/^0006/),
      expect.stringMatching(/^0007/),
      expect.stringMatching(/^0008/),
      expect.stringMatching(/^0009/),
      expect.stringMatching(/^0010/),
    ]);
  });

  it.each(Object.entries(historyTables))(
    "make table %s with the columns that blocks are built from",
    async (table, columns) => {
      expect(
        await running.history.query(
          "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} AND default_kind != 'ALIAS' ORDER BY position",
          { table },
        ),
      ).toEqual(Object.entries(columns).map(([name, { type }]) => ({ name, type })));
    },
  );

  it.each(Object.keys(historyTables))("give table %s a deduplication window", async (table) => {
    const [row] = await running.history.query<{ engine_full: string }>(
      "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = {table:String}",
      { table },
    );
    expect(row?.engine_full).toContain("non_replicated_deduplication_window = 1000");
  });

  it("set how long rows are kept, and change it", async () => {
    for (const spanDays of [30, 7]) {
      await applyRetention(running.history, { spanDays, windowDays: 400 });
      const [row] = await running.history.query<{ engine_full: string }>(
        "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'spans'",
      );
      expect(row?.engine_full).toContain(
        `TTL toDateTime(append_time) + toIntervalDay(${spanDays})`,
      );
    }
  });

  it("keep minutes and hours as long as what they are made from", async () => {
    await applyRetention(running.history, {
      spanDays: 7,
      windowDays: 90,
      minuteDays: 10,
      hourDays: 400,
    });
    const rows = await running.history.query<{ name: string; days: string }>(
      `SELECT name, extract(engine_full, 'TTL .*toIntervalDay[(]([0-9]+)') AS days FROM system.tables
       WHERE database = currentDatabase() AND name IN ('windows_minute', 'windows_hour', 'verdicts_minute', 'verdicts_hour') ORDER BY name`,
    );
    expect(rows.map(({ name, days }) => [name, days])).toEqual([
      ["verdicts_hour", "400"],
      ["verdicts_minute", "90"],
      ["windows_hour", "400"],
      ["windows_minute", "90"],
    ]);
  });

  it("refuse a file that was edited after it ran", async () => {
    const name = (await readdir(folder)).find((file) => file.startsWith("0001")) ?? "";
    const edited = await mkdtemp(join(tmpdir(), "foreshock-migrations-"));
    await cp(folder, edited, { recursive: true });
    await writeFile(join(edited, name), "SELECT 1");
    await expect(migrate(running.history, edited)).rejects.toMatchObject({
      code: "history_failed",
      message: expect.stringContaining(`${name} was edited`),
    });
    await rm(join(edited, name));
    await expect(migrate(running.history, edited)).rejects.toMatchObject({
      message: expect.stringContaining("this program is older than the history"),
    });
    await rm(edited, { recursive: true });
  });

  it("refuse a file that would run before applied ones", async () => {
    const late = join(folder, "0000-late.sql");
    await writeFile(late, "SELECT 1");
    await expect(migrate(running.history, folder)).rejects.toMatchObject({
      message: expect.stringContaining("0000-late.sql comes before"),
    });
    await rm(late);
  });
});
