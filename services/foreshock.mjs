#!/usr/bin/env node
// The way in. Runs on any Node ≥ 20 with no packages installed: installs what the lock file names,
// then hands over to the Node that came with it, which runs TypeScript sources as they are.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const startedAtMs = Date.now();

/** Installs the packages when the lock file is newer than what is installed; returns seconds taken, 0 if nothing was to do. */
function install() {
  const lock = join(root, "package-lock.json");
  if (!existsSync(lock)) return 0;
  const wanted = createHash("sha256").update(readFileSync(lock)).digest("hex");
  const stamp = join(root, "node_modules", ".foreshock-lock");
  const installed =
    existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && existsSync(bundledNode());
  if (installed) return 0;
  process.stderr.write("foreshock: installing packages (once, about half a minute) …\n");
  // Not `npm ci`: it refuses the lock file on a registry that lacks packages of other platforms.
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const done = spawnSync(
    npm,
    ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32",
    },
  );
  if (done.status !== 0) {
    process.stderr.write(
      `foreshock: 'npm install' ended with ${done.status ?? done.signal ?? done.error?.message}. Run it by hand in ${root} to see why.\n`,
    );
    process.exit(69);
  }
  writeFileSync(stamp, wanted);
  return (Date.now() - startedAtMs) / 1000;
}

/** The Node that the packages brought along; falls back to the running one where no package fits the platform. */
function bundledNode() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  for (const folder of [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
    `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`,
  ]) {
    for (const path of [
      join(root, "node_modules", folder, "bin", name),
      join(root, "node_modules", folder, name),
    ]) {
      if (existsSync(path)) return path;
    }
  }
  return process.execPath;
}

const installedSeconds = install();
const node = bundledNode();
const major = Number((node === process.execPath ? process.versions.node : "26").split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `foreshock: no bundled Node for ${process.platform}-${process.arch}, and ${process.version} cannot run TypeScript sources. Install Node 24 or newer.\n`,
  );
  process.exit(69);
}

let args = process.argv.slice(2);
let entry = join(root, "services", "main.ts");
if (args[0] === "--script") {
  entry = resolve(root, args[1]);
  args = args.slice(2);
}
// Records and blocks pass as buffers outside the heap, hundreds of megabytes a second. Collecting for their sake, with a heap that
// starts small, would cost a fifth of all CPU time.
const memoryFlags = [
  "--external-memory-accounted-in-global-limit",
  "--initial-old-space-size=256",
  "--min-semi-space-size=16",
];
const child = spawn(
  node,
  ["--disable-warning=ExperimentalWarning", ...memoryFlags, entry, ...args],
  {
    // The channel carries nothing: its end tells the child that this process is no more, however that came about.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      PATH: `${dirname(node)}${process.platform === "win32" ? ";" : ":"}${process.env.PATH ?? ""}`,
      // Sources are compiled once, not at every start; where the folder can't be written, nothing is kept.
      NODE_COMPILE_CACHE:
        process.env.NODE_COMPILE_CACHE ?? join(root, "node_modules", ".cache", "foreshock"),
      FORESHOCK_STARTED_AT_MS: String(startedAtMs),
      FORESHOCK_INSTALLED_SECONDS: String(installedSeconds),
    },
  },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  if (signal) process.exit(128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15, SIGHUP: 1 }[signal] ?? 1));
  process.exit(code ?? 1);
});
