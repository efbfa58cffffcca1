/** Checks of the tree itself: types, lint, who imports whom, dead code, generated files. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedFiles } from "../../dashboards/generated-files.ts";
import { configJsonSchema } from "../../services/command/check-config.ts";

interface Check {
  readonly name: string;
  /** Undefined when it holds, else what is wrong. */
  run(): string | undefined;
}

/** Fewer modules than this cruised means that the cruiser did not understand the sources and would pass anything. */
const leastModules = 60;

export function checks(root: string): Check[] {
  const tool = (name: string, args: readonly string[]) => {
    const done = spawnSync(join(root, "node_modules", ".bin", name), args, {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    });
    return { status: done.status ?? 1, output: `${done.stdout}${done.stderr}` };
  };
  const passes = (name: string, args: readonly string[]) => {
    const { status, output } = tool(name, args);
    return status === 0 ? undefined : output.slice(-6_000);
  };
  const cruise = (extra: readonly string[] = []) =>
    tool("depcruise", [
      "--config",
      "test/checks/import-rules.cjs",
      "--output-type",
      "err-long",
      "detectors",
      "services",
      "dashboards",
      ...extra,
    ]);
  return [
    { name: "types", run: () => passes("tsc", ["--noEmit"]) },
    {
      name: "types of the page",
      run: () => passes("tsc", ["--noEmit", "--project", "services/console/web"]),
    },
    { name: "lint and format", run: () => passes("biome", ["ci", "--max-diagnostics=30", "."]) },
    {
      name: "import rules",
      run: () => {
        const { status, output } = cruise();
        const modules = Number(/\((\d+) modules/.exec(output)?.[1] ?? 0);
        if (status !== 0) return output.slice(-6_000);
        return modules < leastModules
          ? `only ${modules} modules were looked at, expected at least ${leastModules}`
          : undefined;
      },
    },
    {
      name: "import rules catch a planted violation",
      run: () => {
        const folder = join(root, "detectors", "planted");
        try {
          mkdirSync(folder, { recursive: true });
          writeFileSync(
            join(folder, "violation.ts"),
            'export { topics } from "../../services/contracts/topics.ts";\n',
          );
          const { status, output } = cruise();
          return status !== 0 && output.includes("detectors-are-pure")
            ? undefined
            : `the violation was not caught:\n${output.slice(-2_000)}`;
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      },
    },
    { name: "no unused code", run: () => passes("knip", ["--config", "test/checks/knip.json"]) },
    {
      name: "generated files are current",
      run: () => {
        const file = join(root, "docs", "config.schema.json");
        const wanted = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
        return readFileSync(file, "utf8") === wanted
          ? undefined
          : "docs/config.schema.json differs from the configuration's schema: npm run generate";
      },
    },
    {
      name: "generated dashboards and rules are current",
      run: () => {
        const stale = [...generatedFiles()].filter(([path, wanted]) => {
          const file = join(root, "dashboards", path);
          return !existsSync(file) || readFileSync(file, "utf8") !== wanted;
        });
        return stale.length === 0
          ? undefined
          : `differ from their sources: ${stale.map(([path]) => path).join(", ")}; npm run generate`;
      },
    },
  ];
}
