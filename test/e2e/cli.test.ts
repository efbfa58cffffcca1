/** The command line as people and scripts use it: real processes, their output and their exit codes. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cliFolder, lean } from "../support/cli-folder.ts";
import { foreshock } from "../support/foreshock-process.ts";

const { folder, file, written, inData } = cliFolder();

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
