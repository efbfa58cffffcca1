/** Turns tasks into what sinks say, and the configuration into the sinks there are. */
import { alertText } from "../contracts/alert-text.ts";
import type { Config, SinkConfig } from "../contracts/config.ts";
import type { Notification } from "./sinks/sink.ts";
import type { Task } from "./state.ts";

export interface NotificationTexts {
  notificationOf(task: Task): Notification;
}

export function notificationTexts(config: Config): NotificationTexts {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const publicUrl = pageUrl(config) ?? "";
  return {
    notificationOf(task) {
      const { headline, lines } = alertText(task.incident, { timeZone, publicUrl });
      return {
        key: task.key,
        transition: task.transition,
        why: task.why,
        incident: task.incident,
        severities: task.severities,
        place: task.place,
        text: [headline, ...lines].join("\n"),
        url:
          publicUrl === ""
            ? undefined
            : `${publicUrl}/incidents/${encodeURIComponent(task.incident.incident)}`,
      };
    },
  };
}

/** Base URL under which readers find the page; undefined when its port is only known to the system. */
function pageUrl({ console: page }: Config): string | undefined {
  if (page.publicUrl !== "") return page.publicUrl.replace(/\/+$/, "");
  if (page.port === 0) return undefined;
  const host = page.host.includes(":") ? `[${page.host}]` : page.host;
  return `http://${host}:${page.port}`;
}

/** The configured sinks, and the terminal where there is one. */
export function sinkConfigs({ notify }: Config, isTerminal: boolean): readonly SinkConfig[] {
  if (!isTerminal || notify.sinks.some(({ kind }) => kind === "terminal")) return notify.sinks;
  return [{ kind: "terminal", name: "terminal", minimumSeverity: "ticket" }, ...notify.sinks];
}
