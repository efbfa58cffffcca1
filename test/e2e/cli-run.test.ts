/** The product as a process: what it keeps, refuses and captures, and its dead letters. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { topics } from "../../services/contracts/topics.ts";
import { readCapture } from "../../services/log/capture.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { cliFolder } from "../support/cli-folder.ts";
import { foreshock, startForeshock } from "../support/foreshock-process.ts";
import { sampleOf } from "../support/mutation-samples.ts";

const { file, inData } = cliFolder();

describe("foreshock run, capture and deadletter", () => {
  const request = Buffer.from(sampleOf("traces"));
  const post = async (address: string | undefined) =>
    await fetch(`http://${address}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf" },
      body: request,
    });

  it("keeps what was sent, refuses a second owner and taken ports, and stops at SIGTERM with 0", async () => {
    await using first = startForeshock(["run"], inData("data"));
    const addresses = await first.addresses();
    expect(Object.keys(addresses)).toEqual(
      expect.arrayContaining(["metrics", "OTLP gRPC", "OTLP HTTP", "page", "data"]),
    );
    expect(first.stdout()).toBe("");
    expect((await post(addresses["OTLP HTTP"])).status).toBe(200);

    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const withPort = (key: string, dataDir: string) =>
      foreshock(["run"], { env: { ...inData(dataDir).env, [key]: String(port) } });
    const [second, ...others] = await Promise.all([
      foreshock(["run"], inData("data")),
      withPort("FORESHOCK_INGEST_HTTP_PORT", "p1"),
      withPort("FORESHOCK_CONSOLE_PORT", "p2"),
      withPort("FORESHOCK_METRICS_PORT", "p3"),
    ]);
    await new Promise((resolve) => taken.close(resolve));
    expect(second.code).toBe(69);
    expect(second.stderr).toMatch(
      /log directory .*data\/log is owned by process \d+; stop it, or use another/,
    );
    for (const [index, key] of ["ingest.httpPort", "console.port", "metrics.port"].entries()) {
      expect(others[index]?.code).toBe(69);
      expect(others[index]?.stderr).toContain(String(port));
      expect(others[index]?.stderr).toContain(key);
    }

    const { code, stderr } = await first.stop("SIGTERM");
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/warn|error|Warning/);
  });

  it("captures from the log what was sent", async () => {
    const { code, stdout } = await foreshock(
      ["capture", "--out", file("sent.fsc.gz")],
      inData("data"),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+ records in .*sent\.fsc\.gz\. Next: foreshock replay /);
    const payloads: Buffer[] = [];
    for await (const record of readCapture(file("sent.fsc.gz"), {
      onTorn: () => expect.fail("torn"),
    }))
      if (!record.isHeartbeat) payloads.push(Buffer.from(record.payload));
    const spans = (bytes: Buffer) => bytes.toString("latin1").match(/chat gpt-4o/g)?.length;
    expect(spans(Buffer.concat(payloads))).toBe(spans(request));

    const replayed = await foreshock([
      "replay",
      file("sent.fsc.gz"),
      "--requests",
      file("sent.json"),
    ]);
    expect(replayed.code).toBe(0);
    expect(JSON.parse(readFileSync(file("sent.json"), "utf8"))).toMatchObject([
      { provider: "openai", model: "gpt-4o", operation: "chat", outcome: "ok", count: 1 },
      // Its first token had come: the number in its error is the stream's.
      { provider: "openai", model: "gpt-4o", operation: "chat", outcome: "stream_error", count: 1 },
      { provider: "openai", model: "text-embedding-3-small", operation: "embeddings", count: 1 },
    ]);
  });

  it("lists, shows and drives a record again that could not be read", async () => {
    {
      await using log = await openLmdbLog({
        directory: join(file("data"), "log"),
        clock: systemClock,
        limits: { maxDiskBytes: 1e9 },
      });
      await log.append([{ topic: topics.traces, partition: 0, value: request.subarray(0, 700) }]);
    }
    {
      await using running = startForeshock(["run", "aggregate"], inData("data"));
      const { metrics } = await running.addresses();
      for (let seen = ""; !/foreshock_deadletter_records_total\{[^}]*\} 1/.test(seen); ) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        seen = await (await fetch(metrics ?? "")).text();
      }
      expect((await running.stop()).code).toBe(0);
    }
    const listed = await foreshock(["deadletter", "list"], inData("data"));
    expect([listed.code, listed.stderr]).toEqual([0, ""]);
    expect(listed.stdout).toMatch(
      /^otlp_spans\/0\/\d+ +\d{4}-\S+Z {2}aggregate {2}record_invalid: message ends inside a field at byte \d+\n$/,
    );
    const place = listed.stdout.split(" ")[0] ?? "";
    const shown = await foreshock(["deadletter", "show", place], inData("data"));
    expect(shown.stdout).toMatch(/, 700 bytes\n000000 {2}0a /);
    const missing = await foreshock(["deadletter", "show", "otlp_spans/1/99"], inData("data"));
    expect([missing.code, missing.stderr]).toEqual([
      2,
      "foreshock: deadletter: nothing at otlp_spans/1/99; see foreshock deadletter list\n",
    ]);
    const again = await foreshock(["deadletter", "redrive", place], inData("data"));
    expect([again.code, again.stdout]).toEqual([0, "1 record appended again.\n"]);
  });
});
