/** A JSON POST a notification, to any program; `Idempotency-Key` lets it drop a repeat. */
import type { SinkConfig } from "../../contracts/config.ts";
import { type NotificationBody, notificationVersion } from "../../contracts/notification.ts";
import { post } from "./http-post.ts";
import type { Notification, Sink, SinkContext } from "./sink.ts";

type WebhookConfig = Extract<SinkConfig, { kind: "webhook" }>;

export function webhookSink(config: WebhookConfig, context: SinkContext): Sink {
  return {
    name: config.name,
    minimumSeverity: config.minimumSeverity,
    forgets: false,
    deliver: (notification, signal) =>
      post(
        {
          url: config.url,
          headers: {
            "content-type": "application/json",
            "user-agent": "foreshock",
            ...config.headers,
            // Header values hold Latin-1 without line breaks only; the key in the body is exact.
            "idempotency-key": notification.key.replace(/[^\x20-\x7e]/g, "?"),
          },
          body: JSON.stringify(bodyOf(notification)),
          nowMs: context.nowMs,
        },
        signal,
      ),
  };
}

function bodyOf(notification: Notification): NotificationBody {
  return {
    version: notificationVersion,
    key: notification.key,
    transition: notification.transition,
    severity: notification.severities.at(-1) ?? "none",
    why: notification.why,
    text: notification.text,
    url: notification.url ?? null,
    incident: notification.incident,
  };
}
