/** Reads the configuration: defaults, then the file, then the environment; every mistake at once, suspicious settings explained. */
import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import type * as z from "zod";
import { type Config, configSchema } from "../contracts/config.ts";
import { ForeshockError } from "../contracts/errors.ts";

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Where it came from, for people. */
  readonly source: string;
}

export const configPrefix = "FORESHOCK_";
/** Variables with the prefix that are not configuration. */
const otherVariables = new Set([
  "FORESHOCK_CONFIG",
  "FORESHOCK_STARTED_AT_MS",
  "FORESHOCK_INSTALLED_SECONDS",
  "FORESHOCK_CRASH_AT",
  "FORESHOCK_TEST_TIERS",
]);

/** Throws `config_invalid` with one line for each mistake: path, value, what is allowed. */
export function loadConfig(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): LoadedConfig {
  const mistakes: string[] = [];
  const path = file ?? environment["FORESHOCK_CONFIG"];
  const raw: Record<string, unknown> = path === undefined ? {} : readFile(path, mistakes);
  applyEnvironment(raw, environment, mistakes);
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success)
    mistakes.push(...parsed.error.issues.flatMap((issue) => explain(issue, raw)));
  if (mistakes.length > 0 || !parsed.success)
    throw new ForeshockError(
      "config_invalid",
      `${mistakes.length} mistake${mistakes.length === 1 ? "" : "s"} in the configuration${path === undefined ? "" : ` (${path})`}:\n${mistakes.map((line) => `  ${line}`).join("\n")}\nforeshock check-config --schema prints every key with its default.`,
    );
  return { config: parsed.data, warnings: suspicious(parsed.data), source: path ?? "defaults" };
}

function readFile(path: string, mistakes: string[]): Record<string, unknown> {
  if (!existsSync(path)) {
    mistakes.push(`${path}: no such file`);
    return {};
  }
  try {
    const value: unknown = parse(readFileSync(path, "utf8")) ?? {};
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
    mistakes.push(
      `${path}: must be a mapping of keys to values, got ${Array.isArray(value) ? "a list" : typeof value}`,
    );
  } catch (error) {
    mistakes.push(`${path}: not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {};
}

/** `FORESHOCK_WINDOW_…` names of every leaf, with the path it sets. */
export function environmentNames(): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  const walk = (schema: z.ZodType, path: readonly string[]) => {
    const shape = shapeOf(schema);
    if (shape === undefined) names.set(environmentName(path), path);
    else for (const [key, inner] of Object.entries(shape)) walk(inner, [...path, key]);
  };
  walk(configSchema, []);
  return names;
}

export function environmentName(path: readonly string[]): string {
  return (
    configPrefix +
    path.map((part) => part.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase()).join("_")
  );
}

/** The shape of an object schema, looking through defaults. */
function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const inner = schema as { shape?: Record<string, z.ZodType>; def?: { innerType?: z.ZodType } };
  if (inner.shape !== undefined) return inner.shape;
  return inner.def?.innerType === undefined ? undefined : shapeOf(inner.def.innerType);
}

function applyEnvironment(
  raw: Record<string, unknown>,
  environment: Readonly<Record<string, string | undefined>>,
  mistakes: string[],
): void {
  const names = environmentNames();
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(configPrefix) || otherVariables.has(name) || text === undefined) continue;
    const path = names.get(name);
    if (path === undefined) {
      mistakes.push(`${name}: no such setting${nearest(name, [...names.keys()])}`);
      continue;
    }
    set(raw, path, settingOf(text));
  }
}

/** Numbers, booleans and lists as YAML has them; anything else is text. */
function settingOf(text: string): unknown {
  try {
    const value: unknown = parse(text);
    return value === null ? text : value;
  } catch {
    return text;
  }
}

function set(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = target[key];
  const next =
    typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
  target[key] = next;
  set(next, rest, value);
}

function explain(issue: z.core.$ZodIssue, raw: unknown): string[] {
  const path = issue.path.map(String);
  const place = path.join(".") || "(top level)";
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(shapeAt(path) ?? {});
    return issue.keys.map(
      (key) => `${[...path, key].join(".")}: no such key${nearest(key, known)}`,
    );
  }
  const value = path.reduce<unknown>(
    (inner, key) => (inner as Record<string, unknown> | undefined)?.[key],
    raw,
  );
  return [`${place}: ${JSON.stringify(value)}: ${issue.message.replace("Invalid input: ", "")}`];
}

function shapeAt(path: readonly string[]): Record<string, z.ZodType> | undefined {
  let schema: z.ZodType | undefined = configSchema;
  for (const key of path) schema = schema === undefined ? undefined : shapeOf(schema)?.[key];
  return schema === undefined ? undefined : shapeOf(schema);
}

/** A suggestion for a mistyped name, when one is close. */
function nearest(name: string, known: readonly string[]): string {
  const scored = known.map((candidate) => ({
    candidate,
    distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(2, name.length / 4)
    ? `; did you mean ${best.candidate}?`
    : "";
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}

const loopback = /^(127\.|::1$|localhost$)/;

/** Settings that are allowed, but are rarely meant. */
function suspicious(config: Config): string[] {
  const warnings: string[] = [];
  const { judgement } = config;
  const open = (["ingest", "history", "console", "metrics"] as const).filter(
    (part) => !loopback.test(config[part].host),
  );
  if (open.length > 0)
    warnings.push(
      `${open.map((part) => `${part}.host`).join(", ")}: listens beyond loopback; nothing here asks for a password, so put a proxy or a network policy in front`,
    );
  if (config.ingest.keepContent)
    warnings.push("ingest.keepContent: prompts and answers will be written to disk and history");
  if (judgement.window.latenessMs < 5_000)
    warnings.push(
      `judgement.window.latenessMs: ${judgement.window.latenessMs} ms is less than the 5 s that OpenTelemetry SDKs batch for; many spans will come late and not be counted`,
    );
  if (judgement.window.idleTimeoutMs < judgement.window.latenessMs)
    warnings.push(
      "judgement.window.idleTimeoutMs: less than latenessMs, so silent partitions close windows before late spans can come",
    );
  if (judgement.detect.watchSurprise >= judgement.detect.anomalousSurprise)
    warnings.push(
      "judgement.detect.watchSurprise: not below anomalousSurprise, so nothing is ever only watched",
    );
  if (config.log.engine === "kafka" && config.log.brokers.length === 0)
    warnings.push("log.brokers: empty, but log.engine is kafka");
  if (config.history.engine === "clickhouse" && config.history.url === "")
    warnings.push("history.url: empty, but history.engine is clickhouse");
  const { sinks, heartbeat } = config.notify;
  if (sinks.some(({ kind }) => kind !== "terminal") && heartbeat.url === "" && !heartbeat.watchdog)
    warnings.push(
      "notify.heartbeat: neither url nor watchdog is set, so nobody is told when Foreshock itself dies or stalls",
    );
  if (heartbeat.watchdog && !sinks.some(({ kind }) => kind === "alertmanager"))
    warnings.push("notify.heartbeat.watchdog: no sink of kind alertmanager could be told");
  if (config.notify.renotifyMinutes < 15)
    warnings.push(
      `notify.renotifyMinutes: every ${config.notify.renotifyMinutes} min wears people out`,
    );
  return warnings;
}
