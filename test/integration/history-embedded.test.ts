import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmbeddedHistory } from "../../services/history/embedded.ts";
import { createNativeBlock } from "../../services/history/native-block.ts";
import { uint64 } from "../../services/history/native-column.ts";
import { type HistoryServer, openOwner, startHistoryServer } from "../support/history-server.ts";

const host = "127.0.0.1";
const countersTable =
  "CREATE TABLE counters (x UInt64) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 1000";

function numbersBlock(from: number, to: number): Uint8Array {
  const block = createNativeBlock({ x: uint64 });
  for (let x = from; x < to; x++) block.columns.x.push(x);
  return block.encode();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

describe("one history", () => {
  let running: HistoryServer;
  beforeAll(async () => {
    running = await startHistoryServer();
    await running.history.command(countersTable);
  });
  afterAll(() => running[Symbol.asyncDispose]());

  it("stores an insert once however often its token comes, also after a restart", async () => {
    const insert = { table: "counters", block: numbersBlock(0, 100), token: "topic/0/0-99" };
    await running.history.insert(insert);
    await running.history.insert(insert);
    const before = running.server.pid;
    process.kill(before, "SIGKILL");
    await until(() => running.server.pid !== before && running.history.ping());
    await running.history.insert(insert);
    await running.history.insert({ ...insert, token: "topic/0/100-199" });
    expect(
      await running.history.query("SELECT count() AS rows, uniqExact(x) AS values FROM counters"),
    ).toEqual([{ rows: "200", values: "100" }]);
  });

  it("reports what is wrong with a statement as history_failed with ClickHouse's code", async () => {
    await expect(running.history.query("SELECT nosuch")).rejects.toMatchObject({
      code: "history_failed",
      retryable: false,
      message: expect.stringContaining("(code 47)"),
    });
    await expect(
      running.history.insert({ table: "nosuch", block: numbersBlock(0, 1), token: "t" }),
    ).rejects.toMatchObject({ code: "history_failed" });
  });

  it("refuses a block that ends too early, and stores none of it", async () => {
    const block = numbersBlock(500, 600).subarray(0, 400);
    await expect(
      running.history.insert({ table: "counters", block, token: "cut" }),
    ).rejects.toMatchObject({ code: "history_failed" });
    expect(
      await running.history.query("SELECT count() AS rows FROM counters WHERE x >= 500"),
    ).toEqual([{ rows: "0" }]);
  });

  it("names the directory when a second process wants it", async () => {
    await expect(
      startEmbeddedHistory({ directory: running.directory, host, port: 0 }),
    ).rejects.toMatchObject({
      code: "history_owned",
      message: expect.stringContaining(running.directory),
    });
  });

  it("names the port when another program has it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "foreshock-history-"));
    const { port } = running.server;
    await expect(startEmbeddedHistory({ directory, host, port })).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringContaining(`port ${port} `),
    });
    await rm(directory, { recursive: true });
  });
});

it("loses and doubles nothing that was acknowledged when the engine is killed while inserting", async () => {
  await using running = await startHistoryServer();
  const { history, server } = running;
  await history.command(countersTable);
  const batchRows = 500;
  const batches = 60;
  let kills = 0;
  let retries = 0;
  for (let batch = 0; batch < batches; batch++) {
    const insert = {
      table: "counters",
      block: numbersBlock(batch * batchRows, (batch + 1) * batchRows),
      token: `t/0/${batch}`,
    };
    const { pid } = server;
    const isKill = batch % 12 === 5;
    let isStored = false;
    if (isKill) {
      const attempt = history.insert(insert).then(
        () => true,
        () => false,
      );
      await sleep(kills * 2);
      process.kill(pid, "SIGKILL");
      kills++;
      isStored = await attempt;
    }
    while (!isStored) {
      isStored = await history.insert(insert).then(
        () => true,
        (error: { code: string }) => {
          expect(error.code).toBe("unavailable");
          retries++;
          return false;
        },
      );
      if (!isStored) await sleep(50);
    }
  }
  expect(kills).toBe(5);
  expect(retries).toBeGreaterThan(0);
  expect(
    await history.query(
      "SELECT count() AS rows, uniqExact(x) AS values, max(x) AS largest FROM counters",
    ),
  ).toEqual([
    { rows: `${batches * batchRows}`, values: `${batches * batchRows}`, largest: "29999" },
  ]);
});

it("ends with the process that started it, however that ends", async () => {
  const directory = await mkdtemp(join(tmpdir(), "foreshock-history-"));
  const module = fileURLToPath(new URL("../../services/history/embedded.ts", import.meta.url));
  const script = `
    const { startEmbeddedHistory } = await import(${JSON.stringify(module)});
    const server = await startEmbeddedHistory({ directory: ${JSON.stringify(directory)}, host: "${host}", port: 0 });
    process.stdout.write(String(server.pid));`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
  const enginePid = Number(chunk.toString());
  expect(isAlive(enginePid)).toBe(true);
  parent.kill("SIGKILL");
  await until(() => !isAlive(enginePid));
  const next = await startEmbeddedHistory({ directory, host, port: 0 });
  await next.close();
  await rm(directory, { recursive: true });
});

it("keeps data over an orderly close, and closes twice without complaint", async () => {
  const directory = await mkdtemp(join(tmpdir(), "foreshock-history-"));
  {
    await using first = await startHistoryServer({ directory });
    await first.history.command(countersTable);
    await first.history.insert({ table: "counters", block: numbersBlock(0, 10), token: "a" });
    await first.server.close();
    expect(isAlive(first.server.pid)).toBe(false);
  }
  const second = await startEmbeddedHistory({ directory, host, port: 0 });
  const history = openOwner(second);
  expect(await history.query("SELECT sum(x) AS sum FROM counters")).toEqual([{ sum: "45" }]);
  await history.close();
  await second.close();
  expect(await openOwner(second).ping()).toBe(false);
  await rm(directory, { recursive: true });
});

it("closes when its signal is aborted", async () => {
  const directory = await mkdtemp(join(tmpdir(), "foreshock-history-"));
  const abort = new AbortController();
  const server = await startEmbeddedHistory({ directory, host, port: 0, signal: abort.signal });
  const { pid } = server;
  abort.abort();
  await server.close();
  expect(isAlive(pid)).toBe(false);
  await rm(directory, { recursive: true });
});
