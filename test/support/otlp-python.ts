import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { needs } from "./needs.ts";

const run = promisify(execFile);
const version = "1.45.2";
const cached = join(tmpdir(), `foreshock-otlp-python-${version}`);

/** Why the Python SDK cannot be run here, or undefined. */
export function needsPython(): string | undefined {
  const missing = needs("python3");
  if (missing !== undefined) return missing;
  const modules = spawnSync("python3", ["-c", "import venv, ensurepip"], { stdio: "ignore" });
  return modules.status === 0 ? undefined : "python3 has no venv and pip (python3-venv)";
}

/**
 * The Python of a virtual environment with the OpenTelemetry SDK and its OTLP exporters. It is installed once and kept
 * under the system's temporary folder; a half-made one is never seen under the final name.
 */
export async function pythonWithSdk(): Promise<string> {
  const python = join(cached, "bin", "python");
  if (existsSync(join(cached, "complete"))) return python;
  const making = await mkdtemp(join(tmpdir(), "foreshock-otlp-python-making-"));
  try {
    await run("python3", ["-m", "venv", making]);
    const packages = [`opentelemetry-sdk==${version}`, `opentelemetry-exporter-otlp==${version}`];
    // Console scripts name the folder they were made in; only python itself is used, which can be moved.
    await run(join(making, "bin", "python"), ["-m", "pip", "install", "--quiet", ...packages]);
    await writeFile(join(making, "complete"), "");
    await rename(making, cached);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(join(cached, "complete"))) throw error;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return python;
}
