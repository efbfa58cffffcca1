import { readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ForeshockError } from "../contracts/errors.ts";

const lockName = "owner.json";
/** Directories that this very process owns; its own pid in a lock file says nothing about that. */
const ownedHere = new Set<string>();

export interface DirectoryLock {
  release(): void;
}

interface Owner {
  readonly pid: number;
  /** Tells a process from a later one with the same pid; undefined where the system does not say. */
  readonly started: string | undefined;
}

/** Throws `log_owned` if this process already owns the directory. */
export function refuseSecondOwnerHere(directory: string): void {
  if (ownedHere.has(realpathSync(directory))) throw ownedError(directory, process.pid);
}

/**
 * Makes this process the owner of a directory, by a lock file with its pid; takes over the lock of a
 * process that is gone. Throws `log_owned` naming directory and pid. Must run while no other process can
 * run it on the same directory (the caller brings that mutex), and sees only processes of this machine
 * and pid namespace.
 */
export function acquireDirectoryLock(directory: string): DirectoryLock {
  refuseSecondOwnerHere(directory);
  const real = realpathSync(directory);
  const path = join(real, lockName);
  const owner = readOwner(path);
  if (owner !== undefined && isAlive(owner)) throw ownedError(directory, owner.pid);
  const mine = `${path}.${process.pid}`;
  const self: Owner = { pid: process.pid, started: processStarted(process.pid) };
  writeFileSync(mine, JSON.stringify(self));
  renameSync(mine, path);
  ownedHere.add(real);
  let isReleased = false;
  return {
    release() {
      if (isReleased) return;
      isReleased = true;
      ownedHere.delete(real);
      rmSync(path, { force: true });
    },
  };
}

/** Undefined when there is no lock file, or one that was never finished (then its writer died). */
function readOwner(path: string): Owner | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof parsed !== "object" || parsed === null || !("pid" in parsed)) return undefined;
    if (typeof parsed.pid !== "number") return undefined;
    const started = "started" in parsed ? parsed.started : undefined;
    return { pid: parsed.pid, started: typeof started === "string" ? started : undefined };
  } catch {
    return undefined;
  }
}

function isAlive(owner: Owner): boolean {
  const started = processStarted(owner.pid);
  const canTell = started !== undefined && owner.started !== undefined;
  // Our own pid is another thread of ours, or of a process before us, as in a restarted container.
  if (canTell || owner.pid === process.pid) return canTell && started === owner.started;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** Boot and start time of a process on Linux, else undefined. */
function processStarted(pid: number): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name, in brackets, may hold blanks; the start time is field 22, the 20th after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A killed process that its parent has not yet collected owns nothing any more.
    if (fields[0] === "Z" || fields[0] === "X") return "ended";
    return `${boot}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function ownedError(directory: string, pid: number): ForeshockError {
  return new ForeshockError(
    "log_owned",
    `log directory ${directory} is owned by process ${pid}; stop it, or use another directory`,
  );
}
