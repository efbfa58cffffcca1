/** A real Alertmanager on loopback, in a directory of its own. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { needs } from "./needs.ts";

const run = promisify(execFile);

/** Why there is no Alertmanager here, undefined when there is one. */
export const needsAlertmanager = (): string | undefined =>
  needs("prometheus-alertmanager") ?? needs("amtool");

export interface Alertmanager extends AsyncDisposable {
  readonly url: string;
  amtool(...args: readonly string[]): Promise<string>;
  /** Alerts that fit the matchers, silenced ones too. */
  alerts(...matchers: readonly string[]): Promise<readonly SeenAlert[]>;
}

export interface SeenAlert {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly status: { readonly state: string; readonly silencedBy: readonly string[] };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const nobody = "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n";

/** `configuration` is Alertmanager's, in YAML. */
export async function startAlertmanager(configuration = nobody): Promise<Alertmanager> {
  const folder = await mkdtemp(join(tmpdir(), "foreshock-alertmanager-"));
  const config = join(folder, "alertmanager.yml");
  await writeFile(config, configuration);
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    "prometheus-alertmanager",
    [
      `--config.file=${config}`,
      `--storage.path=${join(folder, "data")}`,
      `--web.listen-address=${new URL(url).host}`,
      "--cluster.listen-address=",
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  for (let tries = 0; ; tries++) {
    const isReady = await fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) break;
    if (tries > 200 || child.exitCode !== null) throw new Error("Alertmanager did not come up");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const amtool = async (...args: readonly string[]) => {
    const { stdout } = await run("amtool", [`--alertmanager.url=${url}`, ...args]);
    return stdout;
  };
  const everything = ["--silenced", "--active", "--unprocessed", "-o", "json"];
  return {
    url,
    amtool,
    alerts: async (...matchers) =>
      JSON.parse(await amtool("alert", "query", ...matchers, ...everything)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
