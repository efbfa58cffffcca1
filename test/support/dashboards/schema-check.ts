/**
 * Generated dashboards against Grafana's own schema, as its foundation SDK publishes it: TypeScript types made from the kinds of
 * Grafana's dashboards and panels. JSON has no enums, so those become unions of their values; then each dashboard is written out as a
 * literal of the type, where the compiler also refuses fields that the schema does not know.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("../../../", import.meta.url).pathname;
const sdk = join(root, "node_modules/@grafana/grafana-foundation-sdk/dist");

/** Module of the SDK that describes a panel type, and where its field settings are described. */
const panelModules: Readonly<Record<string, { readonly module: string; readonly field: string }>> =
  {
    timeseries: { module: "timeseries", field: "common.GraphFieldConfig" },
    stat: { module: "stat", field: "Record<string, never>" },
    table: { module: "table", field: "common.TableFieldOptions" },
    "state-timeline": { module: "statetimeline", field: "statetimeline.FieldConfig" },
    bargauge: { module: "bargauge", field: "Record<string, never>" },
    text: { module: "text", field: "Record<string, never>" },
  };

interface PanelJson {
  readonly type: string;
  readonly id: number;
  readonly options?: unknown;
  readonly fieldConfig?: { readonly defaults?: { readonly custom?: unknown } };
  readonly panels?: readonly PanelJson[];
}

/** Messages of the compiler; empty: all dashboards fit. */
export function schemaMistakes(dashboards: ReadonlyMap<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "foreshock-schema-"));
  try {
    const modules = [
      "common",
      "dashboard",
      ...Object.values(panelModules).map(({ module }) => module),
    ];
    for (const module of new Set(modules)) {
      mkdirSync(join(folder, module), { recursive: true });
      const types = readFileSync(join(sdk, module, "types.gen.d.ts"), "utf8");
      writeFileSync(join(folder, module, "index.d.ts"), withoutEnums(types));
    }
    mkdirSync(join(folder, "cog"));
    // A query is what its data source says it is.
    writeFileSync(
      join(folder, "cog", "index.d.ts"),
      "export interface Dataquery { readonly refId: string; readonly [key: string]: unknown }\n",
    );
    for (const [name, json] of dashboards) {
      const { panels } = JSON.parse(json) as { panels: readonly PanelJson[] };
      writeFileSync(
        join(folder, `${name.replaceAll(/\W/g, "-")}.ts`),
        [
          ...modules.map((module) => `import type * as ${module} from "./${module}/index.d.ts";`),
          `export const made: dashboard.Dashboard = ${json.trim()};`,
          ...panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]).flatMap(panelLiterals),
        ]
          .filter((line, i, all) => all.indexOf(line) === i)
          .join("\n"),
      );
    }
    const flags = [
      "--noEmit",
      "--strict",
      "--module",
      "NodeNext",
      "--target",
      "ES2023",
      "--types",
      "",
      "--allowImportingTsExtensions",
    ];
    const files = [...dashboards.keys()].map((name) => `${name.replaceAll(/\W/g, "-")}.ts`);
    const { stdout, status } = spawnSync(
      join(root, "node_modules/.bin/tsc"),
      [...flags, ...files],
      {
        cwd: folder,
        encoding: "utf8",
      },
    );
    return status === 0 ? "" : stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function panelLiterals({ type, id, options, fieldConfig }: PanelJson): readonly string[] {
  if (type === "row") return [];
  const described = panelModules[type];
  if (described === undefined) return [`const unknown${id}: never = ${JSON.stringify(type)};`];
  const custom = fieldConfig?.defaults?.custom;
  return [
    `export const options${id}: Partial<${described.module}.Options> = ${JSON.stringify(options ?? {})};`,
    `export const field${id}: Partial<${described.field}> = ${JSON.stringify(custom ?? {})};`,
  ];
}

/** Enums become unions of their values, and a name of one of their members that value. */
function withoutEnums(types: string): string {
  const members = new Map<string, string>();
  const unions = types.replace(
    /export declare enum (\w+) \{([^}]*)\}/g,
    (_, name: string, body: string) => {
      const values = [...body.matchAll(/(\w+) = ("[^"]*"|-?\d+)/g)].map(([, member, value]) => {
        members.set(`${name}.${member}`, value ?? "");
        return value;
      });
      return `export type ${name} = ${values.join(" | ")};`;
    },
  );
  return unions.replace(/\b\w+\.\w+\b(?=;)/g, (name) => members.get(name) ?? name);
}
