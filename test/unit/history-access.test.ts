import { describe, expect, it } from "vitest";
import { checkAccess, type Principal } from "../../services/history/http-interface/access-rules.ts";
import { authenticate } from "../../services/history/http-interface/authentication.ts";
import {
  defaultQueryLimits,
  sessionSettings,
} from "../../services/history/http-interface/request-settings.ts";
import { parseStatement } from "../../services/history/http-interface/statement.ts";

const tableFunctions = new Set(["file", "url", "remote", "s3", "numbers", "merge", "executable"]);
const reader: Principal = { role: "reader" };
const writer: Principal = { role: "writer", database: "otel" };

function check(principal: Principal, sql: string, parameters: Record<string, string> = {}): void {
  checkAccess({
    principal,
    statement: parseStatement(Buffer.from(sql)),
    parameters: new Map(Object.entries(parameters)),
    tableFunctions,
  });
}

describe("what a reader may ask", () => {
  it.each([
    "SELECT 1",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "WITH 1 AS x SELECT x",
    "SHOW TABLES",
    "SHOW CREATE TABLE otel_traces",
    "DESCRIBE TABLE spans",
    "EXPLAIN SELECT 1",
    "EXISTS TABLE spans",
    "SELECT * FROM numbers(10)",
    "SELECT name FROM system.tables",
    "SELECT * FROM information_schema.tables",
    "SELECT 'system.users', 'file(x)'",
  ])("%s", (sql) => {
    expect(() => check(reader, sql)).not.toThrow();
  });
});

describe("what a reader is refused", () => {
  it.each([
    "INSERT INTO t VALUES (1)",
    "INSERT INTO t SELECT 1",
    "CREATE TABLE t (x UInt8) ENGINE = Memory",
    "DROP TABLE t",
    "ALTER TABLE t DELETE WHERE 1",
    "TRUNCATE TABLE t",
    "OPTIMIZE TABLE t",
    "SET readonly = 0",
    "USE system",
    "SYSTEM SHUTDOWN",
    "KILL QUERY WHERE 1",
    "ATTACH TABLE t",
    "BACKUP TABLE t TO File('/tmp/x')",
    "SHOW PROCESSLIST",
    "SHOW USERS",
    "SELECT file('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT \"FILE\" /* x */ ('/etc/passwd')",
    "SELECT * FROM file('/etc/passwd')",
    "SELECT * FROM url('http://127.0.0.1', CSV)",
    "SELECT * FROM remote('127.0.0.1', system.users)",
    "SELECT * FROM (SELECT * FROM s3('x'))",
    "SELECT * FROM merge('system', '.*')",
    "DESCRIBE TABLE file('/etc/passwd')",
    "EXPLAIN SELECT * FROM executable('id')",
    "SELECT aiGenerate('x')",
    "SELECT * FROM system.users",
    "SELECT * FROM system . processes",
    "SELECT * FROM `system`.`server_settings`",
    'SELECT * FROM "System"."users"',
    "SHOW CREATE TABLE system.users",
    "SELECT * FROM (SELECT 1 SETTINGS readonly = 2)",
    "SELECT 1 settings max_threads",
  ])("%s", (sql) => {
    expect(() => check(reader, sql)).toThrow(/refused|may be shown/);
  });

  it("system tables by way of identifier parameters", () => {
    const sql = "SELECT * FROM {a:Identifier}.{b:Identifier}";
    expect(() => check(reader, sql, { a: "system", b: "users" })).toThrow(/refused/);
    expect(() => check(reader, "SELECT * FROM {t:Identifier}", { t: "system.users" })).toThrow(
      /refused/,
    );
    expect(() => check(reader, "SELECT * FROM {t:Identifier}", { t: "spans" })).not.toThrow();
  });
});

describe("what a writer may do", () => {
  it.each([
    "CREATE DATABASE IF NOT EXISTS otel",
    'CREATE TABLE IF NOT EXISTS "otel"."t" (x UInt8) ENGINE = MergeTree() ORDER BY x TTL now() + toIntervalDay(3)',
    "CREATE TABLE t (x UInt8) ENGINE = ReplacingMergeTree ORDER BY x",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS otel.v TO otel.t AS SELECT 1 AS x FROM otel.s",
    "INSERT INTO t VALUES (1)",
    "INSERT INTO otel.t (x) FORMAT Native",
    "INSERT INTO t SETTINGS insert_deduplication_token = 'a', insert_deduplicate = 1 VALUES (1)",
    "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1",
    "SELECT count() FROM t",
  ])("%s", (sql) => {
    expect(() => check(writer, sql)).not.toThrow();
  });

  it.each([
    "CREATE DATABASE other",
    "CREATE TABLE foreshock.t (x UInt8) ENGINE = MergeTree ORDER BY x",
    "CREATE TABLE t (x String) ENGINE = File(CSV)",
    "CREATE TABLE t (x String) ENGINE = URL('http://127.0.0.1', CSV)",
    "CREATE TABLE t ENGINE = MergeTree ORDER BY x AS SELECT * FROM file('/etc/passwd')",
    "CREATE TABLE t AS url('http://127.0.0.1')",
    "CREATE TABLE t (x String DEFAULT file('/etc/passwd')) ENGINE = MergeTree ORDER BY x",
    "CREATE OR REPLACE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x",
    "CREATE MATERIALIZED VIEW v TO foreshock.spans AS SELECT 1",
    "CREATE TABLE t ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM '/etc/passwd'",
    "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS disk = 'x'",
    "CREATE VIEW v AS SELECT * FROM '/etc/passwd'",
    "CREATE VIEW v AS SELECT * FROM `/etc/passwd`",
    "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY x POPULATE AS SELECT 1 AS x",
    "INSERT INTO t SETTINGS readonly = 0 VALUES (1)",
    "CREATE FUNCTION f AS (x) -> x",
    "CREATE USER u",
    "INSERT INTO foreshock.spans VALUES (1)",
    "INSERT INTO FUNCTION file('/tmp/x', CSV) VALUES (1)",
    "INSERT INTO t SELECT * FROM file('/etc/passwd')",
    "DROP TABLE t",
    "ALTER TABLE t DELETE WHERE 1",
    "SET a = 1",
  ])("but not %s", (sql) => {
    expect(() => check(writer, sql)).toThrow(/refused/);
  });
});

describe("settings of a request", () => {
  const settings = (principal: Principal, query: string, isWrite = false) =>
    sessionSettings({
      principal,
      parameters: new URLSearchParams(query),
      limits: defaultQueryLimits,
      isWrite,
    });

  it("make every reader's session read-only and limited", () => {
    const result = settings(reader, "query=x&database=y&param_z=1&readonly=0");
    expect(result.get("readonly")).toBe("1");
    expect(result.get("max_execution_time")).toBe("60");
    expect(result.get("max_result_rows")).toBe("1000000");
  });

  it("let a reader lower limits, never raise or lift them", () => {
    expect(settings(reader, "max_execution_time=5").get("max_execution_time")).toBe("5");
    for (const value of ["600", "0", "-1", "x", "1e9"]) {
      expect(settings(reader, `max_execution_time=${value}`).get("max_execution_time")).toBe("60");
    }
  });

  it.each(["allow_ddl", "format_schema", "user_files_path", "session_id", "output_format_schema"])(
    "refuse %s from outside",
    (name) => {
      expect(() => settings(reader, `${name}=1`)).toThrow(name);
    },
  );

  it("put questions behind what comes in, on half the processors, whatever a reader asks for", () => {
    const asked = settings(reader, "max_threads=1000");
    expect(Number(asked.get("priority"))).toBeGreaterThan(1);
    expect(Number(asked.get("max_threads"))).toBe(defaultQueryLimits.maxThreads);
    expect(Number(asked.get("os_threads_nice_value_query"))).toBeGreaterThan(0);
    expect(settings({ role: "owner" }, "").get("priority")).toBe("1");
    expect(settings({ role: "owner" }, "").has("os_threads_nice_value_query")).toBe(false);
    expect(settings(writer, "", true).get("priority")).toBe("1");
    expect(() => settings(reader, "priority=1")).toThrow("priority");
  });

  it("always store inserts before they are acknowledged", () => {
    expect(
      settings(writer, "async_insert=1&wait_for_async_insert=0", true).get("async_insert"),
    ).toBe("0");
  });

  it("pass the owner's as they are", () => {
    const result = settings({ role: "owner" }, "insert_deduplication_token=a/0/1-2", true);
    expect(result.get("insert_deduplication_token")).toBe("a/0/1-2");
    expect(result.has("readonly")).toBe(false);
  });
});

describe("authentication", () => {
  const accounts = [
    { user: "foreshock", password: "secret", principal: { role: "owner" } as const },
    { user: "collector", password: "päss:word", principal: writer },
  ];
  const basic = (text: string) => ({
    authorization: `Basic ${Buffer.from(text).toString("base64")}`,
  });
  const none = new URLSearchParams();

  it("takes nobody, and default without a password, for a reader", () => {
    expect(authenticate(accounts, {}, none)).toEqual(reader);
    expect(authenticate(accounts, basic("default:"), none)).toEqual(reader);
  });

  it("takes ClickHouse's headers, basic authorization or the URL", () => {
    const headers = { "x-clickhouse-user": "foreshock", "x-clickhouse-key": "secret" };
    expect(authenticate(accounts, headers, none)).toEqual({ role: "owner" });
    expect(authenticate(accounts, basic("collector:päss:word"), none)).toEqual(writer);
    const url = new URLSearchParams({ user: "foreshock", password: "secret" });
    expect(authenticate(accounts, {}, url)).toEqual({ role: "owner" });
  });

  it.each(["foreshock:", "foreshock:secre", "foreshock:secret2", "default:x", "nobody:secret"])(
    "refuses %s",
    (text) => {
      expect(() => authenticate(accounts, basic(text), none)).toThrow(/Authentication failed/);
    },
  );
});
