/** A real OpenTelemetry Collector with the components that Foreshock's users need, built once for this user with Go. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { needsGo } from "./needs.ts";

/** Components of one build, all of one version. */
export interface CollectorBuild {
  readonly version: string;
  readonly core: readonly string[];
  readonly contrib: readonly string[];
}

/** What `services/deploy/collector.yaml` uses, and the exporter to ClickHouse: one build for all tests. */
export const collectorForTests: CollectorBuild = {
  version: "v0.155.0",
  core: ["receiver/otlpreceiver", "processor/memorylimiterprocessor"],
  contrib: [
    "processor/transformprocessor",
    "exporter/kafkaexporter",
    "exporter/clickhouseexporter",
    "extension/storage/filestorage",
    "extension/healthcheckextension",
  ],
};

const contribPath = "github.com/open-telemetry/opentelemetry-collector-contrib";
const builtLimitMs = 20 * 60_000;

/** Why a Collector cannot be built here, undefined when it can, or is there. */
export function needsCollector(build: CollectorBuild): string | undefined {
  return existsSync(programOf(build)) ? undefined : needsGo();
}

const directoryOf = (build: CollectorBuild) => {
  const hash = createHash("sha256").update(manifestOf(build)).digest("hex").slice(0, 12);
  return join(homedir(), ".cache", `foreshock-collector-${build.version}-${hash}`);
};
const programOf = (build: CollectorBuild) => join(directoryOf(build), "otelcol");

/** Path of the program; the first call builds it, which takes minutes. */
export function buildCollector(build: CollectorBuild): string {
  const program = programOf(build);
  if (existsSync(program)) return program;
  const directory = directoryOf(build);
  mkdirSync(directory, { recursive: true });
  const work = mkdtempSync(join(directory, "build-"));
  writeFileSync(join(work, "manifest.yaml"), manifestOf(build));
  try {
    const builder = `go.opentelemetry.io/collector/cmd/builder@${build.version}`;
    // It writes sources and go.mod, then tidies, which also wants what only the components' tests need, and may lack: what
    // matters is whether the program builds.
    const made = spawnGo(work, ["run", builder, "--config=manifest.yaml", "--skip-compilation"]);
    const source = join(work, "source");
    if (made.failure !== undefined && !existsSync(join(source, "go.mod")))
      throw new Error(made.failure);
    const { failure } = spawnGo(source, [
      "build",
      ...["-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", "otelcol", "."],
    ]);
    if (failure !== undefined) throw new Error(failure);
    // Whole or not there; whoever was quicker has built the same.
    renameSync(join(work, "source", "otelcol"), program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

function manifestOf({ version, core, contrib }: CollectorBuild): string {
  const modules = [
    ...core.map((path) => `go.opentelemetry.io/collector/${path}`),
    ...contrib.map((path) => `${contribPath}/${path}`),
  ];
  const kinds = ["receiver", "processor", "exporter", "extension"];
  const sections = kinds.flatMap((kind) => {
    const own = modules.filter((path) => path.split("/").includes(kind));
    return own.length === 0
      ? []
      : [`${kind}s:`, ...own.map((path) => `  - gomod: ${path} ${version}`)];
  });
  const dist = `dist: { module: foreshock.test/collector, name: otelcol, output_path: source, version: ${version.slice(1)} }`;
  return `${[dist, ...sections].join("\n")}\n`;
}

function spawnGo(cwd: string, args: readonly string[]): { readonly failure: string | undefined } {
  const run = spawnSync("go", args, { cwd, encoding: "utf8", timeout: builtLimitMs });
  if (run.status === 0) return { failure: undefined };
  return { failure: `go ${args[0]} failed: ${run.error ?? ""}${run.stdout}${run.stderr}` };
}

/** What `otelcol validate` says against a configuration; empty when it is valid. */
export function validateCollectorConfig(program: string, file: string): string {
  const run = spawnSync(program, ["validate", `--config=${file}`], { encoding: "utf8" });
  return run.status === 0 ? "" : `${run.stdout}${run.stderr}` || `ended with ${run.status}`;
}

export interface RunningCollector extends AsyncDisposable {
  /** `http://host:port` of OTLP over HTTP. */
  readonly url: string;
  readonly pid: number;
  /** What it has logged. */
  readonly said: () => string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a Collector on a configuration that takes its ports from the environment, as ours does. */
export async function startCollector(
  program: string,
  options: { readonly config: string; readonly env: Readonly<Record<string, string>> },
): Promise<RunningCollector> {
  const queue = options.env["FORESHOCK_COLLECTOR_QUEUE"] ?? mkdtempSync(join(tmpdir(), "otelcol-"));
  const [grpc, http, health, metrics] = await freePorts(4);
  const child: ChildProcess = spawn(program, [`--config=${options.config}`], {
    env: {
      PATH: process.env["PATH"],
      FORESHOCK_COLLECTOR_GRPC_PORT: String(grpc),
      FORESHOCK_COLLECTOR_HTTP_PORT: String(http),
      FORESHOCK_COLLECTOR_HEALTH_PORT: String(health),
      FORESHOCK_COLLECTOR_METRICS_PORT: String(metrics),
      FORESHOCK_COLLECTOR_QUEUE: queue,
      ...options.env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, "exit");
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  const isUp = () =>
    fetch(`http://127.0.0.1:${health}/`).then(
      (answer) => answer.ok,
      () => false,
    );
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`the Collector ended: ${said}`);
    await wait(100);
  }
  return {
    url: `http://127.0.0.1:${http}`,
    pid: child.pid ?? -1,
    said: () => said,
    kill,
    async [Symbol.asyncDispose]() {
      await kill("SIGTERM");
      if (options.env["FORESHOCK_COLLECTOR_QUEUE"] === undefined)
        rmSync(queue, { recursive: true, force: true });
    },
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  return await Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      server.close();
      await once(server, "close");
      return typeof address === "object" && address !== null ? address.port : 0;
    }),
  );
}
