/** Simulated fleets, their captures and what replay makes of them, as people and scripts use them. */
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { cliFolder } from "../support/cli-folder.ts";
import { foreshock } from "../support/foreshock-process.ts";

const { file, written, hashOf, linesOf } = cliFolder();

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
