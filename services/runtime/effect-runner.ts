/**
 * Runs an effect stage (notify): one task over all its partitions. At start it catches up with every input before it acts, so
 * that an incident that is already over is not announced first; what an earlier life recorded, the stage reads itself.
 */
import { deliveryRecord } from "../contracts/records.ts";
import { headers, topics } from "../contracts/topics.ts";
import type { AppendRecord, LogRecord, TopicPartition } from "../log/log.ts";
import type { EdgeContext, EffectStage, OutputRecord } from "../stage.ts";
import { crashPoint } from "./crash-points.ts";
import { deadLetter, type RunnerDeps, readBytes, untilDone } from "./runner-deps.ts";

const pollMs = 200;

export async function runEffectTask(
  stage: EffectStage,
  context: EdgeContext,
  sources: readonly TopicPartition[],
  deps: RunnerDeps,
  signal: AbortSignal,
): Promise<void> {
  const { log, clock, checkpoints, metrics } = deps;
  const name = `${stage.name}/0`;
  const saved = await checkpoints.load(name);
  const usable = saved?.manifest.stateVersion === stage.stateVersion ? saved : undefined;
  await using effect = await stage.open(context, usable?.chunks);
  const produced = new Map(Object.entries(saved?.manifest.produced ?? {}));
  const positions = new Map<string, number>();
  for (const { topic, partition } of sources)
    positions.set(
      `${topic}/${partition}`,
      usable?.manifest.offsets[`${topic}/${partition}`] ??
        (await log.offsets(topic, partition)).start,
    );
  const consumed = new Map(Object.entries(usable?.manifest.consumed ?? {}));
  let isChanged = true;

  for (const source of sources) {
    const { end } = await log.offsets(source.topic, source.partition);
    while ((positions.get(`${source.topic}/${source.partition}`) ?? 0) < end) {
      signal.throwIfAborted();
      await write(await takeFrom(source, 0));
    }
  }
  while (!signal.aborted) {
    const outputs: AppendRecord[] = [];
    for (const [index, source] of sources.entries())
      outputs.push(...(await takeFrom(source, index === 0 ? pollMs : 0)));
    const happened = await effect.act(clock.nowMs(), signal);
    if (happened.some(isDelivered)) crashPoint("notify:after-sink");
    outputs.push(...number(happened));
    await write(outputs);
    isChanged ||= outputs.length > 0;
    if (isChanged) await save();
    isChanged = false;
  }

  async function takeFrom(
    { topic, partition }: TopicPartition,
    waitMs: number,
  ): Promise<AppendRecord[]> {
    const place = `${topic}/${partition}`;
    const fromOffset = positions.get(place) ?? 0;
    const records = await untilDone(
      deps,
      `${name}: reading ${place}`,
      () => log.read({ topic, partition, fromOffset, maxBytes: readBytes, waitMs }, signal),
      signal,
    );
    const outputs: AppendRecord[] = [];
    for (const record of records) {
      positions.set(place, record.offset + 1);
      isChanged = true;
      if (!admits(record)) continue;
      const result = effect.take(record);
      if ("code" in result) outputs.push(deadLetter(stage.name, record, result));
      else outputs.push(...number(result));
    }
    metrics.add("foreshock_stage_records_total", records.length, { stage: stage.name });
    return outputs;
  }

  /** Repeats of an upstream reducer are dropped; our own outputs are all taken: they are keyed, not numbered alike again. */
  function admits(record: LogRecord): boolean {
    const upstream = record.headers[headers.task];
    if (upstream === undefined || upstream === name) return true;
    const channel = `${record.topic}/${record.partition}/${upstream}`;
    const sequence = Number(record.headers[headers.sequence]);
    if (sequence <= (consumed.get(channel) ?? 0)) {
      metrics.add("foreshock_stage_repeats_total", 1, { stage: stage.name });
      return false;
    }
    consumed.set(channel, sequence);
    return true;
  }

  function number(outputs: readonly OutputRecord[]): AppendRecord[] {
    return outputs.map((output) => {
      const channel = `${output.topic}/${output.partition}`;
      const sequence = (produced.get(channel) ?? 0) + 1;
      produced.set(channel, sequence);
      return { ...output, headers: { [headers.task]: name, [headers.sequence]: String(sequence) } };
    });
  }

  async function write(outputs: readonly AppendRecord[]): Promise<void> {
    if (outputs.length === 0) return;
    await untilDone(deps, `${name}: writing`, () => log.append(outputs, signal), signal);
    metrics.add("foreshock_stage_outputs_total", outputs.length, { stage: stage.name });
    crashPoint("notify:after-append");
  }

  async function save(): Promise<void> {
    const offsets = Object.fromEntries(positions);
    await checkpoints.save(
      {
        task: name,
        stage: stage.name,
        stateVersion: stage.stateVersion,
        epoch: deps.control.epochs.at(-1)?.number ?? 0,
        atMs: clock.nowMs(),
        offsets,
        rewind: offsets,
        consumed: Object.fromEntries(consumed),
        produced: Object.fromEntries(produced),
      },
      effect.snapshot(),
      signal,
    );
    crashPoint("notify:after-checkpoint");
    const commits = sources.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: positions.get(`${topic}/${partition}`) ?? 0,
      metadata: "",
    }));
    await untilDone(deps, `${name}: committing`, () => log.commit(stage.name, commits), signal);
    crashPoint("notify:after-commit");
  }
}

/** A sink has said yes, and nothing on disk says so yet. */
function isDelivered({ topic, value }: OutputRecord): boolean {
  return topic === topics.deliveries && deliveryRecord.decode(value).outcome === "delivered";
}
