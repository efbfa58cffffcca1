/** CPU seconds of processes, user and system, as the kernel counts them. */
import { readFileSync } from "node:fs";

/** Clock ticks a second on Linux, as `getconf CLK_TCK` says on every common machine. */
const ticksPerSecond = 100;

/** CPU seconds that a process has used so far; Linux only. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name may hold spaces and brackets; fields are counted after its closing one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
