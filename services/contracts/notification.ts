/** What a webhook receives: one JSON object a notification. Repeats carry the same `key`, also as the `Idempotency-Key` header. */
import * as z from "zod";
import { incidentSchema, severities, transitions } from "./incident.ts";

export const notificationVersion = 1;

export const notificationSchema = z.object({
  version: z.number(),
  /** `incident/transition-or-revision/sink`. */
  key: z.string(),
  transition: z.enum([...transitions, "renotified"]),
  /** Severity that the reader is told, also when the incident is resolved. */
  severity: z.enum(severities),
  /** Why this was sent now: one of the sending reasons of `services/notify/route.ts`. */
  why: z.string(),
  /** The alert as people read it, several lines. */
  text: z.string(),
  /** The incident on the page; null when nothing says how the page is reached. */
  url: z.string().nullable(),
  incident: incidentSchema,
});

export type NotificationBody = z.infer<typeof notificationSchema>;
