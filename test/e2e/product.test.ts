/** `foreshock run` as it is started: a process on its defaults, spoken to by a real OpenTelemetry SDK. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadFleet, loadScenario, planRun, simulate } from "../../services/chatbot/chatbot.ts";
import { openSdkSpeaker } from "../../services/chatbot/sdk-speaker.ts";
import { type RunningProcess, startForeshock } from "../support/foreshock-process.ts";
import { needs } from "../support/needs.ts";

const dataDir = mkdtempSync(join(tmpdir(), "foreshock-product-"));
let product: RunningProcess;
let addresses: Readonly<Record<string, string>>;
let sent = 0;

const start = async () => {
  product = startForeshock(["run"], { env: { FORESHOCK_DATA_DIR: dataDir } });
  addresses = await product.addresses();
};
const get = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
};
const page = (path: string) => get(`${addresses["page"]?.replace(/\/$/, "")}${path}`);
const metrics = async () => (await get(addresses["metrics"] ?? "")).text;

/** Over ClickHouse's HTTP interface as anybody would: rows of JSON, as the default user. */
async function query<T>(sql: string): Promise<T[]> {
  const response = await fetch(addresses["ClickHouse HTTP"] ?? "", {
    method: "POST",
    body: `${sql} FORMAT JSONEachRow`,
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return text.trim() === ""
    ? []
    : text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
}

/** Asks again until the answer is as wanted; the test's own limit ends the waiting. */
async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** What a small fleet says of the last half minute, through its SDKs. */
async function speak(seed: number): Promise<number> {
  const plan = planRun({
    scenario: loadScenario("clean"),
    seed,
    fleet: loadFleet({ requestsPerSecond: 4, tenants: 5 }),
    startMs: Date.now() - 8_000,
    durationMs: 8_000,
  });
  await using speaker = openSdkSpeaker(plan, { endpoint: `http://${addresses["OTLP HTTP"]}` });
  let spans = 0;
  for (const event of simulate(plan)) if (event.endMs <= Date.now()) spans += speaker.speak(event);
  await speaker.flush();
  return spans;
}

const spanCount = async () =>
  Number((await query<{ n: string }>("SELECT count() AS n FROM foreshock.otel_traces"))[0]?.n);

interface WindowCount {
  readonly n: string;
  readonly windows: string;
  readonly last: string;
}
const windows = async () =>
  (
    await query<WindowCount>(
      "SELECT count() AS n, uniqExact(kind, provider, model, region, operation, window_start) AS windows, toString(max(window_start)) AS last FROM foreshock.windows",
    )
  )[0];

beforeAll(start);
afterAll(async () => {
  await product?.stop();
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

describe("foreshock run", () => {
  it("stores every span that an SDK sends, to be read over ClickHouse's HTTP interface", async () => {
    sent = await speak(1);
    expect(sent).toBeGreaterThan(10);
    expect(await until(spanCount, (count) => count >= sent)).toBe(sent);
    const [row] = await query<{ Timestamp: string; ServiceName: string; SpanAttributes: object }>(
      "SELECT * FROM foreshock.otel_traces WHERE SpanAttributes['gen_ai.request.model'] != '' LIMIT 1",
    );
    expect(row?.SpanAttributes).toHaveProperty(["gen_ai.request.model"]);
  });

  it("shows the cells on the page once their windows have closed", async () => {
    const { cells } = await until(
      async () => JSON.parse((await page("/api/now")).text),
      (now) => now.cells?.length > 0,
    );
    expect(cells[0]).toMatchObject({ state: expect.any(String), provider: expect.any(String) });
    const html = await page("/");
    expect([html.status, html.text.slice(0, 15).toLowerCase()]).toEqual([200, "<!doctype html>"]);
  });

  it("is ready, and counts what it did", async () => {
    const ready = await get((addresses["metrics"] ?? "").replace("/metrics", "/readyz"));
    expect(ready).toEqual({ status: 200, text: "ready\n" });
    const text = await metrics();
    expect(text).toContain(`foreshock_ingest_items_total{signal="traces"} ${sent}`);
    expect(text).toContain(`foreshock_archive_rows_total{table="spans"} ${sent}`);
    expect(text).not.toMatch(/foreshock_deadletter_records_total\{[^}]*\} [1-9]/);
  });

  const missing = needs("promtool");
  it.skipIf(missing !== undefined)(
    `has metrics that promtool accepts${missing === undefined ? "" : ` (skipped: ${missing})`}`,
    async () => {
      const { stdout, stderr, status } = spawnSync("promtool", ["check", "metrics"], {
        input: await metrics(),
        encoding: "utf8",
      });
      expect([`${stdout}${stderr}`, status]).toEqual(["", 0]);
    },
  );

  it("goes on after a restart: nothing is lost, doubled or dead-lettered, and windows continue", async () => {
    const before = await until(windows, (found) => Number(found?.n) > 0);
    const { code, stderr } = await product.stop();
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/ (warn|error) /);
    await start();
    expect(await spanCount()).toBe(sent);
    const more = await speak(2);
    expect(await until(spanCount, (count) => count >= sent + more)).toBe(sent + more);
    const after = await until(windows, (found) => (found?.last ?? "") > (before?.last ?? ""));
    expect(after?.n).toBe(after?.windows);
    expect(await metrics()).not.toMatch(/foreshock_deadletter_records_total\{[^}]*\} [1-9]/);
    expect(product.stderr()).not.toMatch(/ (warn|error) /);
  });
});
