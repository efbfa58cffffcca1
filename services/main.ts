/** The command line: `foreshock <command> …`. Each command is a file in `command/`. */
import { captureCommand } from "./command/capture.ts";
import { checkConfigCommand } from "./command/check-config.ts";
import { type Command, exitCodes, helpOf, parseArguments } from "./command/command.ts";
import { deadletterCommand } from "./command/deadletter.ts";
import { demoCommand } from "./command/demo.ts";
import { fleetCommand } from "./command/fleet.ts";
import { replayCommand } from "./command/replay.ts";
import { runCommand } from "./command/run.ts";
import { versionCommand } from "./command/version.ts";
import { ForeshockError } from "./contracts/errors.ts";

const commands: readonly Command[] = [
  demoCommand,
  runCommand,
  replayCommand,
  captureCommand,
  fleetCommand,
  checkConfigCommand,
  deadletterCommand,
  versionCommand,
];

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    "Foreshock warns of a chatbot outage before it is one.",
    "",
    "Start here:",
    "  foreshock demo              see an early alert on a simulated chatbot, in about a minute",
    "  foreshock run               watch your own: OTLP in on 4317 and 4318, page on http://127.0.0.1:8080",
    "  foreshock replay FILE       see what would have been alerted on a recorded hour",
    "",
    "Commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    "foreshock <command> --help says more. Exit codes: 0 done, 1 the answer is no, 2 wrong usage or configuration,",
    "69 something needed is not there, 70 a bug.",
    "",
  ].join("\n");
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(overview());
    return exitCodes.ok;
  }
  const wanted = name === "--version" || name === "-v" ? "version" : name;
  const command = commands.find((candidate) => candidate.name === wanted);
  if (command === undefined)
    throw new ForeshockError(
      "usage",
      `no command '${name}'; there are ${commands.map((known) => known.name).join(", ")}. See foreshock --help`,
    );
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
]);

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof ForeshockError) {
    process.stderr.write(`foreshock: ${error.message}\n`);
    process.exitCode = usageCodes.has(error.code) ? exitCodes.usage : exitCodes.unavailable;
  } else {
    process.stderr.write(`foreshock: a bug: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = exitCodes.bug;
  }
}
