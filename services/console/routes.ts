/** What the console answers to what is asked. */
import type * as z from "zod";
import {
  type ApiErrorCode,
  acknowledgeRequestSchema,
  silenceRequestSchema,
} from "../contracts/http-api.ts";
import { type Command, commandRecord } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";
import type { EdgeContext } from "../stage.ts";
import type { Asset } from "./assets.ts";
import type { EventStream } from "./event-stream.ts";
import type { Answer, Handler, Request } from "./http-server.ts";
import type { CourseReader } from "./incident-course.ts";
import { incidentDetail } from "./incident-detail.ts";
import { allIncidents, type NowOptions, nowView } from "./now.ts";
import type { ConsoleState } from "./state.ts";

export interface RouteParts {
  readonly log: Log;
  readonly clock: EdgeContext["clock"];
  readonly state: ConsoleState;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly events: EventStream;
  readonly nowOptions: () => NowOptions;
  readonly courses: CourseReader;
  /** Base URL of the page. */
  readonly publicUrl: () => string;
  readonly newId: () => string;
  /** Why the state is not whole yet; undefined when it is. */
  readonly notReadyBecause: () => string | undefined;
}

export function createHandler(parts: RouteParts): Handler {
  return async (request) => {
    const asset =
      request.method === "GET" || request.method === "HEAD"
        ? assetOf(parts, request.path)
        : undefined;
    if (asset !== undefined) return { kind: "asset", ...asset };
    if (request.path === "/healthz") return { kind: "text", status: 200, body: "ok\n" };
    if (request.path === "/readyz") {
      const reason = parts.notReadyBecause();
      return reason === undefined
        ? { kind: "text", status: 200, body: "ready\n" }
        : { kind: "text", status: 503, body: `${reason}\n` };
    }
    if (!request.path.startsWith("/api/"))
      return failure("not_found", `nothing is at ${request.path}`);
    const reason = parts.notReadyBecause();
    if (reason !== undefined) return failure("not_ready", reason);
    return api(parts, request);
  };
}

/** Each view of the page is the same document; its modules look at the address. */
function assetOf({ assets }: RouteParts, path: string): Asset | undefined {
  return assets.get(/^\/incidents\/[^/]+$/.test(path) ? "/" : path);
}

const incidentPath = /^\/api\/incidents\/([^/]+)$/;
const acknowledgePath = /^\/api\/incidents\/([^/]+)\/acknowledge$/;
const silencePath = /^\/api\/silences\/([^/]+)$/;

async function api(parts: RouteParts, request: Request): Promise<Answer> {
  const { path, method } = request;
  const id = (pattern: RegExp) => decodeURIComponent(pattern.exec(path)?.[1] ?? "");
  if (path === "/api/now")
    return only("GET", method) ?? json(nowView(parts.state, parts.nowOptions()));
  if (path === "/api/incidents")
    return (
      only("GET", method) ?? json({ incidents: allIncidents(parts.state, parts.clock.nowMs()) })
    );
  if (path === "/api/events") return only("GET", method) ?? openEvents(parts, request);
  if (incidentPath.test(path))
    return only("GET", method) ?? detail(parts, id(incidentPath), request.query);
  if (acknowledgePath.test(path))
    return only("POST", method) ?? acknowledge(parts, id(acknowledgePath), request);
  if (path === "/api/silences") return only("POST", method) ?? silence(parts, request);
  if (silencePath.test(path)) return only("DELETE", method) ?? unsilence(parts, id(silencePath));
  return failure("not_found", `nothing is at ${path}`);
}

function openEvents({ events, state, nowOptions }: RouteParts, { response }: Request): Answer {
  if (!events.add(response)) return failure("busy", "too many pages are open");
  response.write(
    `event: now\ndata: ${JSON.stringify(nowView(state, { ...nowOptions(), withPoints: false }))}\n\n`,
  );
  return { kind: "taken" };
}

async function detail(parts: RouteParts, id: string, query: URLSearchParams): Promise<Answer> {
  const known = parts.state.incidents.get(id);
  if (known === undefined) return failure("not_found", `no incident ${id}`);
  const timeZone = query.get("timeZone") ?? "UTC";
  if (!isTimeZone(timeZone))
    return failure(
      "bad_request",
      `timeZone must be an IANA name such as Europe/Berlin, got ${timeZone}`,
    );
  const nowMs = parts.clock.nowMs();
  const course = await parts.courses.read(known, nowMs);
  const options = { nowMs, timeZone, publicUrl: parts.publicUrl() };
  return json(incidentDetail(parts.state, known, { course, options }));
}

async function acknowledge(parts: RouteParts, id: string, request: Request): Promise<Answer> {
  if (!parts.state.incidents.has(id)) return failure("not_found", `no incident ${id}`);
  const parsed = acknowledgeRequestSchema.safeParse(await request.json());
  if (!parsed.success) return invalid(parsed.error);
  const { by, note, verdict } = parsed.data;
  return append(parts, id, {
    kind: "acknowledge",
    incident: id,
    by,
    note,
    atMs: parts.clock.nowMs(),
    ...(verdict === undefined ? {} : { verdict }),
  });
}

async function silence(parts: RouteParts, request: Request): Promise<Answer> {
  const parsed = silenceRequestSchema.safeParse(await request.json());
  if (!parsed.success) return invalid(parsed.error);
  const { matchers, minutes, by, note } = parsed.data;
  const atMs = parts.clock.nowMs();
  const id = parts.newId();
  return append(parts, id, {
    kind: "silence",
    id,
    matchers,
    by,
    note,
    atMs,
    untilMs: atMs + minutes * 60_000,
  });
}

async function unsilence(parts: RouteParts, id: string): Promise<Answer> {
  if (!parts.state.silences.has(id)) return failure("not_found", `no silence ${id}`);
  return append(parts, id, { kind: "unsilence", id, by: "page", atMs: parts.clock.nowMs() });
}

async function append({ log }: RouteParts, id: string, command: Command): Promise<Answer> {
  await log.append([
    { topic: topics.commands, partition: 0, value: commandRecord.encode(command) },
  ]);
  return { kind: "json", status: 202, body: { accepted: true, id } };
}

function json(body: unknown): Answer {
  return { kind: "json", status: 200, body };
}

function failure(code: ApiErrorCode, message: string): Answer {
  return { kind: "error", code, message };
}

function only(allowed: string, method: string): Answer | undefined {
  return method === allowed
    ? undefined
    : failure("method_not_allowed", `only ${allowed}, got ${method}`);
}

function invalid(error: z.ZodError): Answer {
  return failure(
    "bad_request",
    error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`).join("; "),
  );
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
