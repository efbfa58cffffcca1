/** The command line as people and scripts use it: real processes, their output and their exit codes. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { topics } from "../../services/contracts/topics.ts";
import { readCapture } from "../../services/log/capture.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { foreshock, startForeshock } from "../support/foreshock-process.ts";
import { sampleOf } from "../support/mutation-samples.ts";

const folder = mkdtempSync(join(tmpdir(), "foreshock-cli-"));
const file = (name: string) => join(folder, name);
const written = (name: string, text: string) => {
  writeFileSync(file(name), text);
  return file(name);
};
const hashOf = (name: string) =>
  createHash("sha256")
    .update(readFileSync(file(name)))
    .digest("hex");
const linesOf = (name: string) =>
  readFileSync(file(name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
/** No history: these tests are about the commands. */
const lean = { FORESHOCK_HISTORY_ENGINE: "none", FORESHOCK_LOG_LEVEL: "warn" };
const inData = (name: string) => ({ env: { ...lean, FORESHOCK_DATA_DIR: file(name) } });

afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

const commands = [
  "demo",
  "run",
  "replay",
  "capture",
  "fleet",
  "check-config",
  "deadletter",
  "version",
];

describe("foreshock", () => {
  it("says what it is for and how to begin, with every command in one line", async () => {
    const { code, stdout, stderr } = await foreshock(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
    expect(stdout).toContain("Exit codes");
  });

  it("has help with examples for each command, and names its options", async () => {
    const helps = await Promise.all(commands.map((name) => foreshock([name, "--help"])));
    for (const [index, { code, stdout, stderr }] of helps.entries()) {
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`Usage: foreshock ${commands[index]}`);
      expect(stdout).toMatch(new RegExp(`Examples:\\n  .*foreshock ${commands[index]}`));
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(130);
    }
  });

  it.each([
    { args: ["wach"], says: /no command 'wach'; there are demo, run, .*--help/ },
    { args: ["run", "--prot", "1"], says: /run: Unknown option '--prot'.*foreshock run --help/ },
    { args: ["run", "detekt"], says: /no stage detekt; there are ingest, aggregate/ },
    { args: ["version", "all"], says: /'all' is one argument too many/ },
    { args: ["replay"], says: /which file\?/ },
    { args: ["replay", "nowhere.fsc"], says: /nowhere\.fsc: no such file/ },
    { args: ["replay", "."], says: /is a folder, must be a capture file/ },
    { args: ["fleet"], says: /either --out FILE or --endpoint URL/ },
    {
      args: ["fleet", "--out", "no/such/x.fsc"],
      says: /--out no\/such\/x\.fsc: there is no folder/,
    },
    {
      args: ["fleet", "--out", "x", "--seed", "1.5"],
      says: /--seed must be a whole number from 0 to/,
    },
    { args: ["fleet", "--out", "x", "--scenario", "S99"], says: /S99.*S01, S02/ },
    { args: ["capture"], says: /--out FILE is needed/ },
    { args: ["capture", "--out", "x", "--from", "noon"], says: /--from must be a time such as/ },
    { args: ["deadletter", "drop"], says: /no action 'drop'; there are list, show, redrive/ },
  ])("ends with 2 and a line that helps: $args", async ({ args, says }) => {
    const { code, stdout, stderr } = await foreshock(args, { cwd: folder, env: lean });
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([code, stdout]).toEqual([2, ""]);
  });

  it("ends with 69 where the log that it is to read was never made", async () => {
    const { code, stderr } = await foreshock(["deadletter", "list"], inData("nothing"));
    expect(code).toBe(69);
    expect(stderr).toContain(`there is no log in ${join(file("nothing"), "log")}`);
  });

  it("tells its version and Node's", async () => {
    const { code, stdout, stderr } = await foreshock(["--version"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^foreshock \d+\.\d+\.\d+ \(node \d+\.\d+\.\d+, \S+\)\n$/);
  });
});

describe("foreshock check-config", () => {
  it("accepts a configuration and explains what is suspicious in it", async () => {
    const path = written(
      "open.yaml",
      "ingest: { host: 0.0.0.0 }\njudgement: { window: { latenessMs: 1000 } }\n",
    );
    const { code, stdout } = await foreshock(["check-config", path]);
    expect(stdout).toMatch(/^warning {2}ingest\.host: listens beyond loopback/m);
    expect(stdout).toMatch(
      /^warning {2}judgement\.window\.latenessMs: 1000 ms is less than the 5 s/m,
    );
    expect(stdout).toMatch(/is valid, with 2 warnings\.$/m);
    expect(code).toBe(0);
  });

  it("names every mistake at once, by path, value and what is allowed", async () => {
    const path = written(
      "wrong.yaml",
      "dataDir: 7\ningest: { httpPrt: 1, maxBodyBytes: 7 }\nlog: { engine: redis }\nnotify: { sinks: [{ kind: pager }] }\n",
    );
    const { code, stderr } = await foreshock(["check-config", path], {
      env: { FORESHOCK_CONSOLE_PROT: "1" },
    });
    expect(code).toBe(2);
    expect(stderr).toContain(`6 mistakes in the configuration (${path})`);
    expect(stderr).toMatch(/dataDir: 7: .*string/);
    expect(stderr).toMatch(/ingest\.httpPrt: no such key; did you mean httpPort\?/);
    expect(stderr).toMatch(/ingest\.maxBodyBytes: 7: .*1024/);
    expect(stderr).toMatch(/log\.engine: "redis": .*"lmdb"/);
    expect(stderr).toMatch(/notify\.sinks\.0\.kind: "pager": .*terminal/);
    expect(stderr).toMatch(
      /FORESHOCK_CONSOLE_PROT: no such setting; did you mean FORESHOCK_CONSOLE_PORT\?/,
    );
  });
});

const fleetYaml = "requestsPerSecond: 6\ntenants: 12\n";
const troubleYaml = `
scenario: trouble
title: Most calls fail
about: A short run for tests.
kind: fault
startHourUtc: 14
quietMinutes: 6
holdMinutes: 2
faults:
  - name: errors
    target: { operation: [chat, stream] }
    effect: { kind: error, classes: { server_error: 1 } }
    ramp: { shape: step }
    to: 0.7
    recoverMinutes: 0
`;

describe("foreshock fleet and replay", () => {
  const simulate = (out: string, seed: string) =>
    foreshock([
      "fleet",
      ...[
        "--fleet",
        written("fleet.yaml", fleetYaml),
        "--scenario",
        written("trouble.yaml", troubleYaml),
      ],
      ...["--seed", seed, "--minutes", "11", "--out", file(out)],
    ]);
  const replay = (capture: string, name: string) =>
    foreshock([
      ...[
        "replay",
        file(capture),
        "--incidents",
        file(`${name}.jsonl`),
        "--requests",
        file(`${name}.json`),
      ],
      ...["--config", written("quick.yaml", "judgement: { detect: { warmUpWindows: 20 } }\n")],
    ]);

  beforeAll(async () => {
    const runs = await Promise.all([
      simulate("a.fsc", "3"),
      simulate("b.fsc", "3"),
      simulate("c.fsc.zst", "4"),
    ]);
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array.from({ length: 3 }, () => ({ code: 0, stderr: "" })),
    );
    expect(runs[0]?.stdout).toMatch(/^\d+ requests, \d+ failed, in /);
    expect(runs[0]?.stdout).toContain(`Next: foreshock replay ${file("a.fsc")}`);
  });

  it("gives the same bytes for the same seed, and others for another", () => {
    expect(hashOf("a.fsc")).toBe(hashOf("b.fsc"));
    expect(hashOf("a.fsc.truth.jsonl")).toBe(hashOf("b.fsc.truth.jsonl"));
    expect(hashOf("a.fsc.truth.jsonl")).not.toBe(hashOf("c.fsc.zst.truth.jsonl"));
  });

  it("says what would have been alerted, in lines for programs that are the same each time", async () => {
    const [first, second] = await Promise.all([
      replay("a.fsc", "first"),
      replay("b.fsc", "second"),
    ]);
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(/^PAGE {2}/m);
    expect(first.stdout).toMatch(
      /^\d+ records \(0 not readable\), \d+ windows, .* 1 incidents, 1 pages/m,
    );
    expect(second.stdout).toBe(first.stdout);
    expect(hashOf("first.jsonl")).toBe(hashOf("second.jsonl"));
    expect(hashOf("first.json")).toBe(hashOf("second.json"));

    const transitions = linesOf("first.jsonl");
    expect(transitions.map(({ transition }) => transition)).toContain("paged");
    for (const line of transitions) {
      const { forecast, ...rest } = line;
      expect(rest).toEqual({
        incident: expect.stringMatching(/\S/),
        at: expect.stringMatching(/^2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        transition: expect.stringMatching(/^(opened|ticketed|paged|grew|acknowledged|resolved)$/),
        severity: expect.stringMatching(/^(page|ticket|none)$/),
        title: expect.stringMatching(/\S/),
        dimensions: expect.any(Array),
        cells: expect.any(Number),
        degraded_share: expect.any(Number),
        signals: expect.any(Array),
        reason: expect.stringMatching(/\S/),
      });
      if (forecast !== undefined)
        expect(Object.keys(forecast)).toEqual(["breach_low", "breach_median", "breach_high"]);
    }
  });

  it("counts every model call that the fleet made", () => {
    const rows = JSON.parse(readFileSync(file("first.json"), "utf8"));
    expect(Object.keys(rows[0])).toEqual([
      ...["provider", "model", "operation", "outcome", "count"],
      ...["input_tokens", "output_tokens", "ttft_p50_s"],
    ]);
    const [header, ...windows] = linesOf("a.fsc.truth.jsonl");
    expect(header.requests).toBeGreaterThan(0);
    expect(windows.length).toBeGreaterThan(0);
    const failed = rows.filter(({ outcome }: { outcome: string }) => outcome === "server_error");
    expect(failed.length).toBeGreaterThan(0);
  });

  it("uses what is whole of a capture that is torn, and says where", async () => {
    writeFileSync(file("torn.fsc"), readFileSync(file("a.fsc")));
    truncateSync(file("torn.fsc"), 100_001);
    const { code, stdout, stderr } = await foreshock(["replay", file("torn.fsc"), "-q"]);
    expect(stderr).toMatch(/torn\.fsc: the last record is torn at byte \d+; the rest is used\n/);
    expect(stdout).toMatch(/^\d+ records \(0 not readable\)/);
    expect(code).toBe(0);
  });

  it.each([
    { name: "empty.fsc", bytes: Buffer.alloc(0), says: /empty\.fsc: no record in it/ },
    {
      name: "garbage.fsc",
      bytes: Buffer.alloc(4_000, "garbage "),
      says: /garbage\.fsc: record at byte 0/,
    },
    {
      name: "plain.fsc.gz",
      bytes: Buffer.alloc(40, 1),
      says: /plain\.fsc\.gz does not read as gzip/,
    },
  ])("refuses $name with 2", async ({ name, bytes, says }) => {
    writeFileSync(file(name), bytes);
    const { code, stderr } = await foreshock(["replay", file(name)]);
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
  });
});

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
      { provider: "openai", model: "gpt-4o", operation: "chat", outcome: "server_error", count: 1 },
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
