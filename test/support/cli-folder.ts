/** A folder for the files that one file of tests makes with the command line. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** No history: the tests are about the commands. */
export const lean = { FORESHOCK_HISTORY_ENGINE: "none", FORESHOCK_LOG_LEVEL: "warn" };

/** Call at the top of a test file; the folder is removed after its last test. */
export function cliFolder() {
  const folder = mkdtempSync(join(tmpdir(), "foreshock-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const file = (name: string) => join(folder, name);
  return {
    folder,
    file,
    written: (name: string, text: string) => {
      writeFileSync(file(name), text);
      return file(name);
    },
    hashOf: (name: string) =>
      createHash("sha256")
        .update(readFileSync(file(name)))
        .digest("hex"),
    linesOf: (name: string) =>
      readFileSync(file(name), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    inData: (name: string) => ({ env: { ...lean, FORESHOCK_DATA_DIR: file(name) } }),
  };
}
