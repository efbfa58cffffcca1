/** What an episode keeps of each window: evidence, totals, counts by dimension, example traces. */
import type { CellKey } from "../contracts/cell.ts";
import type { CellFrame } from "../contracts/frame.ts";
import type { Degraded, DegradedSignal } from "./degraded-signal.ts";
import type { Episode } from "./state.ts";
import type { CellTrack } from "./track.ts";

const evidenceLimit = 200;
const dimensionValuesLimit = 48;
const examplesLimit = 5;

/** Adds a window's counts, evidence, dimensions and examples to an episode. */
export function rememberWindow(
  episode: Episode,
  frames: ReadonlyMap<CellKey, CellFrame>,
  at: { readonly degraded: Degraded; readonly tracks: Readonly<Record<CellKey, CellTrack>> },
): void {
  for (const key of Object.keys(episode.members).toSorted() as CellKey[]) {
    const frame = frames.get(key);
    const track = at.tracks[key];
    if (frame === undefined || track === undefined) continue;
    const signals = (at.degraded.get(key) ?? []).filter((s) => s.family === episode.family);
    rememberEvidence(episode, { key, frame, track, signals });
    rememberTotals(episode, frame);
    if (signals.length === 0) continue;
    rememberDimensions(episode, key, { frame, track });
    rememberExamples(episode, frame);
  }
}

interface RememberedCell {
  readonly frame: CellFrame;
  readonly track: CellTrack;
}

function rememberEvidence(
  episode: Episode,
  from: {
    readonly key: CellKey;
    readonly frame: CellFrame;
    readonly track: CellTrack;
    readonly signals: readonly DegradedSignal[];
  },
): void {
  const { key, frame, track, signals } = from;
  for (const { signal, sinceMs } of signals) {
    const name = `${signal}|${key}`;
    if (episode.evidence[name] !== undefined) continue;
    if (Object.keys(episode.evidence).length >= evidenceLimit) return;
    const last = track.signals[signal]?.last;
    episode.evidence[name] = {
      signal,
      cell: key,
      sinceMs,
      bad: 0,
      of: 0,
      surprise: last?.surprise ?? 0,
      seen: last?.seen ?? null,
      expected: last?.expected ?? null,
      low: last?.low ?? null,
      high: last?.high ?? null,
      detector: last?.detector ?? "",
    };
  }
  for (const verdict of frame.signals) {
    const evidence = episode.evidence[`${verdict.signal}|${key}`];
    if (evidence === undefined || verdict.state === "blind") continue;
    evidence.bad += verdict.bad;
    evidence.of += verdict.of;
    // The picture of the worst window: what is shown was seen, and its band belongs to it.
    if (verdict.surprise < evidence.surprise * 0.98) {
      evidence.surprise *= 0.98;
      continue;
    }
    Object.assign(evidence, {
      surprise: verdict.surprise,
      seen: verdict.seen,
      expected: verdict.expected,
      low: verdict.low,
      high: verdict.high,
      detector: verdict.reasons[0]?.detector ?? evidence.detector,
    });
  }
}

function rememberTotals(episode: Episode, frame: CellFrame): void {
  const failed = frame.failures + frame.limited + frame.authFailures;
  const signals = new Set(
    Object.values(episode.evidence)
      .filter((evidence) => evidence.cell === frame.cell)
      .map((evidence) => evidence.signal),
  );
  let worst = failed;
  for (const verdict of frame.signals)
    if (signals.has(verdict.signal)) worst = Math.max(worst, verdict.bad);
  episode.totals.bad += Math.min(frame.requests, worst);
  episode.totals.of += frame.requests;
  episode.totals.tenants = Math.max(
    episode.totals.tenants,
    failed > 0 ? Math.max(frame.tenantsFailed, frame.tenantsLimited) : 0,
  );
}

/** A window's counts; of a cell that joins the incident with it, those of the last minutes. */
function rememberDimensions(episode: Episode, key: CellKey, of: RememberedCell): void {
  const { frame, track } = of;
  const isSlow = Object.values(episode.evidence).every((evidence) =>
    ["ttft", "duration", "time_per_output_token", "stragglers"].includes(evidence.signal),
  );
  const member = episode.members[key];
  if (member !== undefined && !member.hasDimensions) {
    // They hold this window's already.
    member.hasDimensions = true;
    for (const [dimension, values] of Object.entries(track.recentDimensions))
      addDimension(
        episode,
        dimension,
        Object.entries(values).map(([value, { requests, failed, slow }]) => ({
          value,
          requests,
          bad: failed + (isSlow ? slow : 0),
        })),
      );
    return;
  }
  for (const { dimension, values } of frame.dimensions)
    addDimension(
      episode,
      dimension,
      values.map(({ value, requests, failures, limited, slow }) => ({
        value,
        requests,
        bad: failures + limited + (isSlow ? slow : 0),
      })),
    );
}

/** A request that fails late counts as failing and as slow, and is one bad request: no value has more of them than requests. */
function addDimension(
  episode: Episode,
  dimension: string,
  told: readonly { readonly value: string; readonly requests: number; readonly bad: number }[],
): void {
  const values = told.map((one) => ({ ...one, bad: Math.min(one.bad, one.requests) }));
  const kept = episode.dimensions[dimension] ?? {};
  episode.dimensions[dimension] = kept;
  const allBad = values.reduce((sum, { bad }) => sum + bad, 0);
  const of = values.reduce((sum, { requests }) => sum + requests, 0);
  for (const { value, requests, bad } of values) {
    const counts = kept[value] ?? { bad: 0, of: 0, expected: 0 };
    if (kept[value] === undefined && Object.keys(kept).length >= dimensionValuesLimit) continue;
    kept[value] = counts;
    counts.bad += bad;
    counts.of += requests;
    counts.expected += of > 0 ? (allBad * requests) / of : 0;
  }
}

function rememberExamples(episode: Episode, frame: CellFrame): void {
  for (const example of frame.examples) {
    if (episode.examples.some((other) => other.traceId === example.traceId)) continue;
    const isFailed = example.outcome !== "ok";
    const why = isFailed
      ? example.outcome
      : `first token after ${(example.timeToFirstTokenUs / 1e6).toFixed(1)} s`;
    const entry = { traceId: example.traceId, spanId: example.spanId, why };
    // Failed ones say more than slow ones; the newest of a kind replace older ones.
    episode.examples = (
      isFailed ? [entry, ...episode.examples] : [...episode.examples, entry]
    ).slice(0, examplesLimit);
  }
}
