import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ForeshockError } from "../contracts/errors.ts";
import type { History } from "./history.ts";
import { createLexer } from "./http-interface/lexer.ts";

export const migrationsFolder = fileURLToPath(new URL("./migrations/", import.meta.url));

/** Days that rows are kept, by the time they arrived or stand for. */
export interface Retention {
  readonly spanDays: number;
  /** Windows, verdicts, incidents, deliveries. */
  readonly windowDays: number;
  /** Windows and verdicts of a minute and of an hour: at least as long as what they are made from. */
  readonly minuteDays?: number;
  readonly hourDays?: number;
}

interface Migration {
  readonly name: string;
  readonly hash: string;
  readonly statements: readonly string[];
}

/**
 * Brings the history's database to the newest schema: runs the files of `migrations/` that were not run yet, in
 * the order of their names, and notes each with its hash. Files are append-only: one that was edited after it ran, or is gone,
 * is `history_failed` naming it. A run that was killed starts the file again, so statements say IF NOT EXISTS. One caller at a time. Returns the names of what was run now.
 */
export async function migrate(
  history: History,
  folder: string = migrationsFolder,
): Promise<readonly string[]> {
  await history.command(
    `CREATE TABLE IF NOT EXISTS schema_migrations
     (name String, hash String, applied_at DateTime64(3) DEFAULT now64(3))
     ENGINE = MergeTree ORDER BY name`,
  );
  const applied = await history.query<{ name: string; hash: string }>(
    "SELECT name, hash FROM schema_migrations ORDER BY name",
  );
  const migrations = await readMigrations(folder);
  for (const { name, hash } of applied) {
    const file = migrations.find((migration) => migration.name === name);
    if (file?.hash === hash) continue;
    throw new ForeshockError(
      "history_failed",
      file === undefined
        ? `migration ${name} was applied to this history but is not in ${folder}: this program is older than the history`
        : `migration ${name} was edited after it was applied: put it back, and add a new file for the change`,
    );
  }
  const known = new Set(applied.map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !known.has(name));
  const newest = applied.at(-1)?.name ?? "";
  for (const { name, hash, statements } of pending) {
    if (name < newest) {
      throw new ForeshockError(
        "history_failed",
        `migration ${name} comes before ${newest}, which is already applied: number it higher`,
      );
    }
    for (const statement of statements) await history.command(statement);
    await history.command(
      `INSERT INTO schema_migrations (name, hash) VALUES ('${name}', '${hash}')`,
    );
  }
  return pending.map(({ name }) => name);
}

/** Sets how long rows are kept; cheap when nothing changes, and rows go when parts are next merged. */
export async function applyRetention(history: History, retention: Retention): Promise<void> {
  // Questions take a minute or an hour instead of what it was made from, so it must stay as long.
  const minuteDays = Math.max(retention.windowDays, retention.minuteDays ?? 0);
  const hourDays = Math.max(minuteDays, retention.hourDays ?? 0);
  const days: Readonly<Record<string, readonly [column: string, days: number]>> = {
    spans: ["append_time", retention.spanDays],
    windows: ["window_start", retention.windowDays],
    windows_minute: ["window_start", minuteDays],
    windows_hour: ["window_start", hourDays],
    closed: ["window_start", retention.windowDays],
    verdicts: ["window_start", retention.windowDays],
    verdicts_minute: ["window_start", minuteDays],
    verdicts_hour: ["window_start", hourDays],
    incidents: ["opened", retention.windowDays],
    deliveries: ["at", retention.windowDays],
  };
  for (const [table, [column, kept]] of Object.entries(days)) {
    if (!Number.isInteger(kept) || kept < 1) {
      throw new RangeError(`retention of ${table} must be at least 1 day, got ${kept}`);
    }
    await history.command(
      `ALTER TABLE ${table} MODIFY TTL toDateTime(${column}) + toIntervalDay(${kept}) SETTINGS materialize_ttl_after_modify = 0`,
    );
  }
}

async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const migrations: Migration[] = [];
  for (const name of names) {
    if (!/^\d{4}-[a-z0-9-]+\.sql$/.test(name)) {
      throw new ForeshockError(
        "history_failed",
        `migration ${name} must be named NNNN-what-it-does.sql`,
      );
    }
    const text = await readFile(join(folder, name), "utf8");
    const hash = createHash("sha256").update(text).digest("hex");
    migrations.push({ name, hash, statements: splitStatements(text) });
  }
  return migrations;
}

/** Statements of a file, cut at semicolons outside quotes and comments. */
export function splitStatements(text: string): readonly string[] {
  const bytes = Buffer.from(text, "utf8");
  const lexer = createLexer(bytes.toString("latin1"));
  const statements: string[] = [];
  let start: number | undefined;
  let end = 0;
  for (let token = lexer.next(); token !== undefined; token = lexer.next()) {
    const isEnd = token.kind === "symbol" && token.value === ";";
    if (isEnd && start !== undefined) statements.push(bytes.toString("utf8", start, end));
    if (isEnd) {
      start = undefined;
    } else {
      start ??= token.start;
      end = token.end;
    }
  }
  if (start !== undefined) statements.push(bytes.toString("utf8", start, end));
  return statements;
}
