/** What a test needs of the machine. The reason why a tool is missing is the text a skipped test prints. */
import { spawnSync } from "node:child_process";

/** Undefined when the program can be started; else a sentence that says what is missing. */
export function needs(tool: string): string | undefined {
  const found = spawnSync(tool, ["--version"], { stdio: "ignore" });
  return found.error === undefined
    ? undefined
    : `${tool} is not installed (${found.error.message})`;
}

/** The same of Go, in a version that fetches the toolchain that a module asks for (1.21 or newer). */
export function needsGo(): string | undefined {
  const found = spawnSync("go", ["version"], { encoding: "utf8" });
  if (found.error !== undefined) return `go is not installed (${found.error.message})`;
  const [, major = "0", minor = "0"] = /go(\d+)\.(\d+)/.exec(found.stdout) ?? [];
  const isNew = Number(major) > 1 || Number(minor) >= 21;
  return isNew ? undefined : `go ${major}.${minor} is too old, 1.21 is needed`;
}
