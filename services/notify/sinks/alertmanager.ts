/**
 * Alertmanager's v2 API. An alert is its labels, so they are fixed when it is first sent: incident, severity and the place
 * as it was named then; everything that moves is an annotation. A rise from ticket to page ends the one and starts the other
 * in the same request. Alertmanager resolves what it is not sent again, unless told until when to believe it: an open
 * incident gets an end far ahead, so that a dead Foreshock resolves nothing, and the sign of life one that is near.
 */
import type { SinkConfig } from "../../contracts/config.ts";
import type { Severity } from "../../contracts/incident.ts";
import { post } from "./http-post.ts";
import type { Notification, Sink, SinkContext } from "./sink.ts";

type AlertmanagerConfig = Extract<SinkConfig, { kind: "alertmanager" }>;

/** One element of the body of POST /api/v2/alerts. Times are RFC 3339. */
interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

export function alertmanagerSink(config: AlertmanagerConfig, context: SinkContext): Sink {
  const url = `${config.url.replace(/\/+$/, "")}/api/v2/alerts`;
  const headers = { "content-type": "application/json", "user-agent": "foreshock" };
  const { nowMs, holdMs } = context;
  const send = (alerts: readonly Alert[], signal: AbortSignal) =>
    post({ url, headers, body: JSON.stringify(alerts), nowMs }, signal);
  const startedMs = nowMs();
  return {
    name: config.name,
    minimumSeverity: config.minimumSeverity,
    forgets: true,
    deliver: (notification, signal) =>
      send(alertsOf(notification, { heldUntilMs: nowMs() + holdMs }), signal),
    beat: (beatHoldMs, signal) =>
      send([watchdogOf({ startedMs, heldUntilMs: nowMs() + beatHoldMs })], signal),
  };
}

/** An alert that always fires, by the name that others use too: a route sends it to a receiver that misses it. */
function watchdogOf(times: { readonly startedMs: number; readonly heldUntilMs: number }): Alert {
  return {
    labels: { alertname: "Watchdog", service: "foreshock", severity: "none" },
    annotations: {
      summary: "Foreshock watches",
      description:
        "Always firing while Foreshock judges and decides in time. When it ends, Foreshock is dead or stalled: send it to a receiver that alerts when it is missed.",
    },
    startsAt: new Date(times.startedMs).toISOString(),
    endsAt: new Date(times.heldUntilMs).toISOString(),
  };
}

/** The alerts that stand for a notification: the one that fires or ends, and those of lower severity that it took the place of. */
export function alertsOf(
  notification: Notification,
  { heldUntilMs }: { readonly heldUntilMs: number },
): readonly Alert[] {
  const { incident, severities } = notification;
  const isOver = incident.phase === "resolved";
  const endedMs = isOver ? (incident.resolvedMs ?? incident.atMs) : heldUntilMs;
  const standing = severities.at(-1) ?? "ticket";
  const replaced = severities.slice(0, -1).filter((severity) => severity !== standing);
  return [
    alertOf(notification, standing, endedMs),
    ...replaced.map((severity) =>
      alertOf(notification, severity, isOver ? endedMs : incident.atMs),
    ),
  ];
}

function alertOf(
  { incident, place, key, text, url }: Notification,
  severity: Severity,
  endsMs: number,
): Alert {
  return {
    labels: {
      ...Object.fromEntries(Object.entries(place).map(([name, value]) => [labelName(name), value])),
      alertname: "ForeshockIncident",
      incident: incident.incident,
      severity,
    },
    annotations: { summary: incident.title, description: text, delivery_key: key },
    startsAt: new Date(incident.sinceMs).toISOString(),
    // An end before the start is refused; a resolution never lies before the first sign.
    endsAt: new Date(Math.max(endsMs, incident.sinceMs + 1)).toISOString(),
    ...(url === undefined ? {} : { generatorURL: url }),
  };
}

/** Attribute names as Prometheus has them: `cloud.region` is `cloud_region`. */
function labelName(attribute: string): string {
  const name = attribute.replace(/[^A-Za-z0-9_]/g, "_");
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
