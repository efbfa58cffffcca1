/** A real Apache Kafka on loopback, for tests: one node that is broker and controller, in a directory of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { needs } from "./needs.ts";

const version = "4.3.1";
const readyLimitMs = 120_000;

/** Why Kafka cannot be started here, undefined when it can. The first start fetches it with Maven. */
export function needsKafka(): string | undefined {
  return needs("java") ?? (existsSync(jarsDirectory()) ? undefined : needs("mvn"));
}

export interface KafkaBrokerProcess extends AsyncDisposable {
  /** `host:port`; stays over a restart. */
  readonly address: string;
  /** Another listener: SASL_PLAINTEXT with SCRAM-SHA-256 and PLAIN, for `saslUser`. */
  readonly saslAddress: string;
  /** A third: whoever comes by it is sent on to another port, where a proxy may stand. */
  readonly detour: { readonly port: number; readonly advertisedPort: number };
  /** Kills it as a crash would, keeping its data. */
  kill(): Promise<void>;
  /** Starts it again after `kill`. */
  start(): Promise<void>;
}

export const saslUser = { username: "foreshock", password: "foreshock-secret" };

export async function startKafkaBroker(): Promise<KafkaBrokerProcess> {
  const jars = fetchJars();
  const directory = mkdtempSync(join(tmpdir(), "foreshock-kafka-"));
  const [port, saslPort, controllerPort, detourPort = 0, advertisedPort = 0] = await freePorts(5);
  const file = join(directory, "server.properties");
  writeFileSync(
    file,
    properties({ directory, port, saslPort, controllerPort, detourPort, advertisedPort }),
  );
  java(jars, [
    "kafka.tools.StorageTool",
    // With "=": one id in 64 begins with a hyphen, which would be taken for an option.
    ...[
      "format",
      `--cluster-id=${Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64url")}`,
    ],
    ...["-c", file, "--add-scram"],
    `SCRAM-SHA-256=[name=${saslUser.username},password=${saslUser.password}]`,
  ]);
  let child: ChildProcess | undefined;
  const broker: KafkaBrokerProcess = {
    address: `127.0.0.1:${port}`,
    saslAddress: `127.0.0.1:${saslPort}`,
    detour: { port: detourPort, advertisedPort },
    async start() {
      child = spawn("java", javaArguments(jars, "-Xmx512m", ["kafka.Kafka", file]), {
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      child.stderr?.on("data", (chunk) => {
        said = (said + chunk).slice(-20_000);
      });
      const untilMs = Date.now() + readyLimitMs;
      while (!((await isListening(port)) && (await isListening(saslPort)))) {
        if (child.exitCode !== null || Date.now() > untilMs)
          throw new Error(`Kafka did not start:\n${said}`);
        await wait(200);
      }
    },
    async kill() {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const exited = once(running, "exit");
      running.kill("SIGKILL");
      await exited;
    },
    async [Symbol.asyncDispose]() {
      await broker.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await broker.start();
  } catch (error) {
    await broker[Symbol.asyncDispose]();
    throw error;
  }
  return broker;
}

/** Appends lines with Kafka's own Java producer, which compresses as Collectors and other clients do. */
export function produceWithJava(
  address: string,
  request: {
    readonly topic: string;
    readonly compression: string;
    readonly lines: readonly string[];
  },
): void {
  java(
    fetchJars(),
    [
      "org.apache.kafka.tools.ConsoleProducer",
      ...["--bootstrap-server", address, "--topic", request.topic],
      ...["--compression-codec", request.compression],
    ],
    `${request.lines.join("\n")}\n`,
  );
}

function cacheDirectory(): string {
  return join(homedir(), ".cache", `foreshock-kafka-${version}-with-tools`);
}

function jarsDirectory(): string {
  return join(cacheDirectory(), "jars");
}

/** Folder with Kafka's jars; fetched once for this user, and whole or not there. */
function fetchJars(): string {
  const jars = jarsDirectory();
  if (existsSync(jars)) return jars;
  mkdirSync(cacheDirectory(), { recursive: true });
  const work = mkdtempSync(join(cacheDirectory(), "fetch-"));
  const dependency = (group: string, artifact: string, wanted: string) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${wanted}</version></dependency>`;
  writeFileSync(
    join(work, "pom.xml"),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>foreshock</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><dependencies>
${dependency("org.apache.kafka", "kafka_2.13", version)}
${dependency("org.apache.kafka", "kafka-tools", version)}
${dependency("org.slf4j", "slf4j-simple", "1.7.36")}
</dependencies></project>\n`,
  );
  const copied = spawnSync(
    "mvn",
    [
      "-q",
      "-B",
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      "-DoutputDirectory=jars",
    ],
    { cwd: work, encoding: "utf8" },
  );
  if (copied.status !== 0) throw new Error(`Maven did not bring Kafka: ${copied.stdout}`);
  try {
    renameSync(join(work, "jars"), jars);
  } catch (error) {
    // Another test was quicker.
    if (!existsSync(jars)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return jars;
}

function javaArguments(jars: string, heap: string, args: readonly string[]): string[] {
  return [
    heap,
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-cp",
    `${jars}/*`,
    ...args,
  ];
}

function java(jars: string, args: readonly string[], input = ""): void {
  const run = spawnSync("java", javaArguments(jars, "-Xmx256m", args), { encoding: "utf8", input });
  if (run.status !== 0) throw new Error(`${args[0]} failed: ${run.stdout}${run.stderr}`);
}

function properties(settings: {
  readonly directory: string;
  readonly port: number | undefined;
  readonly saslPort: number | undefined;
  readonly controllerPort: number | undefined;
  readonly detourPort: number;
  readonly advertisedPort: number;
}): string {
  const { directory, port, saslPort, controllerPort, detourPort, advertisedPort } = settings;
  const common = `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}`;
  const plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
  const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
  return `${[
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    "controller.listener.names=CONTROLLER",
    "inter.broker.listener.name=PLAINTEXT",
    `listeners=${common},DETOUR://127.0.0.1:${detourPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=${common},DETOUR://127.0.0.1:${advertisedPort}`,
    "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,DETOUR:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256",
    `listener.name.sasl_plaintext.plain.sasl.jaas.config=${plain} user_${saslUser.username}="${saslUser.password}";`,
    `listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=${scram}`,
    `log.dirs=${join(directory, "data")}`,
    "num.partitions=1",
    "auto.create.topics.enable=false",
    "offsets.topic.num.partitions=1",
    "offsets.topic.replication.factor=1",
    "transaction.state.log.replication.factor=1",
    "transaction.state.log.min.isr=1",
    "group.initial.rebalance.delay.ms=0",
    "group.min.session.timeout.ms=3000",
    "num.network.threads=2",
    "num.io.threads=4",
  ].join("\n")}\n`;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}

function isListening(port: number | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port ?? 0, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
