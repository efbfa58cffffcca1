/** Numbers and times as people read them. Pure; runs on the server and in the page. */

/** A value in its signal's unit, with two or three significant digits. */
export function formatValue(value: number | null, unit: string): string {
  if (value === null) return "–";
  switch (unit) {
    case "ratio":
      return formatRatio(value);
    case "µs":
      return formatMicroseconds(value);
    case "requests/s":
      return `${formatNumber(value)}/s`;
    case "requests":
      return `${formatNumber(value)} req`;
    case "tokens":
      return `${formatNumber(value)} tok`;
    default:
      return formatNumber(value);
  }
}

export function formatRatio(ratio: number): string {
  const percent = ratio * 100;
  if (percent === 0) return "0 %";
  if (percent < 0.1) return "< 0.1 %";
  return `${percent < 10 ? trim(percent.toFixed(1)) : percent.toFixed(0)} %`;
}

/** `like` sets the unit, so that both ends of an interval have the same. */
function formatMicroseconds(us: number, like = us): string {
  if (us === 0) return "0 s";
  if (like < 1_000) return `${us.toFixed(0)} µs`;
  if (like < 999_500)
    return `${us < 9_950 ? trim((us / 1e3).toFixed(1)) : (us / 1e3).toFixed(0)} ms`;
  const seconds = us / 1e6;
  return `${seconds < 0.095 ? seconds.toFixed(2) : seconds < 9.95 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
}

export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim((value / 1e6).toFixed(1))} M`;
  if (size >= 1e4) return `${trim((value / 1e3).toFixed(0))} k`;
  if (size >= 100 || Number.isInteger(value))
    return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",");
  return trim(value.toFixed(size >= 10 ? 1 : 2));
}

/** The interval that was expected, `0.9–1.4 s`; empty where nothing was. */
export function formatExpected(low: number | null, high: number | null, unit: string): string {
  if (high === null) return low === null ? "" : `≥ ${formatValue(low, unit)}`;
  if (low === null || low <= 0) return `≤ ${formatValue(high, unit)}`;
  const to = formatValue(high, unit);
  const from = unit === "µs" ? formatMicroseconds(low, high) : formatValue(low, unit);
  const unitOf = (text: string) => text.replace(/^[<\s\d.,]+/, "");
  return unitOf(from) === unitOf(to)
    ? `${from.slice(0, from.length - unitOf(from).length).trimEnd()}–${to}`
    : `${from}–${to}`;
}

/** A length of time in its largest fitting unit: `6 s`, `3 min`, `2 h 5 min`, `3 days`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.round(hours / 24);
  return days === 1 ? "1 day" : `${days} days`;
}

/** Clock time in a zone, `14:41:05`; with the day when it is not `nowMs`'s. */
export function formatClock(atMs: number, nowMs: number, timeZone: string | undefined): string {
  const zone = timeZone === undefined ? {} : { timeZone };
  const time = new Date(atMs).toLocaleTimeString("en-GB", zone);
  const day = (ms: number) =>
    new Date(ms).toLocaleDateString("en-GB", { ...zone, day: "numeric", month: "short" });
  return day(atMs) === day(nowMs) ? time : `${day(atMs)} ${time}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function trim(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

/**
 * How long is left until a breach that was foretold; nothing once the whole interval is over: the forecast says nothing any more, whether it
 * came true or not.
 */
export function formatLeft({ breachMedianMs, breachHighMs }: Breach, nowMs: number): string {
  if (breachMedianMs === null) return "";
  if (breachMedianMs > nowMs) return `about ${formatDuration(breachMedianMs - nowMs)} left`;
  return breachHighMs === null || breachHighMs > nowMs ? "breach is due" : "";
}

interface Breach {
  readonly breachMedianMs: number | null;
  readonly breachHighMs: number | null;
}
