import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { headerOf } from "../support/script-flags.ts";

const script = fileURLToPath(new URL("../bench/nulls.ts", import.meta.url));
const run = (...args: string[]) =>
  spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });

test("help is the comment that a source begins with", () => {
  expect(headerOf('/**\n * What.\n *   how -- [--x]\n */\nimport "y";\n/** Other. */')).toBe(
    "What.\n  how -- [--x]\n",
  );
});

test("a script prints its help, and says which flag it doesn't know", () => {
  const help = run("--help");
  expect(help).toMatchObject({ status: 0, stderr: "" });
  expect(help.stdout).toContain("npm run bench:nulls -- [--runs 10000]");
  const wrong = run("--runz", "3");
  expect(wrong).toMatchObject({ status: 64, stdout: "" });
  expect(wrong.stderr).toBe("Unknown option '--runz'\n--help says what there is.\n");
});
