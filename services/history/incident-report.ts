/** What an incident was, out of history: each section is a statement of `report/*.sql` and what it answered. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ForeshockError } from "../contracts/errors.ts";
import type { HistoryReader } from "./reader.ts";

export type Cell = string | number | null;

export interface ReportSection {
  readonly title: string;
  readonly sql: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface IncidentReport {
  readonly incident: string;
  readonly title: string;
  readonly severity: string;
  readonly sinceMs: number;
  /** The resolution, or the newest window while it is open. */
  readonly endMs: number;
  readonly isOver: boolean;
  /** Values of the statements' parameters. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly sections: Readonly<Record<SectionName, ReportSection>>;
}

export const sectionNames = [
  "timeline",
  "first-movers",
  "leading-signal",
  "spread",
  "requests",
  "tenants",
  "deliveries",
  "burn-rate",
] as const;
export type SectionName = (typeof sectionNames)[number];

interface Found {
  readonly incident: string;
  readonly title: string;
  readonly severity: string;
  readonly since: number;
  readonly resolved: number;
  readonly last: number;
  readonly signal: string;
  readonly cells: string[];
}

export interface ReportRequest {
  /** Its id, or the beginning of it. */
  readonly incident: string;
  /** Error budget of the objective, as a ratio of requests. */
  readonly errorBudget: number;
}

/** Throws `usage` where there is no such incident, or several. */
export async function readIncidentReport(
  reader: HistoryReader,
  { incident, errorBudget }: ReportRequest,
): Promise<IncidentReport> {
  const found = await find(reader, incident);
  const isOver = found.resolved > 0;
  const endMs = isOver ? found.resolved : found.last;
  const time = (ms: number) => new Date(ms).toISOString().replace("T", " ").slice(0, 23);
  const parameters = {
    incident: found.incident,
    since: time(found.since),
    end: time(endMs),
    signal: found.signal,
    budget: String(errorBudget),
    cells: `[${found.cells.map((cell) => `'${cell.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`).join(",")}]`,
  };
  const sections = await Promise.all(
    sectionNames.map(async (name) => [name, await readSection(reader, name, parameters)] as const),
  );
  return {
    incident: found.incident,
    title: found.title,
    severity: found.severity,
    sinceMs: found.since,
    endMs,
    isOver,
    parameters,
    sections: Object.fromEntries(sections) as Record<SectionName, ReportSection>,
  };
}

async function find(reader: HistoryReader, incident: string): Promise<Found> {
  const rows = await reader.rows<Found>({
    sql: `SELECT incident, argMaxIf(title, revision, transition != 'resolved') AS title,
        argMax(severity, indexOf(['none', 'ticket', 'page'], toString(severity))) AS severity,
        toUnixTimestamp64Milli(min(since)) AS since, toUnixTimestamp64Milli(max(resolved)) AS resolved,
        toUnixTimestamp64Milli(greatest(max(at), (SELECT max(window_start) FROM windows))) AS last, argMin(leading_signal, revision) AS signal,
        arraySort(groupUniqArrayArray(cells)) AS cells
      FROM incidents WHERE startsWith(incident, {incident:String}) GROUP BY incident ORDER BY since DESC LIMIT 3`,
    parameters: { incident },
  });
  const [only, second] = rows;
  if (only === undefined || incident === "")
    throw new ForeshockError(
      "usage",
      `report: no incident ${incident} in ${reader.where}; foreshock query incidents --since 7d lists them`,
    );
  if (second !== undefined)
    throw new ForeshockError(
      "usage",
      `report: ${incident} is the beginning of several incidents: ${rows.map((row) => row.incident).join(", ")}`,
    );
  return only;
}

async function readSection(
  reader: HistoryReader,
  name: SectionName,
  parameters: Readonly<Record<string, string>>,
): Promise<ReportSection> {
  const file = fileURLToPath(new URL(`./report/${name}.sql`, import.meta.url));
  const sql = readFileSync(file, "utf8").trim();
  const bytes = await reader.ask({
    sql,
    parameters,
    format: "JSONCompact",
    settings: { output_format_json_quote_64bit_integers: "0" },
  });
  const { meta, data } = JSON.parse(Buffer.from(bytes).toString("utf8")) as {
    meta: { name: string }[];
    data: Cell[][];
  };
  return {
    title: /^-- (.*)$/m.exec(sql)?.[1] ?? name,
    sql,
    columns: meta.map((column) => column.name),
    rows: data,
  };
}
