/** Where the libraries are installed: virtual environments and npm folders under the system's temporary folder, kept for the next run. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LibraryRun } from "./library-run.ts";
import { type LibraryEnvironment, libraryEnvironments } from "./packages.ts";

const run = promisify(execFile);
const installMs = 600_000;

export const environmentsFolder = join(tmpdir(), "foreshock-libraries");

export function environmentOf({ name, environment }: LibraryRun): LibraryEnvironment {
  const found = libraryEnvironments[environment];
  if (found === undefined) throw new Error(`${name}: there is no environment ${environment}`);
  return found;
}

/** Folder of the environment, with its packages installed. */
export async function install(library: LibraryRun): Promise<string> {
  const { environment } = library;
  const { language, packages } = environmentOf(library);
  const folder = join(environmentsFolder, environment);
  const complete = join(folder, "complete");
  if (existsSync(complete)) return folder;
  mkdirSync(folder, { recursive: true });
  if (language === "python") {
    await run("python3", ["-m", "venv", folder]);
    await run(join(folder, "bin", "pip"), ["install", "--quiet", ...packages], {
      timeout: installMs,
    });
  } else {
    writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
    await run("npm", ["install", "--no-audit", "--no-fund", ...packages], {
      cwd: folder,
      timeout: installMs,
    });
  }
  writeFileSync(complete, "");
  return folder;
}

/** Installed versions by package. */
export async function versionsIn(
  folder: string,
  library: LibraryRun,
): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  const isPython = environmentOf(library).language === "python";
  for (const name of library.named) {
    const script = isPython
      ? `import importlib.metadata as m; print(m.version(${JSON.stringify(name)}))`
      : `console.log(JSON.parse(require("fs").readFileSync("node_modules/${name}/package.json")).version)`;
    const program = isPython ? join(folder, "bin", "python") : process.execPath;
    const flag = isPython ? "-c" : "-e";
    const { stdout } = await run(program, [flag, script], { cwd: folder });
    versions[name] = stdout.trim();
  }
  return versions;
}
