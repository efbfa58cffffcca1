import type { PanelQuery } from "../../../dashboards/panel-queries.ts";
import type { HistoryServer } from "../history-server.ts";
import type { Result } from "./compare.ts";
import { expandQuery } from "./expand.ts";
import type { Scene } from "./truth.ts";

interface JsonCompact {
  readonly meta: Result["columns"];
  readonly data: Result["rows"];
}

/** Asks as an outsider, as Grafana would: through the HTTP interface with all its limits. */
export async function askPanel(
  server: HistoryServer,
  { dashboard, panel, sql }: PanelQuery,
  { range, chosen }: Scene,
): Promise<Result> {
  const { status, text } = await server.ask({
    body: expandQuery(sql, range, chosen),
    parameters: { default_format: "JSONCompact", max_execution_time: "60" },
  });
  if (status !== 200) throw new Error(`${dashboard}, ${panel}: ${text}`);
  const { meta, data } = JSON.parse(text) as JsonCompact;
  return { columns: meta, rows: data };
}
