/** Turns tasks into what sinks say, and the configuration into the sinks there are. */

import type { Config, SinkConfig } from "../contracts/config.ts";
import { alertText } from "./brief-text.ts";
import type { Notification } from "./sinks/sink.ts";
import type { Task } from "./state.ts";

export interface NotificationTexts {
  notificationOf(task: Task): Notification;
}

export function notificationTexts(config: Config): NotificationTexts {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return {
    notificationOf(task) {
      const url = incidentUrl(config, task.incident.incident);
      return {
        key: task.key,
        transition: task.transition,
        why: task.why,
        incident: task.incident,
        severities: task.severities,
        place: task.place,
        text: alertText(task.incident, { timeZone, pageUrl: url ?? "" }),
        url,
      };
    },
  };
}

/** Where readers find an incident; undefined when the page's port is only known to the system. */
export function incidentUrl({ console: page }: Config, id: string): string | undefined {
  const path = `/incidents/${encodeURIComponent(id)}`;
  if (page.publicUrl !== "") return `${page.publicUrl.replace(/\/+$/, "")}${path}`;
  if (page.port === 0) return undefined;
  const host = page.host.includes(":") ? `[${page.host}]` : page.host;
  return `http://${host}:${page.port}${path}`;
}

/** The configured sinks, and the terminal where there is one. */
export function sinkConfigs({ notify }: Config, isTerminal: boolean): readonly SinkConfig[] {
  if (!isTerminal || notify.sinks.some(({ kind }) => kind === "terminal")) return notify.sinks;
  return [{ kind: "terminal", name: "terminal", minimumSeverity: "ticket" }, ...notify.sinks];
}
