/** A diagnosis as people read it. */
import type { Diagnosis, FaultSeen, SignalSeen } from "../doctor/examine.ts";
import { type NeedName, needs } from "../doctor/needs.ts";

const shownAtMost = 12;

export function describeDiagnosis(diagnosis: Diagnosis, where: string): string[] {
  return [
    ...sawLines(diagnosis, where),
    "",
    "What it carries",
    ...diagnosis.signals.map(signalLine),
    ...diagnosis.libraryNotes.map((note) => `  note     ${note}`),
    "",
    "Which faults would show",
    ...diagnosis.faults.map(faultLine),
    ...remedyLines(diagnosis),
  ];
}

function sawLines(diagnosis: Diagnosis, where: string): string[] {
  const { spans, requests, failures, httpRequests, unreadable } = diagnosis;
  const row = (name: string, text: string) => `  ${name.padEnd(11)}${text}`;
  return [
    `Seen in ${where}`,
    row(
      "spans",
      `${spans} in ${diagnosis.records} requests${unreadable > 0 ? `, ${unreadable} not readable` : ""}`,
    ),
    row("counted", `${requests} model calls (${failures} failed), ${httpRequests} HTTP requests`),
    row("senders", list(services(diagnosis))),
    row(
      "libraries",
      list(
        diagnosis.libraries.map(({ scope, spans: sent }) => `${scope || "(no scope)"} (${sent})`),
      ),
    ),
    row("providers", list(diagnosis.providers)),
    row("models", list(diagnosis.models)),
    row("regions", list(diagnosis.regions)),
    row("metrics", list(diagnosis.metrics)),
    row("sampling", sampling(diagnosis)),
    ...(diagnosis.lateSpans + diagnosis.clampedSpans + diagnosis.repeatedSpans === 0
      ? []
      : [
          row(
            "quality",
            `${diagnosis.lateSpans} spans late, ${diagnosis.clampedSpans} from clocks ahead, ${diagnosis.repeatedSpans} sent twice`,
          ),
        ]),
  ];
}

/** Fewer clean traces than this, of as many, and detect says "sampled" of ratios. */
const cleanRatio = 0.05;
const leastTraces = 50;

function sampling({ spans, sampledSpans, traces, cleanTraces }: Diagnosis): string {
  if (traces >= leastTraces && cleanTraces <= cleanRatio * traces)
    return `all but ${cleanTraces} of ${traces} traces have an error: only those seem to be kept, so what share fails is unknown`;
  return sampledSpans === 0
    ? "none that spans tell of (ot=th in the trace state)"
    : `${percent(sampledSpans / spans)} of spans carry their weight`;
}

/** Senders by service: `chatbot-api (12 instances, 4711 spans)`. */
function services({ senders }: Diagnosis): string[] {
  const byName = new Map<string, { instances: number; spans: number }>();
  for (const { sender, spans } of senders) {
    const name = sender.split("/")[0] ?? sender;
    const before = byName.get(name) ?? { instances: 0, spans: 0 };
    byName.set(name, { instances: before.instances + 1, spans: before.spans + spans });
  }
  return [...byName].map(
    ([name, { instances, spans }]) =>
      `${name} (${instances} instance${instances === 1 ? "" : "s"}, ${spans} spans)`,
  );
}

function signalLine({ words, isVisible, share, carriers }: SignalSeen): string {
  const how = isVisible ? "yes" : share > 0 ? percent(share) : "no";
  return `  ${how.padEnd(9)}${words}${isVisible ? "" : ` (${carriers.join(", ")})`}`;
}

const marks = { visible: "yes", unplaced: "not where", invisible: "no" } as const;

function faultLine({ scenario, title, visibility, missing, wouldHelp }: FaultSeen): string {
  const lacks = missing.length > 0 ? `: lacks ${words(missing, " or ")}` : "";
  const better = wouldHelp.length > 0 ? `; better with ${words(wouldHelp, ", ")}` : "";
  return `  ${marks[visibility].padEnd(11)}${title} (${scenario})${lacks}${better}`;
}

function remedyLines({ remedies }: Diagnosis): string[] {
  if (remedies.length === 0) return ["", "Nothing is missing."];
  return remedies.flatMap((remedy) => [
    "",
    `To see ${remedy.words} (${remedy.scenarios.join(", ")})`,
    ...remedy.lines.map((line) => `    ${line}`),
  ]);
}

const words = (names: readonly NeedName[], joint: string) =>
  names.map((name) => needs[name].words).join(joint);

const percent = (share: number) => `${Math.round(share * 100)} %`;

function list(items: readonly string[]): string {
  if (items.length === 0) return "none";
  const more = items.length - shownAtMost;
  return items.slice(0, shownAtMost).join(", ") + (more > 0 ? `, and ${more} more` : "");
}
