/** Panels' queries through the Go client that Grafana's data source is built on. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Result } from "./compare.ts";

const run = promisify(execFile);
const source = fileURLToPath(new URL("../clickhouse-go/", import.meta.url));

export interface GoClient extends AsyncDisposable {
  readonly program: string;
}

/** Go's cache makes every build but the first a matter of a second. */
export async function buildGoClient(): Promise<GoClient> {
  const folder = await mkdtemp(join(tmpdir(), "foreshock-go-"));
  const program = join(folder, "client");
  await run("go", ["build", "-buildvcs=false", "-o", program, "."], { cwd: source });
  return {
    program,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface GoResult extends Result {
  readonly error?: string;
}

/** Runs the statements one after the other, without an account. */
export async function askThroughGo(
  program: string,
  port: number,
  statements: readonly string[],
): Promise<readonly GoResult[]> {
  const child = spawn(program, [
    `127.0.0.1:${port}`,
    "default",
    "",
    "foreshock",
    "gzip",
    "queries",
  ]);
  child.stdin.end(JSON.stringify(statements));
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (error !== "") throw new Error(error);
  return JSON.parse(out) as GoResult[];
}
