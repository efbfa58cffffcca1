import { writeFileSync } from "node:fs";
import * as z from "zod";
import { configSchema } from "../contracts/config.ts";
import { environmentName, environmentNames, loadConfig } from "../runtime/config-load.ts";
import { type Command, exitCodes, outputFile, write } from "./command.ts";

export const checkConfigCommand: Command = {
  name: "check-config",
  summary: "Check a configuration: every mistake at once, suspicious settings explained.",
  usage: "[FILE] [--schema] [--print]",
  maxPositionals: 1,
  options: {
    schema: {
      type: "boolean",
      help: "Print every key: default, environment variable, what it does",
    },
    "json-schema": { type: "boolean", help: "Print the JSON Schema, for editors" },
    "write-schema": { type: "string", value: "FILE", help: "Write the JSON Schema to a file" },
    print: { type: "boolean", help: "Print the configuration in force, defaults filled in" },
  },
  examples: [
    "foreshock check-config foreshock.yaml",
    "foreshock check-config --schema",
    "FORESHOCK_CONSOLE_PORT=9000 foreshock check-config --print",
  ],
  run: async (args) => {
    if (args.flag("json-schema")) {
      write(JSON.stringify(configJsonSchema(), null, 2));
      return exitCodes.ok;
    }
    const schemaFile = outputFile(args, "write-schema");
    if (schemaFile !== undefined) {
      writeFileSync(schemaFile, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
      return exitCodes.ok;
    }
    if (args.flag("schema")) {
      for (const line of describeKeys()) write(line);
      return exitCodes.ok;
    }
    const { config, warnings, source } = loadConfig(args.positionals[0], process.env);
    for (const warning of warnings) write(`warning  ${warning}`);
    if (args.flag("print")) write(JSON.stringify(config, null, 2));
    write(
      `The configuration (${source}) is valid${warnings.length > 0 ? `, with ${warnings.length} warning${warnings.length === 1 ? "" : "s"}` : ""}.`,
    );
    return exitCodes.ok;
  },
};

/** The schema that editors complete and check a configuration file with. */
export function configJsonSchema(): object {
  return { ...z.toJSONSchema(configSchema, { io: "input" }), title: "Foreshock configuration" };
}

interface JsonSchemaNode {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
}

function describeKeys(): string[] {
  const schema = configJsonSchema() as JsonSchemaNode;
  return [...environmentNames().values()].flatMap((path) => {
    const node = path.reduce<JsonSchemaNode | undefined>(
      (inner, key) => inner?.properties?.[key],
      schema,
    );
    if (node === undefined) return [];
    const range =
      node.minimum !== undefined && node.maximum !== undefined
        ? ` (${node.minimum} … ${node.maximum})`
        : "";
    const choices = node.enum === undefined ? "" : ` (${node.enum.join(" | ")})`;
    return [
      `${path.join(".")}: ${JSON.stringify(node.default ?? null)}${range}${choices}`,
      ...(node.description === undefined ? [] : [`    ${node.description}`]),
      `    ${environmentName(path)}`,
    ];
  });
}
