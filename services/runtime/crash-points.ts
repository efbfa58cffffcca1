/**
 * Named points at which a process can be made to die at once, so that tests can show what survives. Inert unless
 * `FORESHOCK_CRASH_AT=name:n` is set: the n-th time that `name` is passed, the process kills itself with SIGKILL.
 */
export const crashPoints = [
  "reducer:aggregate:after-append",
  "reducer:aggregate:after-checkpoint",
  "reducer:aggregate:after-commit",
  "reducer:detect:after-append",
  "reducer:detect:after-checkpoint",
  "reducer:detect:after-commit",
  "reducer:incident:after-append",
  "reducer:incident:after-checkpoint",
  "reducer:incident:after-commit",
  "checkpoint:after-chunks",
  "archive:after-intent",
  "archive:after-insert",
  "archive:after-commit",
  "notify:after-sink",
  "notify:after-append",
  "notify:after-checkpoint",
  "notify:after-commit",
  "ingest:after-append",
] as const;

export type CrashPoint = (typeof crashPoints)[number];

const [wantedName, wantedTime = "1"] = splitLast(process.env["FORESHOCK_CRASH_AT"] ?? "");
let timesPassed = 0;

export function crashPoint(name: CrashPoint): void {
  if (name !== wantedName) return;
  timesPassed++;
  if (timesPassed === Number(wantedTime)) process.kill(process.pid, "SIGKILL");
}

function splitLast(text: string): [string, string | undefined] {
  const at = text.lastIndexOf(":");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
