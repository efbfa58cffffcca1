/**
 * Requests and log records that are damaged where it matters, through both doors: over ingest, and straight into the log as a Collector
 * writes. Whatever comes, nothing crashes, every count is that of the oracle, and the rest is refused or rejected with a
 * reason and has no effect.
 */
import { describe, expect, it } from "vitest";
import { encodeRecords } from "../../services/archive/encode-records.ts";
import { namedRandom } from "../../services/chatbot/random.ts";
import { ForeshockError } from "../../services/contracts/errors.ts";
import { type Signal, sourceTopics } from "../../services/contracts/topics.ts";
import { createAdmission } from "../../services/ingest/admission.ts";
import { AggregateRun, sceneStartMs } from "../support/aggregate-harness.ts";
import { aLogRecord, spanEncoder } from "../support/archive-rows.ts";
import { type MutationClass, mutate, mutationClasses, requestTypes } from "../support/mutation.ts";
import {
  countArrived,
  itemsIn,
  type SeenSpan,
  spansDecoded,
  spansInTree,
} from "../support/mutation-oracle.ts";
import { sampleOf, traceSample } from "../support/mutation-samples.ts";
import { diceOf } from "../support/mutation-subject.ts";
import { type Findings, noFindings, readTree } from "../support/mutation-tree.ts";

const seed = 1;
const mutationsPerClass = 1_000;
/** A share of every class: telemetry is mostly spans, and only they are counted one by one. */
const signals: readonly Signal[] = ["traces", "traces", "traces", "metrics", "logs"];

interface Tally {
  decoded: number;
  admitted: number;
  read: number;
  archived: number;
  archivable: number;
  readonly reasons: Map<string, number>;
}
const tallies = new Map<MutationClass, Tally>();

/** Reasons without the numbers and places that differ each time. */
function note(tally: Tally, door: string, reason: string): void {
  const short = reason
    .replace(/^.* at byte \d+ /, "")
    .replace(/(trace request: )?byte \d+ /, "")
    .replace(/ (at|before) byte \d+/, "")
    .replace(/\d+/g, "N");
  const key = `${door}: ${short}`;
  tally.reasons.set(key, (tally.reasons.get(key) ?? 0) + 1);
}

const paths: Readonly<Record<Exclude<Signal, "traces">, readonly (readonly string[])[]>> = {
  metrics: [
    ["resourceMetrics"],
    ["scopeMetrics"],
    ["metrics"],
    ["gauge", "sum", "histogram", "exponentialHistogram", "summary"],
    ["dataPoints"],
  ],
  logs: [["resourceLogs"], ["scopeLogs"], ["logRecords"]],
};

/** What the oracles say of bytes. */
interface Known {
  readonly findings: Findings;
  /** Undefined where a resource, scope, metric or span cannot be read, so that the record has to be rejected. */
  readonly spans: readonly SeenSpan[] | undefined;
  readonly items: number | undefined;
}

function know(signal: Signal, bytes: Uint8Array): Known {
  const findings = noFindings();
  const tree = readTree(Buffer.from(bytes), requestTypes[signal], findings);
  if (signal !== "traces") {
    const items = itemsIn(tree, paths[signal]);
    return { findings, spans: [], items: items?.length };
  }
  const spans = spansInTree(tree);
  const isForProtobufjs =
    findings.structure.length === 0 && findings.depth <= 60 && findings.overlong === 0;
  if (isForProtobufjs) expect(spans).toEqual(spansDecoded(bytes));
  return { findings, spans, items: spans?.length };
}

const before = traceSample(7);
const samples: Readonly<Record<Signal, Uint8Array>> = {
  traces: sampleOf("traces"),
  metrics: sampleOf("metrics"),
  logs: sampleOf("logs"),
};
const again = samples.traces;
const appends = { before: 0, mutated: 1_000, after: 2_000, end: 60_000 };

/** A good record, those in question, and a good one that also says what the mutated one said before its mutation. */
function run(signal: Signal, values: readonly Uint8Array[]): AggregateRun {
  const task = new AggregateRun({ task: `${sourceTopics[signal]}/0` });
  task.step(signal === "traces" ? before : samples[signal], appends.before);
  for (const value of values) task.step(value, appends.mutated);
  task.step(signal === "traces" ? again : samples[signal], appends.after);
  return task.finish(appends.end);
}

const undisturbed = {
  traces: run("traces", [new Uint8Array(0)]),
  metrics: run("metrics", [new Uint8Array(0)]),
  logs: run("logs", [new Uint8Array(0)]),
};
const goodItems = { metrics: know("metrics", samples.metrics).items ?? 0, logs: 3 };
const seenBefore = spansDecoded(before);
const seenAgain = spansDecoded(again);

/** What a task wrote, in the oracle's words. */
function countedBy(task: AggregateRun) {
  const requests: Record<string, number> = {};
  for (const { operation, outcome, count } of task.rows()) {
    const key = `${operation} ${outcome === "ok" ? "ok" : "failed"}`;
    requests[key] = (requests[key] ?? 0) + count;
  }
  const sum = (of: "lateSpans" | "duplicateSpans" | "clampedSpans") =>
    task.windows().reduce((total, { pipeline }) => total + pipeline[of], 0);
  return {
    requests,
    late: sum("lateSpans"),
    repeats: sum("duplicateSpans"),
    clamped: sum("clampedSpans"),
  };
}

function itemsCountedBy(task: AggregateRun): number {
  return task
    .windows()
    .flatMap(({ pipeline }) => pipeline.senders)
    .reduce((sum, { spans, late }) => sum + spans + late, 0);
}

function expectCounts(signal: Signal, task: AggregateRun, known: Known): void {
  for (const { counters } of task.cells())
    for (const value of Object.values(counters))
      if (!(Number.isInteger(value) && value >= 0)) expect.fail(`a counter of ${value}`);
  if (signal !== "traces") {
    expect(itemsCountedBy(task)).toBe(2 * goodItems[signal] + (known.items ?? -1));
    return;
  }
  expect(countedBy(task)).toEqual(
    countArrived(sceneStartMs, [
      { appendMs: sceneStartMs + appends.before, spans: seenBefore },
      { appendMs: sceneStartMs + appends.mutated, spans: known.spans ?? [] },
      { appendMs: sceneStartMs + appends.after, spans: seenAgain },
    ]),
  );
}

/** As a Collector writes it: into the log as it is. */
function throughTheLog(signal: Signal, mutated: Buffer, known: Known, tally: Tally): void {
  const task = run(signal, [mutated]);
  const [rejection] = task.rejections;
  if (rejection === undefined) {
    tally.read++;
    expect(known.items, "read, although it cannot be read").toBeDefined();
    expectCounts(signal, task, known);
    return;
  }
  note(tally, "aggregate", rejection.reason);
  expect(known.findings.structure, "rejected, although in order").not.toEqual([]);
  expect(rejection.code).toBe("record_invalid");
  expect(rejection.reason).toMatch(/\S/);
  expect(task.rejections).toHaveLength(1);
  const bytes = (of: AggregateRun) => Buffer.concat(of.outputs.map(({ value }) => value));
  expect(bytes(task).equals(bytes(undisturbed[signal])), "a rejected record had an effect").toBe(
    true,
  );
}

const admit = createAdmission({
  partitions: 1,
  maxAttributeBytes: 4_096,
  maxAttributes: 128,
  keepContent: false,
  contentAttributes: [],
});
/** Deeper values are refused at the door. One more or less is not the point. */
const depthLimit = 32;

function throughIngest(signal: Signal, mutated: Buffer, known: Known, tally: Tally): void {
  const { findings } = known;
  let admitted: ReturnType<typeof admit>;
  try {
    admitted = admit(signal, mutated);
  } catch (error) {
    if (!(error instanceof ForeshockError)) throw error;
    expect(error.code).toBe("payload_invalid");
    expect(error.message).toMatch(/ at byte \d+ \S/);
    note(tally, "ingest", error.message);
    const isFine =
      findings.structure.length === 0 && findings.texts === 0 && findings.depth <= depthLimit;
    expect(isFine, `refused, although in order: ${error.message}`).toBe(false);
    return;
  }
  tally.admitted++;
  for (const { reason, count, example } of admitted.rejected) {
    note(tally, "ingest", `${reason} (items)`);
    expect(count).toBeGreaterThan(0);
    expect(example).toMatch(/\S/);
  }
  // What was cut may have held anything; what goes on is in order.
  const values = admitted.records.map(({ value }) => value);
  const kept = values.map((value) => know(signal, value));
  for (const each of kept) {
    expect(each.findings.structure).toEqual([]);
    expect(each.findings.texts).toBe(0);
    expect(each.findings.depth).toBeLessThanOrEqual(depthLimit + 2);
  }
  const spans = kept.flatMap((each) => [...(each.spans ?? [])]);
  const items = kept.reduce((sum, each) => sum + (each.items ?? 0), 0);
  expect(items).toBe(admitted.items);
  const lost = admitted.rejected.reduce((sum, { count }) => sum + count, 0);
  expect(items + lost).toBe(known.items);
  if (signal === "traces") {
    // The ones without ids are refused one by one; what is left says what it said.
    expect(spans.every(({ isValid }) => isValid)).toBe(true);
    expect(spans).toEqual(known.spans?.filter(({ isValid }) => isValid));
  }
  const task = run(signal, values);
  expect(task.rejections).toEqual([]);
  expectCounts(signal, task, { findings, spans, items });
}

const encoder = spanEncoder();

/** Into rows, between two good records. */
async function intoHistory(mutated: Buffer, known: Known, tally: Tally): Promise<void> {
  const records = [before, mutated, again].map((value, offset) => aLogRecord(value, { offset }));
  const { blocks, rejections } = await encodeRecords(encoder, records, () => undefined);
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
  const good = seenBefore.length + seenAgain.length;
  tally.archivable++;
  if (rejections.length === 0) {
    tally.archived++;
    expect(rows).toBe(good + (known.items ?? -1));
    return;
  }
  expect(rows, "a rejected record left rows").toBe(good);
  expect(rejections.map(({ offset, code }) => ({ offset, code }))).toEqual([
    { offset: 1, code: "record_invalid" },
  ]);
  note(tally, "archive", rejections[0]?.reason ?? "");
  const isFine = known.findings.structure.length === 0 && known.findings.depth <= 60;
  expect(isFine, `rejected, although in order: ${rejections[0]?.reason}`).toBe(false);
}

describe("10,000 mutations, equal shares by class", () => {
  it.each(Object.keys(mutationClasses) as MutationClass[])(
    "%s: counted as the oracle counts, or refused with a reason and without effect",
    async (kind) => {
      const tally: Tally = {
        decoded: 0,
        admitted: 0,
        read: 0,
        archived: 0,
        archivable: 0,
        reasons: new Map(),
      };
      const dice = diceOf(namedRandom(seed, kind));
      for (let i = 0; i < mutationsPerClass; i++) {
        const signal = signals[i % signals.length] ?? "traces";
        const mutated = mutate(kind, signal, samples[signal], dice);
        try {
          const known = know(signal, mutated);
          if (known.findings.structure.length === 0) tally.decoded++;
          throughIngest(signal, mutated, known, tally);
          throughTheLog(signal, mutated, known, tally);
          if (signal === "traces") await intoHistory(mutated, known, tally);
        } catch (error) {
          const { message } = error as Error;
          throw new Error(
            `${kind} ${i} (${signal}): ${message}\n${mutated.toString("hex").slice(0, 4_000)}`,
            { cause: error },
          );
        }
      }
      tallies.set(kind, tally);
    },
    180_000,
  );

  it("at least half of them are still requests", () => {
    process.stdout.write(table());
    const all = [...tallies.values()];
    expect(all).toHaveLength(Object.keys(mutationClasses).length);
    const decoded = all.reduce((sum, tally) => sum + tally.decoded, 0);
    expect(decoded).toBeGreaterThanOrEqual((all.length * mutationsPerClass) / 2);
  });
});

function table(): string {
  const lines = [
    "",
    ` ${"class".padEnd(16)} mutations  decode  admitted    read  archived`,
    ...[...tallies].map(
      ([kind, { decoded, admitted, read, archived, archivable }]) =>
        ` ${kind.padEnd(16)} ${String(mutationsPerClass).padStart(9)} ${String(decoded).padStart(7)} ${String(admitted).padStart(9)} ${String(read).padStart(7)} ${`${archived}/${archivable}`.padStart(9)}`,
    ),
    "",
  ];
  for (const [kind, { reasons }] of tallies) {
    lines.push(` ${kind}`);
    for (const [reason, count] of [...reasons].sort(([, a], [, b]) => b - a))
      lines.push(`   ${String(count).padStart(5)}  ${reason}`);
  }
  return `${lines.join("\n")}\n`;
}
