/**
 * An incident in words: the same sentences in terminal, webhook, page and Alertmanager. Each line answers one of: is it real,
 * where, how bad, how long is left. Pure: times come as Unix ms and are shown in the reader's zone.
 */
import { parseCellKey } from "./cell.ts";
import {
  formatCount,
  formatMinutes,
  formatRatio,
  formatSpan,
  formatTime,
  formatValue,
  zoneName,
} from "./format.ts";
import { signalCatalog } from "./frame.ts";
import { type Evidence, type Incident, mostHit } from "./incident.ts";

export interface AlertTextOptions {
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** Base URL of the page, without a slash at its end; no link without it. */
  readonly publicUrl?: string;
  /** Link to a dashboard. */
  readonly dashboardUrl?: string;
}

export interface AlertText {
  readonly headline: string;
  readonly lines: readonly string[];
}

/** Headline: severity, place, symptom, trend. Lines begin with a label padded to ten columns. */
export function alertText(incident: Incident, options: AlertTextOptions): AlertText {
  if (incident.phase === "resolved") return resolvedText(incident, options);
  const head = incident.severity === "none" ? "WATCH" : incident.severity.toUpperCase();
  return {
    headline: `${head}  ${incident.title}`,
    lines: [
      ...seenLines(incident, options),
      ...line("Where", whereText(incident)),
      ...line("Spread", spreadText(incident)),
      ...line("Left", leftText(incident)),
      ...line(
        incident.severity === "page" ? "Why now" : "Why",
        [incident.reason, whyText(incident)].filter((part) => part !== "").join("; "),
      ),
      ...line("Look", lookText(incident, options)),
    ],
  };
}

function resolvedText(incident: Incident, options: AlertTextOptions): AlertText {
  const endMs = incident.resolvedMs ?? incident.atMs;
  const { bad, of, tenants } = incident.totals;
  const first = incident.evidence.toSorted((a, b) => a.sinceMs - b.sinceMs)[0];
  const tenantText = tenants > 0 ? `, about ${formatCount(tenants)} tenants` : "";
  return {
    headline: `RESOLVED  ${incident.title}`,
    lines: [
      ...line(
        "Lasted",
        `${formatSpan(endMs - incident.sinceMs)}, ${formatTime(incident.sinceMs, options.timeZone)} to ${formatTime(endMs, options.timeZone)} ${zoneName(endMs, options.timeZone)}`,
      ),
      ...line(
        "Hit",
        `${formatCount(bad)} of ${formatCount(of)} requests failed or slow${tenantText}`,
      ),
      ...line("Where", whereText(incident)),
      ...line(
        "First",
        first === undefined
          ? ""
          : `${signalCatalog[first.signal].words} in ${cellWords(first)} at ${formatTime(first.sinceMs, options.timeZone)}`,
      ),
      ...line("Why", incident.reason),
      ...line("Look", lookText(incident, options)),
    ],
  };
}

function line(label: string, text: string): string[] {
  return text === "" ? [] : [`${label.padEnd(10)}${text}`];
}

/** One line for the leading signal, one for another that users notice. */
function seenLines(incident: Incident, options: AlertTextOptions): string[] {
  const leading = mostHit(incident, ({ signal }) => signal === incident.leadingSignal);
  const other = mostHit(
    incident,
    (evidence) =>
      evidence.signal !== incident.leadingSignal &&
      signalCatalog[evidence.signal].role === "visible",
  );
  const since = `since ${formatTime(incident.sinceMs, options.timeZone)} ${zoneName(incident.sinceMs, options.timeZone)}`;
  return [leading, other].flatMap((evidence, index) => {
    if (evidence === undefined) return [];
    const counts = countsOf(incident, evidence, index === 0 ? since : "");
    const text = [
      `${shortName(evidence)} ${seenText(evidence)}${cellOf(incident, evidence)}`,
      counts,
    ]
      .filter((part) => part !== "")
      .join("; ");
    return line(index === 0 || leading === undefined ? "Seen" : "", text);
  });
}

/** Whose value it is, where the place of the incident does not say so. */
function cellOf({ evidence }: Incident, { signal, cell }: Evidence): string {
  const others = evidence.filter((one) => one.signal === signal && one.cell !== cell);
  return others.length === 0 ? "" : ` (${nameOf(cell)})`;
}

function seenText(evidence: Evidence): string {
  const seen = formatValue(evidence.signal, evidence.seen);
  const { low, high } = evidence;
  if (high === null) return seen;
  const bound = formatValue(evidence.signal, high);
  const isLevel = signalCatalog[evidence.signal].unit !== "ratio" && low !== null && low > 0;
  const expected = isLevel
    ? `${formatValue(evidence.signal, low, bound)}–${bound} at this load`
    : `≤ ${bound}`;
  return `${seen}, expected ${expected}`;
}

function countsOf(incident: Incident, evidence: Evidence, since: string): string {
  const all = incident.evidence.filter((other) => other.signal === evidence.signal);
  const bad = all.reduce((sum, other) => sum + other.bad, 0);
  const of = all.reduce((sum, other) => sum + other.of, 0);
  if (of === 0) return since;
  const what = signalCatalog[evidence.signal].unit === "ratio" ? "" : " slow";
  return `${formatCount(bad)} of ${formatCount(of)} requests${what}${since === "" ? "" : ` ${since}`}`;
}

const shortNames: Partial<Record<Evidence["signal"], string>> = {
  ttft: "first token p95",
  duration: "answer p95",
  time_per_output_token: "time per token",
};

function shortName(evidence: Evidence): string {
  return shortNames[evidence.signal] ?? signalCatalog[evidence.signal].words;
}

const shortDimensions: Readonly<Record<string, string>> = {
  "gen_ai.request.model": "model",
  "gen_ai.provider.name": "provider",
  "gen_ai.operation.name": "operation",
  "cloud.region": "region",
  "http.route": "route",
};

/** `model=claude-sonnet, region=eu-west-1`; several places are joined by ` or `. */
export function placesText(dimensions: Incident["dimensions"]): string {
  return dimensions
    .map((place) =>
      Object.entries(place)
        .map(([name, value]) => `${shortDimensions[name] ?? name}=${value}`)
        .join(", "),
    )
    .join(" or ");
}

function whereText(incident: Incident): string {
  if (incident.dimensions.length === 0)
    return incident.attribution.length === 0
      ? ""
      : `everywhere alike: no model, region or version stands out`;
  const named = incident.attribution.filter((entry) => entry.isNamed);
  const share = Math.min(1, ...bestShares(named));
  const explain = named.length === 0 ? "" : ` explain ${formatRatio(share)} of it`;
  const others = incident.liveCells - incident.degradedCells;
  const rest =
    others <= 0 || incident.phase === "resolved"
      ? ""
      : `; the other ${formatCount(others)} cells are normal`;
  return `${placesText(incident.dimensions)}${explain}${rest}`;
}

/** For each dimension, what its named values hold together. */
function bestShares(named: Incident["attribution"]): number[] {
  const byDimension = new Map<string, number>();
  for (const entry of named)
    byDimension.set(entry.dimension, (byDimension.get(entry.dimension) ?? 0) + entry.share);
  return [...byDimension.values()];
}

function spreadText(incident: Incident): string {
  const { spread } = incident;
  const parts = [
    `${incident.degradedCells} of ${incident.liveCells} cells (${formatRatio(incident.degradedShare)} of traffic)`,
    ...(spread.doublingMinutes === null
      ? []
      : [`doubling every ${formatMinutes(spread.doublingMinutes)}`]),
  ];
  const next = spread.next.slice(0, 3).map(nameOf);
  return parts.join(", ") + (next.length === 0 ? "" : `; next: ${next.join(", ")}`);
}

/** `gpt-4o in us-east-1`. */
function nameOf(key: Evidence["cell"]): string {
  const cell = parseCellKey(key);
  return [cell.model || cell.operation, cell.region].filter((part) => part !== "").join(" in ");
}

function leftText(incident: Incident): string {
  const { forecast, atMs } = incident;
  if (forecast === null) return "";
  const minutes = (ms: number) => Math.max(0, Math.round((ms - atMs) / 60_000));
  const low = minutes(forecast.breachLowMs);
  const range =
    forecast.breachHighMs === null
      ? `${low} min or more`
      : `${low}–${Math.max(low + 1, minutes(forecast.breachHighMs))} min`;
  return `${forecast.what} in ${range} (${formatRatio(forecast.coverage)} interval)`;
}

function whyText(incident: Incident): string {
  return (incident.whyNow ?? []).join(", ");
}

function lookText(incident: Incident, options: AlertTextOptions): string {
  const traces = incident.examples.slice(0, 2).map((example) => example.traceId);
  return [
    ...(options.publicUrl === undefined || options.publicUrl === ""
      ? []
      : [`page ${options.publicUrl}/incidents/${incident.incident}`]),
    ...(traces.length === 0 ? [] : [`traces ${traces.join(", ")}`]),
    ...(options.dashboardUrl === undefined ? [] : [`dashboard ${options.dashboardUrl}`]),
  ].join("   ");
}

function cellWords(evidence: Evidence): string {
  const cell = parseCellKey(evidence.cell);
  const what = cell.kind === "genai" ? cell.model : cell.operation;
  return cell.region === "" ? what : `${what}, ${cell.region}`;
}
