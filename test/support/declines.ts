/** What a series of requests alone would be told of as a slow loss of users. */
import { judgementSchema } from "../../services/contracts/config.ts";
import type { FleetWindow } from "../../services/incident/join.ts";
import { initialDecline, stepTrafficDecline } from "../../services/incident/traffic-decline.ts";

export interface Series {
  readonly startMs: number;
  readonly stepMs: number;
  readonly requests: readonly number[];
}

/** Starts of declines, UTC. */
export function declinesOf(
  { startMs, stepMs, requests }: Series,
  exceptions: readonly string[] = [],
) {
  const judgement = judgementSchema.parse({ incident: { calendar: { exceptions } } });
  const { calendar } = judgement.incident;
  const decline = initialDecline();
  const told: string[] = [];
  let wasPlain = false;
  for (const [index, count] of requests.entries()) {
    const windowStartMs = startMs + index * stepMs;
    const cells = [{ requests: count }];
    stepTrafficDecline(
      decline,
      { windowMs: stepMs, windowStartMs, cells } as unknown as FleetWindow,
      { calendar, isSilent: false },
    );
    const { isPlain } = decline;
    if (isPlain && !wasPlain) told.push(new Date(windowStartMs).toISOString().slice(0, 10));
    wasPlain = isPlain;
  }
  return told;
}
