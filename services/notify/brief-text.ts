/** The alert in three lines. */
import type { Incident } from "../contracts/incident.ts";
export function alertText(
  incident: Incident,
  options: { timeZone: string; pageUrl: string },
): string {
  return [
    `${incident.severity.toUpperCase()}  ${incident.title}`,
    `Why now   ${incident.reason}`,
    `Look      ${options.pageUrl}`,
  ].join("\n");
}
