import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  account,
  type HistoryServer,
  startHistoryServer,
  writer,
} from "../support/history-server.ts";
import { attacksWith } from "../support/query-attacks.ts";

let http: HistoryServer;
const outfile = join(tmpdir(), `foreshock-history-outfile-${process.pid}`);

beforeAll(async () => {
  http = await startHistoryServer({ queryLimits: { maxExecutionSeconds: 2, maxResultRows: 1000 } });
  await http.history.command("CREATE TABLE kept (x UInt64) ENGINE = MergeTree ORDER BY x");
  await http.history.command("INSERT INTO kept VALUES (1), (2)");
});
afterAll(() => http[Symbol.asyncDispose]());

const attacks = attacksWith(outfile);

describe("a request without an account", () => {
  it.each(attacks)("is refused: %s", async (attack) => {
    for (const request of [{ query: attack }, { body: attack }]) {
      const answer = await http.ask(request);
      expect([answer.status >= 400 && answer.status < 500, answer.text]).toEqual([
        true,
        expect.stringMatching(/^Code: \d+\. DB::Exception: /),
      ]);
      expect(answer.text).not.toMatch(/root:|daemon:/);
    }
  });

  it("left no trace of any of them", async () => {
    expect(await http.history.query("SELECT x FROM kept ORDER BY x")).toEqual([
      { x: "1" },
      { x: "2" },
    ]);
    expect(existsSync(outfile)).toBe(false);
    expect(
      await http.history.query("SELECT name FROM system.tables WHERE database = 'foreshock'"),
    ).toEqual([{ name: "kept" }]);
  });

  it.each([
    { readonly: "0", query: "DROP TABLE kept" },
    { allow_ddl: "1", query: "SELECT 1" },
    { session_id: "x", query: "SELECT 1" },
    { database: "system", query: "SELECT * FROM users" },
    { param_t: "system.users", query: "SELECT * FROM {t:Identifier}" },
    { param_d: "system", query: "SELECT * FROM {d:Identifier}.users" },
    { "param_x='1', readonly": "0", query: "SELECT 1" },
    { user: "foreshock", password: "", query: "SELECT 1" },
    { user: "foreshock", password: "guess", query: "DROP TABLE kept" },
  ])("can't be talked round by parameters: %o", async (parameters) => {
    const answer = await http.ask({ parameters: parameters as Record<string, string> });
    expect([400, 403, 404]).toContain(answer.status);
  });

  it("reaches no other server", async () => {
    let visits = 0;
    const target = createServer((_request, response) => {
      visits++;
      response.end("1\n");
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    const { port } = target.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    for (const query of [
      `SELECT * FROM url('${url}', CSV, 'x UInt8')`,
      `SELECT * FROM urlCluster('default', '${url}', CSV, 'x UInt8')`,
      `SELECT * FROM '${url}'`,
      `SELECT * FROM \`${url}x.csv\``,
      `SELECT * FROM s3('${url}x.csv', NOSIGN, CSV)`,
    ]) {
      const { status } = await http.ask({ body: query });
      expect(status).toBeGreaterThanOrEqual(400);
    }
    await new Promise((resolve) => target.close(resolve));
    expect(visits).toBe(0);
  });

  it("is stopped when it takes too long", async () => {
    const answer = await http.ask({
      query: "SELECT count() FROM numbers(1000000000) WHERE sipHash64(number) = 1",
      parameters: { max_execution_time: "1" },
    });
    expect(answer.text).toMatch(/^Code: 159\. .*TIMEOUT_EXCEEDED/);
    expect(answer.status).toBe(408);
  });

  it("is stopped when it takes too much memory", async () => {
    await using small = await startHistoryServer({ queryLimits: { maxMemoryBytes: 50_000_000 } });
    const answer = await small.ask({
      query:
        "SELECT length(groupArray(repeat('x', 100) || toString(number))) FROM numbers(2000000)",
    });
    expect(answer.text).toMatch(/^Code: 241\. .*MEMORY_LIMIT_EXCEEDED/);
  });

  it("can't send an endless body", async () => {
    const answer = await http.ask({ body: `SELECT '${"x".repeat(2_000_000)}'` });
    expect(answer).toMatchObject({ status: 413 });
  });

  it("may still ask what it is for", async () => {
    for (const query of [
      "SELECT count() FROM kept",
      "SHOW TABLES",
      "SHOW DATABASES",
      "DESCRIBE TABLE kept",
      "SELECT name FROM system.columns WHERE table = 'kept'",
      "SELECT * FROM information_schema.tables WHERE table_schema = 'foreshock'",
      "EXPLAIN SELECT * FROM kept",
    ]) {
      expect([query, (await http.ask({ query })).status]).toEqual([query, 200]);
    }
  });
});

describe("a writer", () => {
  const asWriter = account(writer.user, writer.password);
  const ask = (body: string) => http.ask({ body, headers: asWriter });

  it("works in its own database", async () => {
    for (const body of [
      "CREATE DATABASE IF NOT EXISTS otel",
      "CREATE TABLE mine (x UInt64) ENGINE = MergeTree ORDER BY x",
      "INSERT INTO mine VALUES (1), (2)",
      "INSERT INTO otel.mine FORMAT CSV\n3\n",
    ]) {
      expect(await ask(body)).toMatchObject({ status: 200 });
    }
    expect((await ask("SELECT sum(x) FROM mine")).text).toBe("6\n");
  });

  it.each([
    "INSERT INTO foreshock.kept VALUES (9)",
    "INSERT INTO FUNCTION file('/tmp/foreshock-x', CSV, 'a UInt8') VALUES (1)",
    "INSERT INTO mine SELECT * FROM foreshock.kept",
    "CREATE TABLE foreshock.mine (x UInt64) ENGINE = MergeTree ORDER BY x",
    "CREATE TABLE leak (x String) ENGINE = File(CSV)",
    "CREATE TABLE leak ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM '/etc/passwd'",
    "CREATE TABLE leak ENGINE = MergeTree ORDER BY tuple() AS SELECT file('/etc/passwd') AS x",
    "CREATE TABLE leak (x String) ENGINE = MergeTree ORDER BY x SETTINGS disk = disk(type = local, path = '/etc/')",
    "CREATE MATERIALIZED VIEW leak TO mine AS SELECT 1 AS x FROM mine SETTINGS readonly = 0",
    "INSERT INTO mine SETTINGS readonly = 0 VALUES (1)",
    "DROP TABLE mine",
    "SELECT file('/etc/passwd')",
    "SELECT * FROM system.users",
    "SELECT 1 SETTINGS readonly = 0",
  ])("can't do %s", async (body) => {
    expect(await ask(body)).toMatchObject({ status: 403 });
  });
});

it("leaves no insert data behind", () => {
  const left = readdirSync(existsSync("/dev/shm") ? "/dev/shm" : tmpdir()).filter((name) =>
    name.startsWith(`foreshock-insert-${http.server.pid}-`),
  );
  expect(left).toEqual([]);
});
