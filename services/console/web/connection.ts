/** Brings the state to the page and keeps it fresh: one whole answer, then events, with reconnection by the browser. */
import type { ApiError, IncidentDetail, Now } from "../../contracts/http-api.ts";
import { mergeNow } from "./live-now.ts";

export type Line = "loading" | "live" | "lost";

export interface Connection {
  readonly now: Now | undefined;
  readonly line: Line;
  /** Since when the line is as it is, by the page's clock. */
  readonly sinceMs: number;
  /** Server's clock minus the page's, ms: ages are told by the server's. */
  readonly skewMs: number;
}

export interface ConnectionOptions {
  readonly onChange: () => void;
  readonly onIncident: (incident: string) => void;
}

export function openConnection({ onChange, onIncident }: ConnectionOptions): Connection {
  const state = {
    now: undefined as Now | undefined,
    line: "loading" as Line,
    sinceMs: Date.now(),
    skewMs: 0,
  };
  let isFetching = false;

  function setLine(line: Line): void {
    if (state.line === line) return;
    state.line = line;
    state.sinceMs = Date.now();
    onChange();
  }

  async function fetchWhole(): Promise<void> {
    if (isFetching) return;
    isFetching = true;
    try {
      const now = await getJson<Now>("/api/now");
      state.now = now;
      state.skewMs = now.atMs - Date.now();
      onChange();
    } catch {
      // The events say that the line is lost; they bring it back too.
    } finally {
      isFetching = false;
    }
  }

  const events = new EventSource("/api/events");
  events.addEventListener("open", () => {
    setLine("live");
    void fetchWhole();
  });
  events.addEventListener("error", () => {
    setLine("lost");
    // A refusal (not ready yet, too many pages) closes for good; try by hand.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5_000);
  });
  events.addEventListener("now", (event) => {
    const merged = mergeNow(state.now, JSON.parse(event.data) as Now);
    state.now = merged.now;
    state.skewMs = merged.now.atMs - Date.now();
    setLine("live");
    if (merged.needsWhole) void fetchWhole();
    onChange();
  });
  events.addEventListener("incident", (event) => {
    onIncident((JSON.parse(event.data) as { incident: string }).incident);
  });
  return state;
}

export function getDetail(incident: string): Promise<IncidentDetail> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return getJson(
    `/api/incidents/${encodeURIComponent(incident)}?timeZone=${encodeURIComponent(timeZone)}`,
  );
}

export async function change(
  method: "POST" | "DELETE",
  path: string,
  body: unknown,
): Promise<void> {
  await read(
    await fetch(path, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

async function getJson<T>(path: string): Promise<T> {
  return (await read(await fetch(path))) as T;
}

/** Throws an error whose message is what the server says. */
async function read(response: Response): Promise<unknown> {
  const body: unknown = await response.json();
  if (!response.ok) throw new Error((body as ApiError).error.message);
  return body;
}
