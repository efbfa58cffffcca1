/**
 * Alertmanager's v2 API. An alert is its labels, so they are fixed when it is first sent: incident, severity and the place
 * as it was named then; everything that moves is an annotation. A rise from ticket to page ends the one and starts the other
 * in the same request. Alertmanager forgets what it is not sent again.
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
  readonly endsAt?: string;
  readonly generatorURL?: string;
}

export function alertmanagerSink(config: AlertmanagerConfig, context: SinkContext): Sink {
  const url = `${config.url.replace(/\/+$/, "")}/api/v2/alerts`;
  return {
    name: config.name,
    minimumSeverity: config.minimumSeverity,
    forgets: true,
    deliver: (notification, signal) =>
      post(
        {
          url,
          headers: { "content-type": "application/json", "user-agent": "foreshock" },
          body: JSON.stringify(alertsOf(notification)),
          nowMs: context.nowMs,
        },
        signal,
      ),
  };
}

/** The alerts that stand for a notification: the one that fires or ends, and those of lower severity that it took the place of. */
export function alertsOf(notification: Notification): readonly Alert[] {
  const { incident, severities } = notification;
  const endedMs =
    incident.phase === "resolved" ? (incident.resolvedMs ?? incident.atMs) : undefined;
  const standing = severities.at(-1) ?? "ticket";
  const replaced = severities.slice(0, -1).filter((severity) => severity !== standing);
  return [
    alertOf(notification, standing, endedMs),
    ...replaced.map((severity) => alertOf(notification, severity, endedMs ?? incident.atMs)),
  ];
}

function alertOf(
  { incident, place, key, text, url }: Notification,
  severity: Severity,
  endedMs: number | undefined,
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
    ...(endedMs === undefined
      ? {}
      : { endsAt: new Date(Math.max(endedMs, incident.sinceMs + 1)).toISOString() }),
    ...(url === undefined ? {} : { generatorURL: url }),
  };
}

/** Attribute names as Prometheus has them: `cloud.region` is `cloud_region`. */
function labelName(attribute: string): string {
  const name = attribute.replace(/[^A-Za-z0-9_]/g, "_");
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
