/** Numbers, spans and times as people read them; the same in alerts, incidents' titles and on the page. */
import { signalCatalog } from "./frame.ts";
import type { Evidence } from "./incident.ts";

/** A value in its signal's unit; `like` lets a range name its unit once. */
export function formatValue(signal: Evidence["signal"], value: number | null, like = ""): string {
  if (value === null) return "nothing";
  switch (signalCatalog[signal].unit) {
    case "ratio":
      return formatRatio(value);
    case "µs": {
      if (like.endsWith(" s") && value >= 100_000) return (value / 1_000_000).toFixed(1);
      const text = formatMicroseconds(value);
      const unit = text.slice(text.indexOf(" "));
      return like.endsWith(unit) ? text.slice(0, -unit.length) : text;
    }
    case "requests/s":
      return `${formatNumber(value)} requests/s`;
    case "tokens":
      return `${formatNumber(value)} tokens`;
    case "requests":
      return `${formatNumber(value)} requests`;
  }
}

/** `93 %`, `1.8 %`, `0.04 %`. */
export function formatRatio(ratio: number): string {
  const percent = 100 * ratio;
  const digits = percent >= 9.95 || percent === 0 ? 0 : percent >= 0.095 ? 1 : 2;
  return `${percent.toFixed(digits).replace(/\.0$/, "")} %`;
}

function formatMicroseconds(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(value >= 9_950_000 ? 0 : 1)} s`;
  if (value >= 1_000) return `${(value / 1_000).toFixed(value >= 9_950 ? 0 : 1)} ms`;
  return `${value.toFixed(0)} µs`;
}

function formatNumber(value: number): string {
  return Math.abs(value) >= 10 ? formatCount(value) : value.toFixed(1).replace(/\.0$/, "");
}

/** `1,212`. */
export function formatCount(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** `47 s`, `12 min`. */
export function formatMinutes(minutes: number): string {
  return minutes >= 1 ? `${Math.round(minutes)} min` : `${Math.round(minutes * 60)} s`;
}

/** `47 s`, `12 min`, `3 h 5 min`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `13:41:05` in the zone. */
export function formatTime(ms: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).format(ms);
}

/** Short name of the zone at that time: `UTC`, `CET`, `GMT+8`. */
export function zoneName(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone, timeZoneName: "short" }).formatToParts(
    ms,
  );
  return parts.find((part) => part.type === "timeZoneName")?.value ?? timeZone;
}
