/** One life of the whole application in a process of its own, with a crash point armed. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { StageName } from "../../services/stage.ts";

const program = join(import.meta.dirname, "kill-process.ts");

export interface Life {
  /** Resolves with the base URL of OTLP over HTTP, or undefined when the process ended before it listened. */
  readonly listening: Promise<string | undefined>;
  readonly ended: Promise<Ending>;
  /** Lets the process know the time, Unix ms. */
  setTime(ms: number): void;
  kill(): void;
}

export interface Ending {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  /** The last of what it wrote to standard error. */
  readonly lastWords: string;
}

export interface LifeOptions {
  readonly configFile: string;
  /** `name:n` of services/runtime/crash-points.ts; undefined: it dies only when it is killed. */
  readonly crashAt: string | undefined;
  /** None: all. */
  readonly stages?: readonly StageName[];
  /** Where time goes on, Unix ms; undefined: it is the machine's. */
  readonly startMs: number | undefined;
}

export function startLife({ configFile, crashAt, startMs, stages = [] }: LifeOptions): Life {
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      program,
      configFile,
      String(startMs ?? "real"),
      ...stages,
    ],
    {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...process.env, FORESHOCK_CRASH_AT: crashAt ?? "" },
    },
  );
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString("utf8")).slice(-8_000);
  });
  const ended = new Promise<Ending>((resolve) => {
    child.once("error", (error) => resolve({ signal: null, code: null, lastWords: String(error) }));
    // Not "close": the history engine holds the pipe a moment longer.
    child.once("exit", (code, signal) => resolve({ signal, code, lastWords: words }));
  });
  const listening = new Promise<string | undefined>((resolve) => {
    child.once("message", (address) => resolve(urlOf(String(address))));
    void ended.then(() => resolve(undefined));
  });
  return {
    listening,
    ended,
    setTime: (ms) => {
      if (child.connected) child.send(ms, () => {});
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

export const urlOf = (address: string): string =>
  address.startsWith("http") ? address : `http://${address}`;
