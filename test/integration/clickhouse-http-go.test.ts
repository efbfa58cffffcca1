import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HistoryServer, startHistoryServer, writer } from "../support/history-server.ts";
import { needsGo } from "../support/needs.ts";

const run = promisify(execFile);
const source = fileURLToPath(new URL("../support/clickhouse-go/", import.meta.url));

const missing = needsGo();
if (missing !== undefined) console.warn(`SKIPPED: clickhouse-go was not tried, ${missing}`);

describe.skipIf(missing !== undefined)(
  `clickhouse-go, unchanged${missing === undefined ? "" : ` (${missing})`}`,
  () => {
    let folder: string;
    let program: string;
    let http: HistoryServer;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "foreshock-go-"));
      program = join(folder, "clickhouse-go");
      await run("go", ["build", "-buildvcs=false", "-o", program, "."], { cwd: source });
      http = await startHistoryServer();
    }, 300_000);
    afterAll(async () => {
      await http?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    const talk = (user: string, password: string, compression: string) =>
      run(program, [`127.0.0.1:${http.server.port}`, user, password, "otel", compression]);

    it.each(["none", "gzip"])(
      "selects, binds parameters, inserts and reads back, compression %s",
      async (compression) => {
        const { stdout, stderr } = await talk(writer.user, writer.password, compression);
        expect(stderr).toBe("");
        expect(JSON.parse(stdout)).toMatchObject({
          version: expect.stringMatching(/^26\./),
          sum: 45,
          parameters: "7 it's; ünïcode",
          rows: compression === "none" ? 5000 : 10_000,
          text: "text 1",
          attributes: { id: "4321", ключ: "значение" },
          time: "2026-02-03T04:05:06.123456789Z",
          strings: ["a", "", "ü"],
          streamed: 200_000,
          errorCode: 47,
        });
      },
    );

    it("is told to use gzip when it sends LZ4 frames", async () => {
      await expect(talk(writer.user, writer.password, "lz4")).rejects.toMatchObject({
        stderr: expect.stringContaining("use gzip"),
      });
    });

    it("reads but can't write without an account", async () => {
      await expect(talk("default", "", "none")).rejects.toMatchObject({
        stderr: expect.stringMatching(/^create: .*code: 392, .*read-only/s),
      });
    });

    it("is refused with a wrong password", async () => {
      await expect(talk(writer.user, "wrong", "none")).rejects.toMatchObject({
        stderr: expect.stringContaining("Authentication failed"),
      });
    });
  },
);
