/** What a test needs of the machine. The reason why a tool is missing is the text a skipped test prints. */
import { spawnSync } from "node:child_process";

/** Undefined when the program can be started; else a sentence that says what is missing. */
export function needs(tool: string): string | undefined {
  const found = spawnSync(tool, ["--version"], { stdio: "ignore" });
  return found.error === undefined
    ? undefined
    : `${tool} is not installed (${found.error.message})`;
}
