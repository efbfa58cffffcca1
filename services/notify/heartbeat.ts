/**
 * The dead man's switch: a sign of life that an outside receiver can miss. It is given only while windows are judged and
 * decided in time and sinks take what they are owed, so it stops with the process, with a stage, and with the way out.
 */
import type { Config } from "../contracts/config.ts";
import type { EdgeContext } from "../stage.ts";
import { trackFreshness } from "./freshness.ts";
import { post } from "./sinks/http-post.ts";
import type { Sink, SinkAnswer } from "./sinks/sink.ts";

export interface Heartbeat extends AsyncDisposable {
  /** Begins a beat when one is due; does not wait for it. `owedSinceMs` is when the oldest telling that failed was decided. */
  beat(nowMs: number, owedSinceMs: number | undefined): void;
}

interface Receiver {
  readonly name: string;
  beat(signal: AbortSignal): Promise<SinkAnswer>;
}

/** A receiver that counts in minutes may lose a beat or two on the way. */
const missedBeats = 3;

export function openHeartbeat(
  { config, log, clock, metrics, report }: EdgeContext,
  sinks: Iterable<Sink>,
): Heartbeat {
  const { heartbeat } = config.notify;
  const everyMs = heartbeat.intervalSeconds * 1_000;
  const staleMs = heartbeat.staleAfterSeconds * 1_000;
  const receivers = receiversOf(config, sinks, () => clock.nowMs());
  const freshness = trackFreshness(log, config.log.partitions);
  const closing = new AbortController();
  let lastMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  let heldBack: string | undefined;

  /** Undefined when all is well, else what is not. */
  async function reasonAgainst(nowMs: number, signal: AbortSignal): Promise<string | undefined> {
    const { judgedUntilMs, decidedUntilMs } = await freshness.read(signal);
    if (judgedUntilMs === undefined) return "not every detect task has judged a window yet";
    if (nowMs - judgedUntilMs > staleMs)
      return `no window has been judged that ended within ${seconds(staleMs)} s`;
    // The incident stage says how far it is with its checkpoints.
    const decidedLimitMs = staleMs + config.checkpoint.intervalMs;
    if (decidedUntilMs === undefined) return "the incident stage has not decided on a window yet";
    if (nowMs - decidedUntilMs > decidedLimitMs)
      return `no window has been decided on that ended within ${seconds(decidedLimitMs)} s`;
    return undefined;
  }

  async function run(nowMs: number, owedSinceMs: number | undefined): Promise<void> {
    const signal = AbortSignal.any([
      closing.signal,
      AbortSignal.timeout(config.notify.attemptTimeoutMs),
    ]);
    const against =
      owedSinceMs !== undefined && nowMs - owedSinceMs > staleMs
        ? `a sink has not taken what it was owed ${seconds(staleMs)} s ago`
        : await reasonAgainst(nowMs, signal);
    if (against !== heldBack) {
      heldBack = against;
      if (against === undefined) report("info", "notify: signs of life are given");
      else report("warn", `notify: no sign of life is given: ${against}`);
    }
    if (against !== undefined) return metrics.add("foreshock_heartbeats_total", 1, held);
    await Promise.all(receivers.map((receiver) => tell(receiver, signal)));
  }

  async function tell(receiver: Receiver, signal: AbortSignal): Promise<void> {
    const answer = await receiver.beat(signal);
    if (closing.signal.aborted) return;
    const isDelivered = answer.outcome === "delivered";
    metrics.add("foreshock_heartbeats_total", 1, { outcome: isDelivered ? "delivered" : "failed" });
    if (!isDelivered)
      report("warn", `notify: ${receiver.name} did not take a sign of life: ${answer.detail}`);
  }

  return {
    beat(nowMs, owedSinceMs) {
      if (receivers.length === 0 || underWay !== undefined || closing.signal.aborted) return;
      if (nowMs - lastMs < everyMs) return;
      lastMs = nowMs;
      underWay = run(nowMs, owedSinceMs)
        .catch((error) => {
          if (!closing.signal.aborted) report("warn", `notify: sign of life: ${error}`);
        })
        .finally(() => {
          underWay = undefined;
        });
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await underWay;
    },
  };
}

const held = { outcome: "held_back" } as const;
const seconds = (ms: number) => Math.round(ms / 1_000);

function receiversOf(
  { notify }: Config,
  sinks: Iterable<Sink>,
  nowMs: () => number,
): readonly Receiver[] {
  const { url, watchdog, intervalSeconds } = notify.heartbeat;
  const holdMs = missedBeats * intervalSeconds * 1_000;
  const receivers: Receiver[] = [];
  if (url !== "") {
    const headers = { "user-agent": "foreshock" };
    const beat = (signal: AbortSignal) => post({ url, headers, body: "", nowMs }, signal);
    receivers.push({ name: "notify.heartbeat.url", beat });
  }
  if (!watchdog) return receivers;
  for (const { name, beat } of sinks)
    if (beat !== undefined) receivers.push({ name, beat: (signal) => beat(holdMs, signal) });
  return receivers;
}
