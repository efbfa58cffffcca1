/** Foreshock as people start it: a process of its own, over the command line. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

const entry = resolve(import.meta.dirname, "../../services/foreshock.mjs");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  /** Beside the environment of the test, without what is Foreshock's or OpenTelemetry's in it. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Every port free, nothing of the machine's own settings. */
const environment = (more: Readonly<Record<string, string>> = {}) => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(FORESHOCK|OTEL)_/.test(name)),
  ),
  FORESHOCK_INGEST_GRPC_PORT: "0",
  FORESHOCK_INGEST_HTTP_PORT: "0",
  FORESHOCK_HISTORY_HTTP_PORT: "0",
  FORESHOCK_CONSOLE_PORT: "0",
  FORESHOCK_METRICS_PORT: "0",
  ...more,
});

/** A process that runs until it is stopped. */
export interface RunningProcess extends AsyncDisposable {
  /** Waits for the addresses that it prints when it is up; throws with its output when it ends instead. */
  addresses(): Promise<Readonly<Record<string, string>>>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
  /** Resolves at the end, whoever brings it about. */
  readonly ended: Promise<Ended>;
}

export function startForeshock(
  args: readonly string[],
  options: ProcessOptions = {},
): RunningProcess {
  const child: ChildProcess = spawn(process.execPath, [entry, ...args], {
    env: environment(options.env),
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = once(child, "close").then(([code]): Ended => ({ code, stdout, stderr }));

  async function addresses() {
    for (;;) {
      const found = addressesIn(stderr);
      if (found !== undefined) return found;
      const end = await Promise.race([ended, once(child.stderr as NodeJS.ReadableStream, "data")]);
      if ("code" in end) throw new Error(`foreshock ${args.join(" ")} ended: ${stderr}${stdout}`);
    }
  }

  async function stop(signal: NodeJS.Signals = "SIGTERM") {
    if (child.exitCode === null) child.kill(signal);
    return ended;
  }

  return {
    addresses,
    stdout: () => stdout,
    stderr: () => stderr,
    stop,
    ended,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

/** Runs a command to its end. */
export const foreshock = (args: readonly string[], options?: ProcessOptions): Promise<Ended> =>
  startForeshock(args, options).ended;

/** The lines between the greeting and the place of the data, once all of them are there. */
function addressesIn(output: string): Record<string, string> | undefined {
  const [, after] = output.split("Foreshock is watching.\n");
  if (after === undefined || !/^ {2}data /m.test(after)) return undefined;
  return Object.fromEntries(
    [...after.matchAll(/^ {2}(\S.*?) {2,}(\S+)$/gm)].map(([, name = "", address = ""]) => [
      name,
      address,
    ]),
  );
}
