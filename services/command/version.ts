import { readFileSync } from "node:fs";
import { type Command, exitCodes, write } from "./command.ts";

export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

export const versionCommand: Command = {
  name: "version",
  summary: "Print the version of Foreshock and of the Node that runs it.",
  usage: "",
  options: {},
  examples: ["foreshock version"],
  run: async () => {
    write(
      `foreshock ${packageVersion()} (node ${process.versions.node}, ${process.platform}-${process.arch})`,
    );
    return exitCodes.ok;
  },
};
