/** Labels out of what people said when they acknowledged: `useful` or `not useful`, kept with the deliveries. */
import type { HistoryReader } from "../history/reader.ts";
import type { Period } from "./closed-windows.ts";
import type { Label, Labels } from "./labels.ts";

interface Said {
  readonly title: string;
  readonly since: number;
  readonly end: number;
  readonly isUseful: boolean;
}

/** Pages that nobody judged count neither for nor against. Leads are measured to the first sign of the incident. */
export async function verdictLabels(reader: HistoryReader, period: Period): Promise<Labels> {
  const said = await reader.rows<Said>({
    sql: `SELECT argMaxIf(title, revision, transition != 'resolved') AS title, toUnixTimestamp64Milli(min(since)) AS since,
        toUnixTimestamp64Milli(if(max(resolved) > toDateTime64(0, 3), max(resolved), max(at))) AS end,
        any(verdict) = 'useful' AS isUseful
      FROM incidents INNER JOIN (
        SELECT incident, extract(detail, '^by .*? \\\\((useful|not useful)\\\\)') AS verdict FROM deliveries
        WHERE transition = 'acknowledged' AND verdict != '') AS said USING incident
      WHERE opened >= fromUnixTimestamp64Milli({from:Int64}) AND opened < fromUnixTimestamp64Milli({to:Int64})
      GROUP BY incident ORDER BY since`,
    parameters: { from: String(period.fromMs), to: String(period.toMs) },
  });
  const labels = (isUseful: boolean) =>
    said
      .filter((each) => Boolean(each.isUseful) === isUseful)
      .map(
        ({ title, since, end }): Label => ({
          name: title,
          fromMs: since,
          toMs: end,
          dimensions: {},
        }),
      );
  return { leadMs: 0, incidents: labels(true), unwanted: labels(false), isComplete: false };
}
