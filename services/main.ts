/** The command line: `foreshock <command> …`. Each command is a file in `command/`. */
import { type Command, exitCodes, helpOf, parseArguments } from "./command/command.ts";
import { ForeshockError } from "./contracts/errors.ts";
import { stopWithLauncher } from "./runtime/launcher.ts";

/** In the order of the overview. Loaded when wanted: `version` has no use for a database engine. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import("./command/demo.ts")).demoCommand,
  run: async () => (await import("./command/run.ts")).runCommand,
  replay: async () => (await import("./command/replay.ts")).replayCommand,
  capture: async () => (await import("./command/capture.ts")).captureCommand,
  query: async () => (await import("./command/query.ts")).queryCommand,
  backtest: async () => (await import("./command/backtest.ts")).backtestCommand,
  score: async () => (await import("./command/score.ts")).scoreCommand,
  report: async () => (await import("./command/report.ts")).reportCommand,
  fleet: async () => (await import("./command/fleet.ts")).fleetCommand,
  "check-config": async () => (await import("./command/check-config.ts")).checkConfigCommand,
  doctor: async () => (await import("./command/doctor.ts")).doctorCommand,
  topics: async () => (await import("./command/topics.ts")).topicsCommand,
  deadletter: async () => (await import("./command/deadletter.ts")).deadletterCommand,
  version: async () => (await import("./command/version.ts")).versionCommand,
};

async function overview(): Promise<string> {
  const loaded = await Promise.all(Object.values(commands).map((load) => load()));
  const width = Math.max(...loaded.map(({ name }) => name.length)) + 2;
  return [
    "Foreshock warns of a chatbot outage before it is one.",
    "",
    "Start here:",
    "  foreshock demo              see an early alert on a simulated chatbot, in about a minute",
    "  foreshock run               watch your own: OTLP in on 4317 and 4318, page on http://127.0.0.1:8080",
    "  foreshock replay FILE       see what would have been alerted on a recorded hour",
    "",
    "Commands:",
    ...loaded.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    "foreshock <command> --help says more. Exit codes: 0 done, 1 the answer is no, 2 wrong usage or configuration,",
    "69 something needed is not there, 70 a bug.",
    "",
  ].join("\n");
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const isOverview = name === undefined || name === "--help" || name === "-h";
  if (isOverview || (name === "help" && rest.length === 0)) {
    process.stdout.write(await overview());
    return exitCodes.ok;
  }
  if (name === "help") return await main([...rest, "--help"]);
  const wanted = name === "--version" || name === "-v" ? "version" : name;
  const load = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
  if (load === undefined)
    throw new ForeshockError(
      "usage",
      `no command '${name}'; there are ${Object.keys(commands).join(", ")}. See foreshock --help`,
    );
  const command = await load();
  if (rest.includes("--help") || rest.includes("-h")) {
    process.stdout.write(helpOf(command));
    return exitCodes.ok;
  }
  return await command.run(parseArguments(command, rest));
}

const usageCodes: ReadonlySet<string> = new Set([
  "usage",
  "config_invalid",
  "scenario_invalid",
  "capture_invalid",
  "series_invalid",
]);

/** What went wrong first, where closing what it left behind failed as well. */
function rootOf(error: unknown): unknown {
  return error instanceof SuppressedError ? rootOf(error.suppressed) : error;
}

/** Says what went wrong, and gives the exit code for it. */
function explain(error: unknown): number {
  if (error instanceof ForeshockError) {
    process.stderr.write(`foreshock: ${error.message}\n`);
    return usageCodes.has(error.code) ? exitCodes.usage : exitCodes.unavailable;
  }
  // A full disk, a missing right: the system's own words name the file.
  if (error instanceof Error && "syscall" in error) {
    process.stderr.write(`foreshock: ${error.message}\n`);
    return exitCodes.unavailable;
  }
  process.stderr.write(`foreshock: a bug: ${error instanceof Error ? error.stack : error}\n`);
  return exitCodes.bug;
}

// `foreshock … | head` closes its end when it has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exitCodes.ok : exitCodes.unavailable);
});

stopWithLauncher();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = explain(rootOf(error));
}
