/** An engine that hangs or is killed, and an archive that dies: nothing is lost, nothing stored twice. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { closedRecord, frameOf, incidentOf } from "../support/archive-records.ts";
import { archiveTopics, runArchive } from "../support/archive-run.ts";
import {
  appendRound,
  createArchiveScene,
  fill,
  openLog,
  type SpansByOffset,
} from "../support/archive-scene.ts";

const childModule = new URL("../support/archive-process.ts", import.meta.url).pathname;

describe("the archive", () => {
  const scene = createArchiveScene();
  const { query, spansByOffset } = scene;

  it("loses and doubles nothing while ClickHouse is away under load: the log refuses, and the archive catches up", async () => {
    await using log = await openLog({ maxBytes: 400_000, retentionMs: 400 });
    await using archive = runArchive(log, scene.running.history);
    const expected: SpansByOffset = {};
    let round = 0;
    /** One request, as ingest takes it: refused while the log says so. */
    async function send(): Promise<boolean> {
      if ((await log.pressure()).state === "refusing") return false;
      const [place, stored] = await appendRound(log, round);
      expected[place] = stored;
      round++;
      return true;
    }
    for (let sent = 0; sent < 20; sent++) while (!(await send())) await systemClock.sleep(5);
    // An engine that hangs, with inserts under way, and then dies with them.
    const { pid } = scene.running.server;
    process.kill(pid, "SIGSTOP");
    while (await send()) await systemClock.sleep(1);
    const takenBefore = round;
    for (let tries = 0; tries < 50; tries++) expect(await send()).toBe(false);
    process.kill(pid, "SIGKILL");
    while (round < takenBefore + 40) if (!(await send())) await systemClock.sleep(5);
    await archive.caughtUp();
    expect(await spansByOffset()).toEqual(expected);
    expect(scene.running.server.pid).not.toBe(pid);
    expect(archive.reports.join("\n")).toContain("next try in");
  });

  it("is exact when the engine is killed again and again under load", async () => {
    await using log = await openLog();
    await using archive = runArchive(log, scene.running.history);
    let expected: SpansByOffset = {};
    for (let kill = 0; kill < 3; kill++) {
      expected = { ...expected, ...(await fill(log, 30)) };
      process.kill(scene.running.server.pid, "SIGKILL");
      await archive.caughtUp();
    }
    expect(await spansByOffset()).toEqual(expected);
  });

  it.each(
    ["archive:after-intent", "archive:after-insert", "archive:after-commit"].flatMap((point) =>
      [1, 3].map((time) => `${point}:${time}`),
    ),
  )("is exact when its own process dies at %s", async (crashAt) => {
    const directory = await mkdtemp(join(tmpdir(), "foreshock-archive-"));
    const open = () =>
      openLmdbLog({ directory, clock: systemClock, limits: { maxDiskBytes: 2 ** 32 } });
    let expected: SpansByOffset = {};
    {
      await using log = await open();
      await log.ensureTopics(archiveTopics());
      expected = await fill(log, 40);
      await log.append(
        [1, 2, 3, 2, 3].flatMap((n) => [closedRecord(n), frameOf(n), incidentOf(n)]),
      );
    }
    const live = async (crash: string) => {
      const { url, user, password } = scene.running.server;
      const child = fork(childModule, [directory, url, user, password], {
        env: { ...process.env, FORESHOCK_CRASH_AT: crash },
      });
      const [code, signal] = await once(child, "exit");
      return signal ?? code;
    };
    expect(await live(crashAt)).toBe("SIGKILL");
    expect(await live("")).toBe(0);
    expect(await spansByOffset()).toEqual(expected);
    for (const [table, rows] of [
      ["closed", 3],
      ["windows", 6],
      ["verdicts", 6],
      ["incidents", 3],
    ])
      expect(await query(`SELECT count() AS rows FROM ${table}`)).toEqual([{ rows: String(rows) }]);
    await rm(directory, { recursive: true });
  });
});
