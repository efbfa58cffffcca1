/**
 * `npm test`: every tier that this machine can run, one after the other, with a table at the end. A tier or test that
 * can't run is named with its reason; with CI=true a skip is a failure.
 *
 *   npm test                          everything
 *   npm test -- --only unit,property  some tiers
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { checks } from "./checks/checks.ts";
import { scriptFlags } from "./support/script-flags.ts";

const root = resolve(dirname(import.meta.filename), "..");
const tiers = ["unit", "property", "contract", "integration", "e2e"] as const;
const values = scriptFlags(import.meta.filename, { only: { type: "string" } });
const wanted = values.only?.split(",") ?? ["checks", ...tiers];
const isCi = process.env["CI"] === "true";

interface Row {
  readonly tier: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
  readonly seconds: number;
}

function run(command: string, args: readonly string[]): number {
  return spawnSync(command, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}

function runChecks(): Row {
  const startedMs = performance.now();
  let passed = 0;
  let failed = 0;
  for (const check of checks(root)) {
    const problem = check.run();
    process.stdout.write(`${problem === undefined ? " ✓" : " ✗"} ${check.name}\n`);
    if (problem === undefined) passed++;
    else {
      failed++;
      process.stdout.write(`${problem}\n`);
    }
  }
  return {
    tier: "checks",
    passed,
    failed,
    skipped: [],
    seconds: (performance.now() - startedMs) / 1000,
  };
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
  readonly testResults: readonly {
    readonly status: string;
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function runTier(tier: string, folder: string): Row {
  const startedMs = performance.now();
  const file = join(folder, `${tier}.json`);
  const status = run(process.execPath, [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--config",
    "test/vitest.config.ts",
    "--project",
    tier,
    "--reporter=dot",
    "--reporter=json",
    `--outputFile.json=${file}`,
  ]);
  const seconds = (performance.now() - startedMs) / 1000;
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(file, "utf8")) as VitestReport;
  } catch {
    return { tier, passed: 0, failed: 1, skipped: [], seconds };
  }
  const skipped = report.testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(
        ({ status: outcome }) =>
          outcome === "skipped" || outcome === "pending" || outcome === "todo",
      )
      .map(({ fullName }) => fullName),
  );
  const brokenFiles = report.testResults.filter(
    ({ status: outcome, assertionResults }) =>
      outcome === "failed" && !assertionResults.some((test) => test.status === "failed"),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    tier,
    passed: report.numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped,
    seconds,
  };
}

const folder = mkdtempSync(join(tmpdir(), "foreshock-test-"));
const rows: Row[] = [];
try {
  if (wanted.includes("checks")) rows.push(runChecks());
  for (const tier of tiers) if (wanted.includes(tier)) rows.push(runTier(tier, folder));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

process.stdout.write("\n tier          passed  failed  skipped  seconds\n");
for (const { tier, passed, failed, skipped, seconds } of rows)
  process.stdout.write(
    ` ${tier.padEnd(12)} ${String(passed).padStart(7)} ${String(failed).padStart(7)} ${String(skipped.length).padStart(8)} ${seconds.toFixed(0).padStart(8)}\n`,
  );
for (const { tier, skipped } of rows)
  for (const name of skipped) process.stdout.write(` skipped in ${tier}: ${name}\n`);
const total = (pick: (row: Row) => number) => rows.reduce((sum, row) => sum + pick(row), 0);
const [passed, failed, skipped] = [
  total((row) => row.passed),
  total((row) => row.failed),
  total((row) => row.skipped.length),
];
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
if (isCi && skipped > 0)
  process.stdout.write("A skip in CI is a failure: install what the test needs in .ci/run.\n");
process.exitCode = failed > 0 || passed === 0 || (isCi && skipped > 0) ? 1 : 0;
