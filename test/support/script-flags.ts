/** Flags of benches and other scripts: as `parseArgs`, with help and with errors that a person can act on. */
import { readFileSync } from "node:fs";
import { type ParseArgsConfig, parseArgs } from "node:util";

/** Ended because of how it was called, as in sysexits.h. */
const usageError = 64;

/**
 * Reads the flags of the script in the file `script`. With `--help` it prints the comment that the script begins with and ends the
 * process with 0; with a flag that it doesn't know, or one without its value, it says so and ends it with 64.
 */
export function scriptFlags<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  script: string,
  options: Options,
  args: readonly string[] = process.argv.slice(2),
): ReturnType<typeof parseArgs<{ options: Options }>>["values"] {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(headerOf(readFileSync(script, "utf8")));
    process.exit(0);
  }
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith("ERR_PARSE_ARGS") !== true) throw error;
    process.stderr.write(`${message}\n--help says what there is.\n`);
    process.exit(usageError);
  }
}

/** The text of a source's first block comment. */
export function headerOf(source: string): string {
  const comment = /\/\*\*([\s\S]*?)\*\//.exec(source)?.[1] ?? "";
  const lines = comment.split("\n").map((line) => line.replace(/^ \* ?/, ""));
  return `${lines.join("\n").trim()}\n`;
}
