/**
 * The process that owns chDB. It is started by `embedded.ts`, told once what to serve, and ends with its
 * parent: an engine whose owner is gone would keep the directory locked.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { flushCompileCache } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { FromChild, StartMessage, ToChild } from "./embedded-messages.ts";
import { type Engine, openEngine } from "./http-interface/engine.ts";
import { createHttpServer } from "./http-interface/http-server.ts";
import { spoolFolder, spoolPrefix } from "./http-interface/request-body.ts";

let engine: Engine | undefined;
let server: Server | undefined;

const tell = (message: FromChild) => process.send?.(message);

/** Ends at once: the engine's own exit handlers may wait for queries, and stored data survives any kill. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
}

process.on("disconnect", die);
// A terminal's interrupt reaches the whole group; the parent decides when this process stops.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("message", (message: ToChild) => {
  if (message.type === "start") start(message).catch((error: unknown) => fail("engine", error));
  else stop();
});

async function start(options: StartMessage): Promise<void> {
  removeAbandonedSpools();
  mkdirSync(options.directory, { recursive: true });
  const opened = await openEngine({
    directory: options.directory,
    databases: [
      options.database,
      ...options.accounts.flatMap(({ principal }) =>
        principal.role === "writer" ? [principal.database] : [],
      ),
    ],
    maxQueryMs: options.queryLimits.maxExecutionSeconds * 1000,
    onHang: (sql) => {
      process.stderr.write(`a statement hangs, the engine restarts: ${sql.slice(0, 200)}\n`);
      die();
    },
  });
  engine = opened;
  const listening = createHttpServer({
    engine: opened,
    accounts: options.accounts,
    database: options.database,
    queryLimits: options.queryLimits,
    bodyLimits: options.bodyLimits,
  });
  server = listening;
  listening.on("error", (error) => fail("port", error));
  listening.listen(options.port, options.host, () => {
    const { port } = listening.address() as AddressInfo;
    tell({ type: "ready", port, version: opened.version });
    // This process never ends by itself: what was compiled is kept for the next one now.
    flushCompileCache();
  });
}

function fail(reason: "engine" | "port", error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.send?.({ type: "failed", reason, message } satisfies FromChild, () => die());
}

function stop(): void {
  const finish = () => {
    engine?.close();
    process.exit(0);
  };
  if (server === undefined) {
    finish();
  } else {
    server.close(finish);
    server.closeIdleConnections();
  }
}

/** Data files of inserts that a killed predecessor could not remove. */
function removeAbandonedSpools(): void {
  for (const name of readdirSync(spoolFolder)) {
    if (!name.startsWith(spoolPrefix)) continue;
    const owner = Number(name.slice(spoolPrefix.length).split("-")[0]);
    if (owner === process.pid || isAlive(owner)) continue;
    rmSync(join(spoolFolder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
