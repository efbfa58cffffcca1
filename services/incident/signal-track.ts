/** What is remembered of one signal of a cell: its evidence, and how far its level is off. */
import type { SignalName, SignalVerdict } from "../contracts/frame.ts";
import { followSurprise } from "./evidence.ts";
import type { CellTrack, SignalTrack, TrackStep } from "./track.ts";

export const initialSignalTrack = (): SignalTrack => ({
  evidence: 0,
  sinceMs: 0,
  usual: { bad: 0, of: 0 },
  shift: { sum: 0, of: 0 },
  last: noVerdict(),
});

/** Takes a verdict in, in place. */
export function stepSignal(track: CellTrack, verdict: SignalVerdict, step: TrackStep): void {
  if (verdict.state === "blind" || verdict.state === "sampled") return;
  const kept = track.signals[verdict.signal];
  const signal = kept ?? initialSignalTrack();
  if (kept === undefined) track.signals[verdict.signal] = signal;
  const { last } = signal;
  last.seen = verdict.seen;
  last.expected = verdict.expected;
  last.low = verdict.low;
  last.high = verdict.high;
  last.bad = verdict.bad;
  last.of = verdict.of;
  last.direction = verdict.direction;
  last.surprise = verdict.surprise;
  last.detector = verdict.reasons[0]?.detector ?? "";
  if (verdict.state === "warming") return;
  stepShift(signal, verdict, { fade: step.fade.recent, easedFactor: track.easedFactor });
  signal.evidence = followSurprise(signal.evidence, verdict.surprise, step.evidence);
  stepSince(signal, step);
}

function stepShift(
  signal: SignalTrack,
  { seen, expected, of }: SignalVerdict,
  by: { readonly fade: number; readonly easedFactor: number },
): void {
  signal.shift.sum *= by.fade;
  signal.shift.of *= by.fade;
  if (seen === null || expected === null || !(seen > 0) || !(expected > 0)) return;
  const weight = Math.max(1, of);
  signal.shift.sum += weight * Math.log((seen / expected) * by.easedFactor);
  signal.shift.of += weight;
}

/** A run of evidence begins where the signal is first worth watching, and ends where nothing is left of it. */
function stepSince(signal: SignalTrack, step: TrackStep): void {
  if (signal.evidence < 1) signal.sinceMs = 0;
  else if (signal.sinceMs === 0 && signal.evidence >= step.judgement.detect.watchSurprise)
    signal.sinceMs = step.windowStartMs;
}

/** A window with requests in which the signal had nothing to say. */
export function addHealthy(track: CellTrack, name: SignalName, step: TrackStep): void {
  const signal = track.signals[name];
  if (signal === undefined || signal.evidence === 0) return;
  signal.evidence = followSurprise(signal.evidence, 0, step.evidence);
  stepSince(signal, step);
}

const noVerdict = (): SignalTrack["last"] => ({
  seen: null,
  expected: null,
  low: null,
  high: null,
  bad: 0,
  of: 0,
  direction: "none",
  surprise: 0,
  detector: "",
});
