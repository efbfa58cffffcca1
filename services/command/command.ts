/** What a command of the command line is, and what they all share: options, exit codes, output. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import type { Config } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";

/** Exit codes that scripts can rely on. */
export const exitCodes = {
  ok: 0,
  /** The command ran, and the answer is no: a page after the outage, a configuration that does not hold. */
  no: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** Something it needs is not there: a port, a directory, a server. */
  unavailable: 69,
  /** A bug. */
  bug: 70,
} as const;

export interface Command {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** Arguments after the name, such as `[stage…]`. */
  readonly usage: string;
  /** How many arguments without a name it takes at most. Default: none. */
  readonly maxPositionals?: number;
  readonly options: Readonly<Record<string, OptionInfo>>;
  readonly examples: readonly string[];
  /** Further lines of its help. */
  readonly notes?: readonly string[];
  run(args: Arguments): Promise<number>;
}

export interface OptionInfo {
  readonly type: "string" | "boolean";
  readonly help: string;
  /** What stands for the value in help, such as `FILE`. */
  readonly value?: string;
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: true;
}

export interface Arguments {
  readonly positionals: readonly string[];
  text(option: string): string | undefined;
  /** Every value of an option that may be given several times. */
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  /** A whole number within the range; throws `usage` naming option, value and range. */
  integer(option: string, fallback: number, range: readonly [number, number]): number;
}

export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const options: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, short, multiple }]) => [
      name,
      {
        type,
        ...(short === undefined ? {} : { short }),
        ...(multiple === undefined ? {} : { multiple }),
      },
    ]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message =
      error instanceof Error ? (error.message.split(". ")[0] ?? error.message) : String(error);
    throw new ForeshockError(
      "usage",
      `${command.name}: ${message}; see foreshock ${command.name} --help`,
    );
  }
  const { values, positionals } = parsed;
  const surplus = positionals[command.maxPositionals ?? 0];
  if (surplus !== undefined)
    throw new ForeshockError(
      "usage",
      `${command.name}: '${surplus}' is one argument too many; see foreshock ${command.name} --help`,
    );
  const text = (option: string) =>
    typeof values[option] === "string" ? values[option] : undefined;
  return {
    positionals,
    text,
    texts: (option) => {
      const value = values[option];
      return Array.isArray(value) ? value.map(String) : [];
    },
    flag: (option) => values[option] === true,
    integer(option, fallback, [low, high]) {
      const value = text(option);
      if (value === undefined) return fallback;
      const parsedValue = Number(value);
      if (!Number.isInteger(parsedValue) || parsedValue < low || parsedValue > high)
        throw new ForeshockError(
          "usage",
          `--${option} must be a whole number from ${low} to ${high}, got ${value}`,
        );
      return parsedValue;
    },
  };
}

export function helpOf(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => {
    const short = option.short === undefined ? "" : `-${option.short}, `;
    return [
      `  ${short}--${name}${option.type === "string" ? ` ${option.value ?? "VALUE"}` : ""}`,
      option.help,
    ] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 2;
  return [
    command.summary,
    "",
    `Usage: foreshock ${command.name} ${command.usage}`.trimEnd(),
    ...(rows.length === 0
      ? []
      : ["", "Options:", ...rows.map(([left, right]) => left.padEnd(width) + right)]),
    ...(command.notes === undefined ? [] : ["", ...command.notes]),
    "",
    "Examples:",
    ...command.examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}

export const configOption = {
  config: {
    type: "string",
    value: "FILE",
    short: "c",
    help: "YAML file; each key also as FORESHOCK_… variable (default: none needed)",
  },
} as const satisfies Record<string, OptionInfo>;

/** Path of a file to be written, checked before any work is done for it; undefined where the option was not given. */
export function outputFile(args: Arguments, option: string): string | undefined {
  const path = args.text(option);
  if (path === undefined) return undefined;
  const refuse = (why: string): never => {
    throw new ForeshockError("usage", `--${option} ${path}: ${why}`);
  };
  const place = existsSync(path) ? path : dirname(path);
  if (!existsSync(place)) refuse(`there is no folder ${place}`);
  if (place === path && statSync(path).isDirectory()) refuse("is a folder, must be a file");
  try {
    accessSync(place, constants.W_OK);
  } catch {
    refuse("must not be written by this user");
  }
  return path;
}

/** Throws where the configuration's embedded log was never made: a reading command must not make an empty one. */
export function requireLog(config: Config): void {
  const directory = join(config.dataDir, "log");
  if (config.log.engine === "lmdb" && !existsSync(directory))
    throw new ForeshockError(
      "unavailable",
      `there is no log in ${directory}; dataDir (FORESHOCK_DATA_DIR) says where foreshock run keeps its data`,
    );
}

export const write = (line: string) => process.stdout.write(`${line}\n`);

/** Lines for the operator on standard error, with the time; `least` is the lowest level that is printed. */
export function reporter(least: "debug" | "info" | "warn" | "error") {
  const levels = ["debug", "info", "warn", "error"] as const;
  return (level: (typeof levels)[number], message: string) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return;
    process.stderr.write(`${new Date().toISOString()} ${level.padEnd(5)} ${message}\n`);
  };
}
