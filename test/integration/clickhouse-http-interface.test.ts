import { gunzipSync, gzipSync } from "node:zlib";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  account,
  type HistoryServer,
  startHistoryServer,
  writer,
} from "../support/history-server.ts";

let http: HistoryServer;
let client: ClickHouseClient;
const asWriter = account(writer.user, writer.password);

beforeAll(async () => {
  http = await startHistoryServer();
  client = createClient({
    url: http.server.url,
    username: writer.user,
    password: writer.password,
    compression: { request: true, response: true },
    log: { level: ClickHouseLogLevel.OFF },
  });
});
afterAll(async () => {
  await client.close();
  await http[Symbol.asyncDispose]();
});

describe("@clickhouse/client, unchanged", () => {
  it("creates, inserts and selects", async () => {
    await client.command({
      query: "CREATE TABLE points (id UInt64, name String) ENGINE = MergeTree ORDER BY id",
    });
    const { summary } = await client.insert({
      table: "points",
      values: [
        { id: 1, name: "one" },
        { id: "18446744073709551615", name: "last; 'ü'" },
      ],
      format: "JSONEachRow",
    });
    expect(summary?.written_rows).toBe("2");
    const result = await client.query({
      query: "SELECT * FROM points ORDER BY id",
      format: "JSONEachRow",
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });
    expect(await result.json()).toEqual([
      { id: "1", name: "one" },
      { id: "18446744073709551615", name: "last; 'ü'" },
    ]);
  });

  it("binds parameters of every kind", async () => {
    const result = await client.query({
      query:
        "SELECT {n:UInt64} AS n, {s:String} AS s, {a:Array(String)} AS a, {m:Map(String, String)} AS m, {x:Nullable(String)} AS x, {t:Identifier} AS t FROM (SELECT 5 AS five)",
      query_params: {
        n: "18446744073709551615",
        s: "a'b\\c\n\t; DROP TABLE points --",
        a: ["x'y", ""],
        m: { k: "v" },
        x: null,
        t: "five",
      },
      format: "JSONEachRow",
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });
    expect(await result.json()).toEqual([
      {
        n: "18446744073709551615",
        s: "a'b\\c\n\t; DROP TABLE points --",
        a: ["x'y", ""],
        m: { k: "v" },
        x: null,
        t: 5,
      },
    ]);
  });

  it("sends long parameters as multipart bodies", async () => {
    const long = "x".repeat(100_000);
    const result = await client.query({
      query: "SELECT length({s:String}) AS n",
      query_params: { s: long },
      use_multipart_params: true,
      format: "JSONEachRow",
    });
    expect(await result.json()).toEqual([{ n: 100_000 }]);
  });

  it("reads a large result as a stream", async () => {
    const result = await client.query({
      query: "SELECT number FROM numbers(300000)",
      format: "JSONCompactEachRow",
    });
    let rows = 0;
    let sum = 0;
    for await (const chunk of result.stream<[number]>()) {
      for (const row of chunk) {
        rows++;
        sum += Number(row.json()[0]);
      }
    }
    expect([rows, sum]).toEqual([300_000, (300_000 * 299_999) / 2]);
  });

  it("gets ClickHouse's own error codes", async () => {
    await expect(client.query({ query: "SELECT nosuch" })).rejects.toMatchObject({
      code: "47",
      type: "UNKNOWN_IDENTIFIER",
    });
    await expect(client.query({ query: "SELECT FROM WHERE" })).rejects.toMatchObject({
      code: "62",
    });
    await expect(client.query({ query: "SELECT * FROM nosuch" })).rejects.toMatchObject({
      code: "60",
    });
  });

  it("pings", async () => {
    expect(await client.ping()).toEqual({ success: true });
    expect(await client.ping({ select: true })).toEqual({ success: true });
  });
});

describe("plain HTTP", () => {
  it("answers /ping and /replicas_status", async () => {
    for (const path of ["/ping", "/replicas_status"]) {
      expect(await http.ask({ path })).toMatchObject({ status: 200, text: "Ok.\n" });
    }
    expect(await http.ask({})).toMatchObject({ status: 200, text: "Ok.\n" });
    expect(await http.ask({ path: "/nosuch" })).toMatchObject({ status: 404 });
  });

  it("takes the query from the URL, the body, or both", async () => {
    expect((await http.ask({ query: "SELECT 1" })).text).toBe("1\n");
    expect((await http.ask({ body: "SELECT 2" })).text).toBe("2\n");
    expect((await http.ask({ query: "SELECT 3 +", body: " 4" })).text).toBe("7\n");
  });

  it("names format, query and summary in headers", async () => {
    const { headers, text } = await http.ask({
      query: "SELECT 1 AS a, 'ü' AS b",
      parameters: { default_format: "JSONEachRow", query_id: "my-query" },
    });
    expect(text).toBe('{"a":1,"b":"ü"}\n');
    expect(headers.get("x-clickhouse-format")).toBe("JSONEachRow");
    expect(headers.get("x-clickhouse-query-id")).toBe("my-query");
    expect(headers.get("content-type")).toContain("application/x-ndjson");
    expect(JSON.parse(headers.get("x-clickhouse-summary") ?? "")).toMatchObject({
      result_rows: "1",
    });
    const named = await http.ask({ query: "SELECT 1 FORMAT CSV" });
    expect(named.headers.get("x-clickhouse-format")).toBe("CSV");
  });

  it("sends errors as ClickHouse's text, with status and code", async () => {
    const answer = await http.ask({ query: "SELECT throwIf(1, 'no way')" });
    expect(answer.status).toBe(500);
    expect(answer.headers.get("x-clickhouse-exception-code")).toBe("395");
    expect(answer.text).toMatch(/^Code: 395\. DB::Exception: .*no way.*\(version 26\./s);
  });

  it("compresses answers and reads compressed bodies", async () => {
    const compressed = await fetch(
      `${http.server.url}/?enable_http_compression=1&query=SELECT+repeat('a',100000)`,
      { headers: { "Accept-Encoding": "gzip" } },
    );
    expect(compressed.headers.get("content-encoding")).toBe("gzip");
    expect((await compressed.text()).length).toBe(100_001);
    const answer = await http.ask({
      body: gzipSync("SELECT 5"),
      headers: { "Content-Encoding": "gzip" },
    });
    expect(answer.text).toBe("5\n");
    expect(gunzipSync(gzipSync("x")).toString()).toBe("x");
  });

  it("refuses a body that is no gzip", async () => {
    const answer = await http.ask({
      body: "SELECT 5",
      headers: { "Content-Encoding": "gzip" },
    });
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.text).toMatch(/Body could not be read/);
  });

  it("says to use gzip instead of ClickHouse's own frames", async () => {
    for (const name of ["compress", "decompress"]) {
      const answer = await http.ask({ query: "SELECT 1", parameters: { [name]: "1" } });
      expect(answer.status).toBe(501);
      expect(answer.text).toMatch(/use gzip/);
    }
  });

  it("inserts what follows FORMAT in the same body, semicolons and all", async () => {
    await http.history.command("CREATE TABLE lines (a String) ENGINE = MergeTree ORDER BY a");
    const owner = account(http.server.user, http.server.password);
    const body = "INSERT INTO lines FORMAT TSV\nfirst; DROP TABLE lines\nsecond\n";
    const answer = await http.ask({ body, headers: owner });
    expect(answer.status).toBe(200);
    const values = await http.ask({
      query: "INSERT INTO lines VALUES ('third')",
      body: "",
      headers: owner,
    });
    expect(values.status).toBe(200);
    expect(await http.history.query("SELECT a FROM lines ORDER BY a")).toEqual([
      { a: "first; DROP TABLE lines" },
      { a: "second" },
      { a: "third" },
    ]);
  });

  it("keeps nothing from one request to the next", async () => {
    const owner = account(http.server.user, http.server.password);
    for (const body of ["SET max_threads = 1", "USE otel", "CREATE TEMPORARY TABLE t (a UInt8)"]) {
      expect((await http.ask({ body, headers: owner })).status).toBe(200);
    }
    const answer = await http.ask({ body: "SELECT currentDatabase()", headers: owner });
    expect(answer.text).toBe("foreshock\n");
    expect((await http.ask({ body: "SELECT * FROM t", headers: owner })).status).toBe(404);
  });

  it("answers small queries while a long scan runs", async () => {
    let isOver = false;
    const scan = http
      .ask({ query: "SELECT sum(sipHash64(number)) FROM numbers(300000000)" })
      .finally(() => {
        isOver = true;
      });
    let answered = 0;
    for (let i = 0; i < 5; i++) {
      expect((await http.ask({ query: "SELECT 1" })).text).toBe("1\n");
      if (!isOver) answered++;
    }
    // On a slow machine it meets its time limit instead of its end; either way it ran beside them.
    expect([200, 408]).toContain((await scan).status);
    expect(answered).toBe(5);
  });

  it("writes only with POST", async () => {
    const answer = await http.ask({
      query: "CREATE TABLE got (a UInt8) ENGINE = MergeTree ORDER BY a",
      headers: asWriter,
    });
    expect(answer.status).toBe(403);
    expect(answer.text).toMatch(/use POST/);
  });
});
