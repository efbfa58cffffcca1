import { ForeshockError } from "../contracts/errors.ts";

const unitSeconds: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
};

/** `90s`, `15m`, `1h`, `7d`, `2w`, or plain seconds; in seconds. Throws `usage`. */
export function durationSeconds(text: string, option: string): number {
  const found = /^(\d+(?:\.\d+)?)([smhdw]?)$/.exec(text);
  if (found === null)
    throw new ForeshockError(
      "usage",
      `--${option} must be a duration such as 90s, 15m, 1h, 7d, got ${text}`,
    );
  return Number(found[1]) * (unitSeconds[found[2] ?? ""] ?? 1);
}

/** A point in time, Unix ms: `2026-03-02T13:00:00Z`, a date, or a duration before `nowMs` such as `1h`. Throws `usage`. */
export function pointInTime(text: string, option: string, nowMs: number): number {
  if (/^\d+(\.\d+)?[smhdw]$/.test(text)) return nowMs - durationSeconds(text, option) * 1000;
  const ms = Date.parse(text);
  if (text === "now") return nowMs;
  if (Number.isNaN(ms))
    throw new ForeshockError(
      "usage",
      `--${option} must be a time such as 2026-03-02T13:00:00Z, or how long ago such as 1h, got ${text}`,
    );
  return ms;
}

/** As ClickHouse reads a DateTime64(3) in UTC. */
export const clickHouseTime = (ms: number) =>
  new Date(ms).toISOString().replace("T", " ").slice(0, 23);
