import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import type { LogRecord } from "../../services/log/log.ts";
import { systemClock } from "../../services/runtime/clock.ts";

const program = new URL("./log-process.ts", import.meta.url).pathname;
const limits = { maxDiskBytes: 2 ** 32 };

describe("an LMDB log directory", () => {
  let directory = "";
  let children: ChildProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "foreshock-log-"));
    children = [];
  });
  afterEach(async () => {
    for (const child of children) await kill(child);
    rmSync(directory, { recursive: true, force: true });
  });

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Starts a process on the directory; gives its lines as they come, and its first one. */
  async function start(mode: "hold" | "append") {
    const child = spawn(process.execPath, [program, directory, mode], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout });
    const ended = once(reader, "close");
    reader.on("line", (line) => lines.push(line));
    const seen = async (count: number) => {
      while (lines.length < count) await Promise.race([once(reader, "line"), ended]);
    };
    await seen(1);
    return { child, lines, seen, ended };
  }

  const openHere = () => openLmdbLog({ directory, clock: systemClock, limits });

  it("is refused to a second process while the first lives, by directory and pid", async () => {
    await using log = await openHere();
    const second = await start("append");
    expect(second.lines).toEqual([
      `log_owned log directory ${directory} is owned by process ${process.pid}; stop it, or use another directory`,
    ]);
    await log.ensureTopics([{ name: "t", partitions: 1, cleanup: "delete", retentionMs: 1000 }]);
    const record = { topic: "t", partition: 0, value: new Uint8Array(1) };
    expect((await log.append([record])).map((each) => each.offset)).toEqual([0]);
  });

  it("is refused to this process while a child has it", async () => {
    const { child } = await start("hold");
    await expect(openHere()).rejects.toMatchObject({
      code: "log_owned",
      message: `log directory ${directory} is owned by process ${child.pid}; stop it, or use another directory`,
    });
  });

  it("is refused to a second log of the same process, and free again after closing", async () => {
    const log = await openHere();
    await expect(openHere()).rejects.toMatchObject({ code: "log_owned" });
    await log[Symbol.asyncDispose]();
    await using _again = await openHere();
  });

  it("is taken over from a process that was killed", async () => {
    const { child, lines } = await start("hold");
    expect(lines).toEqual(["opened"]);
    await kill(child);
    await using log = await openHere();
    expect((await log.topics()).map((topic) => topic.name)).toEqual(["events"]);
  });

  it("is taken over from a process whose pid another one has now", async () => {
    const owner = { pid: process.ppid, started: "an earlier boot/1" };
    writeFileSync(join(directory, "owner.json"), JSON.stringify(owner));
    await using _log = await openHere();
    const now = JSON.parse(readFileSync(join(directory, "owner.json"), "utf8"));
    expect(now.pid).toBe(process.pid);
  });

  it("keeps every acknowledged record when the disk takes no more, and goes on when it does again", async () => {
    // A limit on file sizes stands for a full disk.
    const command = 'trap "" XFSZ; ulimit -f 3000; exec "$0" "$@"';
    const child = spawn("bash", ["-c", command, process.execPath, program, directory, "fill"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    children.push(child);
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) lines.push(line);
    expect(lines[0]).toBe("opened");
    expect(lines.slice(-3)).toEqual(["unavailable", "unavailable", "unavailable"]);
    const acknowledged = lines.slice(1, -3).map((line, i) => [line, `0 ${i} ${i}`]);
    expect(acknowledged.length).toBeGreaterThan(5);
    for (const [line, expected] of acknowledged) expect(line).toBe(expected);
    await using log = await openHere();
    expect(await log.offsets("events", 0)).toEqual({ start: 0, end: acknowledged.length });
    const record = { topic: "events", partition: 0, value: new Uint8Array(60_000) };
    expect((await log.append([record])).map((each) => each.offset)).toEqual([acknowledged.length]);
  });

  it("has every acknowledged record after kill -9 of the appender, and goes on from there", async () => {
    const acknowledged = [0, 0];
    for (let round = 0; round < 5; round++) {
      const { child, lines, seen, ended } = await start("append");
      expect(lines[0]).toBe("opened");
      await seen(20 + round * 40);
      await kill(child);
      await ended;
      for (const line of lines.slice(1)) {
        const [partition = 0, , to = 0] = line.split(" ").map(Number);
        acknowledged[partition] = Math.max(acknowledged[partition] ?? 0, to + 1);
      }
      await using log = await openHere();
      for (const [partition, count] of acknowledged.entries()) {
        const { start: first, end } = await log.offsets("events", partition);
        expect(first).toBe(0);
        expect(end).toBeGreaterThanOrEqual(count);
        const records: LogRecord[] = [];
        while (records.length < end) {
          const fromOffset = records.length;
          records.push(...(await log.read({ topic: "events", partition, fromOffset })));
        }
        expect(records.map((record) => record.offset)).toEqual([...Array(end).keys()]);
        const times = records.map((record) => record.appendMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(records.every(isWhole)).toBe(true);
      }
    }
  });
});

/** Whether a record's value is what its key says was appended. */
function isWhole({ key = "", value }: LogRecord): boolean {
  const [, round = 0, i = 0] = key.split("/").map(Number);
  const length = (round * 997 + i * 131) % 20_000;
  return value.length === length && value.every((byte) => byte === round % 256);
}
