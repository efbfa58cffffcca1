import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseArguments } from "../../services/command/command.ts";
import { queryCommand } from "../../services/command/query.ts";
import { bindQuestion } from "../../services/command/query-named.ts";
import { configSchema } from "../../services/contracts/config.ts";
import type { HistoryReader } from "../../services/history/reader.ts";
import { openReader } from "../../services/history/reader.ts";
import type { World } from "../support/dashboards/world.ts";
import { fillScene } from "../support/history-scene.ts";
import { startHistoryServer } from "../support/history-server.ts";
import { attacksWith } from "../support/query-attacks.ts";

const main = fileURLToPath(new URL("../../services/main.ts", import.meta.url));
const period = ["--since", "2026-03-02T12:00:00Z", "--until", "2026-03-02T12:20:00Z"];

interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const dataDir = mkdtempSync(join(tmpdir(), "foreshock-query-"));
const outfile = join(dataDir, "outfile");
let world: World;
let freePort = 0;

function query(args: readonly string[], port: number): Promise<Finished> {
  const child = spawn(process.execPath, [main, "query", ...args], {
    env: {
      ...process.env,
      FORESHOCK_DATA_DIR: dataDir,
      FORESHOCK_HISTORY_HTTP_PORT: String(port),
    },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (err += chunk));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

beforeAll(async () => {
  await using server = await startHistoryServer({ directory: join(dataDir, "history") });
  freePort = server.server.port;
  world = await fillScene(server);
}, 300_000);
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe("foreshock query on a history that nobody owns", () => {
  let reader: HistoryReader;
  beforeAll(async () => {
    const { history } = configSchema.parse({ history: { httpPort: freePort } });
    reader = await openReader({ history, dataDir, password: "" });
  }, 60_000);
  afterAll(() => reader[Symbol.asyncDispose]());

  it("counts the fleet's requests as they were", async () => {
    const rows = await reader.rows<{ model: string; n: number }>({
      sql: "SELECT model, count() AS n FROM spans WHERE model != '' AND outcome != '' GROUP BY model",
    });
    const truth = new Map<string, number>();
    for (const { model } of world.calls)
      if (model !== "") truth.set(model, (truth.get(model) ?? 0) + 1);
    expect(new Map(rows.map(({ model, n }) => [model, n]))).toEqual(truth);
  });

  it.each(attacksWith(outfile))("refuses %s", async (sql) => {
    const limits = { maxRows: 1_000 };
    await expect(
      reader.ask({ sql, format: "TSV", limits, parameters: {} }).then(String),
    ).rejects.toMatchObject({ message: expect.stringMatching(/code \d+/) });
    expect(existsSync(outfile)).toBe(false);
  });

  it("answers every named question with what was", async () => {
    // biome-ignore lint/suspicious/noExplicitAny: rows of any question
    const json = async (...args: string[]): Promise<any> => {
      const parsed = parseArguments(queryCommand, [...args, ...period]);
      return await reader.rows(bindQuestion(args[0] ?? "", parsed, Date.now()));
    };
    const slow = Math.max(
      ...world.calls.filter(({ kind }) => kind === "genai").map(({ durationUs }) => durationUs),
    );
    const [slowest] = await json("slowest", "--limit", "1");
    expect(slowest.seconds).toBeCloseTo(slow / 1e6, 2);
    const errors: { value: string; requests: number }[] = await json("errors-by", "model");
    const calls = world.calls.filter(({ model }) => model === "gpt-4o").length;
    expect(errors.find(({ value }) => value === "gpt-4o")?.requests).toBe(calls);
    const around: { what: string; trace: string }[] = await json("around", world.trace);
    expect(around.filter(({ what }) => what === "this trace")).toHaveLength(
      world.traceSpans.length,
    );
    const durations = world.calls
      .filter(({ kind, firstTokenUs }) => kind === "genai" && firstTokenUs > 0)
      .map(({ firstTokenUs }) => firstTokenUs)
      .sort((a, b) => a - b);
    const [{ values, quantile }] = await json("quantile", "ttft", "--q", "0.9");
    // The stated error of a sketch is 1/128; windows that had not closed at the end are not in it.
    expect(values).toBeGreaterThan(durations.length * 0.95);
    const exact = (durations[Math.ceil(0.9 * durations.length) - 1] ?? 0) / 1e6;
    expect(Math.abs(quantile / exact - 1)).toBeLessThan(0.03);
    expect(await json("incidents")).toHaveLength(
      new Set(world.incidents.map(({ incident }) => incident)).size,
    );
    expect((await json("tenants")).length).toBeGreaterThan(3);
    expect((await json("compare", "--against", "10m")).length).toBeGreaterThan(3);
  });

  it("stops what takes too much time, memory or rows, and says what to do", async () => {
    const ask = (sql: string, limits: object) => reader.ask({ sql, format: "Null", limits });
    await expect(
      ask("SELECT count() FROM numbers(1000000000) WHERE sipHash64(number) = 1", { maxSeconds: 1 }),
    ).rejects.toThrow(/--max-seconds/);
    await expect(
      ask("SELECT groupArray(repeat('x', 100) || toString(number)) FROM numbers(3000000)", {
        maxMemoryBytes: 50_000_000,
      }),
    ).rejects.toThrow(/--max-memory-mb/);
    await expect(ask("SELECT * FROM numbers(11)", { maxRows: 10 })).rejects.toThrow(/--max-rows/);
  });
});

describe("foreshock query", () => {
  it("asks a running Foreshock, in every format", async () => {
    await using server = await startHistoryServer({ directory: join(dataDir, "history") });
    const { port } = server.server;
    const ask = (...args: string[]) => query(args, port);
    const file = join(dataDir, "spans.parquet");
    await ask("SELECT model FROM spans LIMIT 5", "--format", "parquet", "--out", file);
    expect(readFileSync(file).subarray(0, 4).toString()).toBe("PAR1");
    expect((await ask("SELECT 1 AS x, 'a' AS y", "-f", "csv")).out).toBe('"x","y"\n1,"a"\n');
    expect((await ask("SELECT {n:UInt8} + 1 AS x", "-p", "n=41")).out).toBe("x\n42\n");
    expect((await ask("SELECT 1 AS x", "-f", "table")).out).toContain("│ 1 │");
  }, 180_000);

  it("opens the directory itself where nothing runs", async () => {
    const { code, out } = await query(["SELECT toBool(count() > 0) AS x FROM spans"], freePort);
    expect([code, out]).toEqual([0, "x\ntrue\n"]);
  }, 60_000);

  it("says what is wrong and what to do, and shows its SQL", async () => {
    const results = await Promise.all([
      query(["slowest", "--show-sql"], freePort),
      query(["--list"], freePort),
      query(["nonsense"], freePort),
      query(["quantile", "speed"], freePort),
      query(["errors-by"], freePort),
    ]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 2, 2, 2]);
    const [shown, list, nonsense, speed, errorsBy] = results;
    expect(shown?.out).toMatch(/param_limit=20[\s\S]*ORDER BY duration DESC/);
    expect(list?.out).toMatch(/errors-by[\s\S]*DIMENSION/);
    expect(nonsense?.err).toContain("there are around, compare");
    expect(speed?.err).toContain("must be one of ttft, duration");
    expect(errorsBy?.err).toContain("which dimension?");
  }, 60_000);
});
