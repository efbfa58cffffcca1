import type { CaptureRecord, CaptureSignal } from "../log/capture.ts";
import { EventQueue } from "./event-queue.ts";
import { matches, type Sender, type TargetFacts } from "./fleet-model.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { normalAt, unitAt } from "./random.ts";
import { amountOf } from "./request-birth.ts";
import { slot } from "./request-slots.ts";
import { faultLevel, type PlannedFault, type RunPlan } from "./run-plan.ts";

interface Sent {
  readonly signal: CaptureSignal;
  readonly partition: number;
  readonly payload: Uint8Array;
}

/** The way from senders to the log: lateness, clock skew, a collector that is away, records that come twice. */
export class Transit {
  /** Latest arrival of anything that was sent. */
  latestMs: number;
  readonly #plan: RunPlan;
  readonly #queue = new EventQueue<Sent>();
  readonly #heartbeats: Heartbeats | undefined;
  readonly #gaps: readonly PlannedFault[];
  readonly #skews: readonly PlannedFault[];
  readonly #late: readonly PlannedFault[];
  /** Replays still to come, and what they would repeat. */
  readonly #replays: { readonly fault: PlannedFault; isDone: boolean }[];
  #recent: { readonly sent: Sent; readonly appendMs: number }[] = [];

  constructor(plan: RunPlan, heartbeats: Heartbeats | undefined) {
    this.#plan = plan;
    this.#heartbeats = heartbeats;
    this.latestMs = plan.startMs;
    const of = (kind: string) => plan.faults.filter((fault) => fault.effect.kind === kind);
    this.#gaps = of("collector_gap");
    this.#skews = of("clock_skew");
    this.#late = of("late_batches");
    this.#replays = of("duplicates").map((fault) => ({ fault, isDone: false }));
  }

  send(sent: Sent, arrivalMs: number): void {
    this.latestMs = Math.max(this.latestMs, arrivalMs);
    this.#queue.push(arrivalMs, sent);
  }

  /** Appends what has arrived, with heartbeats where it was silent. */
  *arrivedBy(nowMs: number): Generator<CaptureRecord, void, undefined> {
    for (;;) {
      const atMs = this.#queue.nextMs;
      const replay = this.#replays.find((r) => !r.isDone && r.fault.course.startMs <= nowMs);
      if (replay !== undefined && replay.fault.course.startMs <= atMs) {
        replay.isDone = true;
        this.#repeat(replay.fault);
        continue;
      }
      if (atMs > nowMs) break;
      const sent = this.#queue.pop();
      if (sent === undefined) break;
      if (this.#isLost(atMs)) continue;
      const appendMs = Math.ceil(atMs);
      if (this.#heartbeats !== undefined) yield* this.#heartbeats.until(appendMs - 1);
      this.#heartbeats?.note(sent.signal, sent.partition, appendMs);
      if (this.#replays.some((r) => !r.isDone)) this.#recent.push({ sent, appendMs });
      yield { ...sent, isHeartbeat: false, appendMs };
    }
    if (this.#heartbeats !== undefined) yield* this.#heartbeats.until(Math.floor(nowMs) - 1);
  }

  /** How far ahead of true time a sender's clock is, ms. */
  skewMs(sender: Sender, nowMs: number): number {
    const { clockSkewMs, skewedShare } = this.#plan.fleet.config.telemetry;
    const sign = unitAt(sender.key, 13) < 0.5 ? -1 : 1;
    let skew = clockSkewMs !== 0 && unitAt(sender.key, 14) < skewedShare ? sign * clockSkewMs : 0;
    for (const fault of this.#skews) {
      if (!matches(fault.target, this.#facts(sender))) continue;
      skew += sign * Math.round(faultLevel(fault, nowMs, -1, -1) * 1000);
    }
    return skew;
  }

  /** How much later than usual a batch arrives, ms. */
  lateMs(sender: Sender, key: number, nowMs: number): number {
    const { lateShare, lateSeconds } = this.#plan.fleet.config.telemetry;
    let late =
      lateShare > 0 && unitAt(key, 2) < lateShare
        ? lateSeconds * 1000 * Math.exp(0.5 * normalAt(key, 3))
        : 0;
    for (const fault of this.#late) {
      if (fault.effect.kind !== "late_batches" || !matches(fault.target, this.#facts(sender)))
        continue;
      const at = slot.fault + fault.index * 8;
      if (unitAt(key, at) >= faultLevel(fault, nowMs, -1, -1)) continue;
      late += amountOf(fault.effect.lateSeconds, key, at + 1) * 1000;
    }
    return late;
  }

  #isLost(atMs: number): boolean {
    return this.#gaps.some((fault) => faultLevel(fault, atMs, -1, -1) > 0);
  }

  /** Appends again what came in the last minutes before the replay. */
  #repeat(fault: PlannedFault): void {
    if (fault.effect.kind !== "duplicates") return;
    const { startMs } = fault.course;
    const minutes = amountOf(fault.effect.lastMinutes, this.#plan.seed, 7);
    const again = this.#recent.filter((r) => r.appendMs >= startMs - minutes * 60_000);
    for (const { sent } of again) this.#queue.push(startMs + 1, sent);
    this.#recent = [];
  }

  #facts(sender: Sender): TargetFacts {
    const region = this.#plan.fleet.regions.indexOf(sender.region);
    return {
      model: -1,
      region,
      kind: -1,
      tier: -1,
      tenant: -1,
      isNextVersion: false,
      inputBucket: "",
      senderPlace: sender.place,
    };
  }
}
