/** Drives the notify stage as its runner does: takes records, acts, appends what happened. */
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import {
  type Command,
  commandRecord,
  type Delivery,
  deliveryRecord,
} from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { Log } from "../../services/log/log.ts";
import { notifyStageOn } from "../../services/notify/notify.ts";
import type { EdgeContext, OutputRecord } from "../../services/stage.ts";

export interface NotifyHarness extends AsyncDisposable {
  take(what: { incident?: Incident; command?: Command; appendMs: number }): Promise<void>;
  /** One act; what it returns is appended to the log. */
  act(nowMs: number): Promise<readonly Delivery[]>;
  /** Acts, without appending what it returns: the process dies right after the sink's answer. */
  actAndDie(nowMs: number): Promise<void>;
  snapshot(): readonly Uint8Array[];
  /** What the terminal shows. */
  readonly written: string[];
}

export async function openNotify(
  context: EdgeContext,
  saved?: readonly Uint8Array[],
): Promise<NotifyHarness> {
  const written: string[] = [];
  const stage = notifyStageOn({
    write: (text) => written.push(text),
    isTerminal: false,
    hasColor: false,
  });
  const effect = await stage.open(context, saved);
  const signal = new AbortController().signal;
  const append = async (outputs: readonly OutputRecord[]) => {
    if (outputs.length > 0) await context.log.append(outputs);
    return outputs.map(({ value }) => deliveryRecord.decode(value));
  };
  let offset = 0;
  return {
    written,
    async take({ incident, command, appendMs }) {
      const value =
        incident === undefined
          ? command === undefined
            ? new TextEncoder().encode("{")
            : commandRecord.encode(command)
          : incidentRecord.encode(incident);
      const outputs = effect.take({
        topic: incident === undefined ? topics.commands : topics.incidents,
        partition: 0,
        offset: offset++,
        appendMs,
        key: undefined,
        value,
        headers: {},
      });
      if ("code" in outputs) throw new Error(`${outputs.code}: ${outputs.reason}`);
      await append(outputs);
    },
    act: async (nowMs) => append(await effect.act(nowMs, signal)),
    actAndDie: async (nowMs) => void (await effect.act(nowMs, signal)),
    snapshot: () => effect.snapshot(),
    [Symbol.asyncDispose]: () => effect[Symbol.asyncDispose](),
  };
}

/** Every delivery on record, in order. */
export async function recordedDeliveries(log: Log): Promise<readonly Delivery[]> {
  const records = await log.read({
    topic: topics.deliveries,
    partition: 0,
    fromOffset: 0,
    waitMs: 0,
    maxBytes: 1e8,
  });
  return records.map(({ value }) => deliveryRecord.decode(value));
}
