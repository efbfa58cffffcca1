/**
 * Closed windows from history through detect and incident: the same reducers as live. What detect wrote when a window closed is given
 * to it again as if it came from one source task, so nothing is left to merge; with the configuration of then, the same incidents come out, byte for byte.
 */
import type { Judgement } from "../contracts/config.ts";
import { type Incident, incidentRecord } from "../contracts/incident.ts";
import type { Epoch } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import { stages } from "../pipeline.ts";
import type { OutputRecord, Reducer, StageName, StepResult, TaskContext } from "../stage.ts";

export interface BacktestOptions {
  /** What is tried. Windows are as they were: `window` and `series.dimensions` of it change nothing. */
  readonly judgement: Judgement;
  /** Detect tasks that wrote the windows. */
  readonly partitions: number;
  /** Numbers of the epochs under which windows were made. */
  readonly epochs: readonly number[];
}

export interface BacktestListener {
  readonly onIncident: (incident: Incident, bytes: Uint8Array) => void;
  /** A window that does not fit, such as one of a log that was begun anew. */
  readonly onRejected: (reason: string) => void;
}

/** So many of a cell's windows are judged in a row. Four gain nearly all there is to gain; sixteen keep so much in memory that collecting it costs as much. */
const windowsTogether = 4;

export class Backtest {
  private readonly detects: readonly Reducer[];
  private readonly incident: Reducer;
  private readonly listener: BacktestListener;
  private offset = 0;

  constructor({ judgement, partitions, epochs }: BacktestOptions, listener: BacktestListener) {
    const known = epochs.map(
      (number): Epoch => ({ kind: "epoch", number, effectiveFromMs: 0, hash: "", judgement }),
    );
    const contextOf = (task: string, partition: number): TaskContext => ({
      task,
      partition,
      manifests: [
        {
          kind: "manifest",
          number: 1,
          effectiveFromMs: 0,
          tasks: [task],
          windowsPartitions: partitions,
        },
      ],
      epochs: known,
      judgement,
      handsOver: windowsTogether,
    });
    this.detects = Array.from({ length: partitions }, (_, partition) =>
      create("detect", contextOf(`detect/${partition}`, partition)),
    );
    this.incident = create("incident", contextOf("incident/0", 0));
    this.listener = listener;
  }

  /** Steps over a record of the topic of closed windows. Windows of a partition come in order. */
  feed(partition: number, record: Uint8Array): void {
    const detect = this.detects[partition];
    if (detect === undefined)
      throw new RangeError(`backtest: partition ${partition} of ${this.detects.length}`);
    this.decide(this.step(detect, { topic: topics.windows, partition, value: record }));
  }

  /** Call at the end: some windows wait for more to be judged with. */
  finish(): void {
    for (const detect of this.detects)
      this.decide(detect.finish?.(Number.NEGATIVE_INFINITY).outputs ?? []);
  }

  private decide(frames: readonly OutputRecord[]): void {
    for (const frame of frames)
      for (const { value } of this.step(this.incident, frame))
        this.listener.onIncident(incidentRecord.decode(value), value);
  }

  private step(reducer: Reducer, record: OutputRecord): readonly OutputRecord[] {
    const offset = this.offset++;
    const result: StepResult = reducer.step({ ...record, offset, appendMs: 0, headers: {} });
    if (result.rejected !== undefined) this.listener.onRejected(result.rejected.reason);
    return result.outputs;
  }
}

function create(name: StageName, context: TaskContext): Reducer {
  const stage = stages[name];
  if (stage.kind !== "reducer") throw new TypeError(`${name} is not a reducing stage`);
  return stage.create(context);
}
