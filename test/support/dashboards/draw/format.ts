/** Values in the reader's units, as Grafana would write them. */
import type { Unit } from "../../../../dashboards/spec.ts";

/** At most so many digits; trailing zeros go. */
const digits = (value: number, most: number) => String(Number(value.toFixed(most)));

function short(value: number, decimals: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${digits(value / 1e9, 2)} B`;
  if (size >= 1e6) return `${digits(value / 1e6, 2)} M`;
  if (size >= 1e4) return `${digits(value / 1e3, 1)} K`;
  return digits(value, decimals);
}

function seconds(value: number, decimals: number): string {
  const size = Math.abs(value);
  if (size >= 7200) return `${digits(value / 3600, 1)} h`;
  if (size >= 120) return `${digits(value / 60, 1)} min`;
  if (size >= 1 || size === 0) return `${digits(value, Math.min(decimals, 2))} s`;
  return `${digits(value * 1000, size < 0.01 ? 2 : 0)} ms`;
}

export function formatted(value: number, unit: Unit, decimals = 2): string {
  switch (unit) {
    case "percentunit":
      return `${digits(value * 100, decimals)} %`;
    case "s":
      return seconds(value, decimals);
    case "reqps":
      return `${digits(value, decimals)} req/s`;
    case "currencyUSD":
      return `$${value >= 1000 ? short(value, decimals) : value.toFixed(Math.min(decimals, 3))}`;
    case "x":
      return `${digits(value, decimals)}×`;
    case "bytes":
      return `${short(value, decimals)}B`;
    case "dateTimeAsIso":
    case "dateTimeFromNow":
      return new Date(value).toISOString().slice(0, 19).replace("T", " ");
    case "short":
    case "none":
    case "string":
      return short(value, decimals);
  }
}
