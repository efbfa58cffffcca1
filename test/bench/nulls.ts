/**
 * What a detector's surprise promises, held against series in which nothing happens: a surprise of s or more may come in one window of
 * 10^s. Ten thousand seeded series, each long enough to be learnt first; traffic comes in bursts, ratios scatter more than chance,
 * levels wander, and every second series of requests has tides.
 *   npm run bench:nulls -- [--runs 10000] [--only cusum,exceedance] [--workers 2] [--seed N] [--json FILE] [--quick]
 */
import { fork } from "node:child_process";
import type { ObservationKind } from "../../detectors/detector.ts";
import { type AnyDetector, detectors } from "../../detectors/registry.ts";
import { type Shape, seriesWindowMs, take } from "../support/detector-series.ts";
import { scriptFlags } from "../support/script-flags.ts";
import { benchFlags, benchOptions, publish } from "./support/report.ts";

/** Windows of a minute: a day and more to learn, then those that count. */
const learning = 1_600;
const counted = 400;
const surprises = [2, 3, 4, 5] as const;
/** Requests have tides; a time to answer that swings as far as they do every day would not be nothing. */
const shapes: Readonly<Record<ObservationKind, readonly Shape[]>> = {
  ratio: ["flat", "daily"],
  count: ["flat", "daily"],
  level: ["flat"],
  distribution: ["flat"],
};

/** Of some runs of one detector on one kind of observation: alarms by surprise, and their squares by run. */
interface Tally {
  readonly detector: string;
  readonly kind: ObservationKind;
  readonly shape: Shape;
  runs: number;
  /** Windows in which the detector judged. */
  windows: number;
  readonly alarms: number[];
  readonly squares: number[];
}

interface Share {
  readonly firstSeed: number;
  readonly runs: number;
  readonly only: readonly string[];
}

if (process.send !== undefined && process.argv[2] === "--worker")
  process.on("message", (share: Share) => {
    for (let run = 0; run < share.runs; run++)
      process.send?.(judgeRun(share.firstSeed + run, share.only));
    process.disconnect?.();
  });
else await main();

/** One series of each kind, before every detector that takes it. */
function judgeRun(seed: number, only: readonly string[]): Tally[] {
  return (Object.keys(shapes) as ObservationKind[]).flatMap((kind) => {
    const shape = shapes[kind][seed % shapes[kind].length] as Shape;
    const takers = detectors.filter(
      ({ id, accepts }) => accepts.includes(kind) && (only.length === 0 || only.includes(id)),
    );
    if (takers.length === 0) return [];
    const observations = take(kind, seed, learning + counted, undefined, shape);
    return takers.map((detector) => judgeSeries(detector, { kind, shape, observations }));
  });
}

function judgeSeries(
  detector: AnyDetector,
  of: Pick<Tally, "kind" | "shape"> & { readonly observations: ReturnType<typeof take> },
): Tally {
  const { kind, shape, observations } = of;
  const alarms = surprises.map(() => 0);
  let windows = 0;
  let state = detector.initialState(seriesWindowMs);
  observations.forEach((observation, index) => {
    const stepped = detector.step(state, observation, { isFrozen: false });
    state = stepped.state;
    const { state: name, surprise } = stepped.verdict;
    if (index < learning || name !== "judging") return;
    windows++;
    surprises.forEach((bound, at) => {
      if (surprise >= bound) alarms[at] = (alarms[at] ?? 0) + 1;
    });
  });
  const squares = alarms.map((n) => n * n);
  return { detector: detector.id, kind, shape, runs: 1, windows, alarms, squares };
}

async function main(): Promise<void> {
  const values = scriptFlags(import.meta.filename, {
    ...benchOptions,
    runs: { type: "string" },
    only: { type: "string" },
    workers: { type: "string", default: "2" },
  });
  const runs = Number(values.runs ?? (values.quick ? 60 : 10_000));
  const workers = Number(values.workers);
  const only = values.only?.split(",") ?? [];
  const unknown = only.filter((id) => !detectors.some((detector) => detector.id === id));
  if (unknown.length > 0)
    throw new Error(
      `--only ${unknown.join(",")}: not a detector; there are ${detectors.map(({ id }) => id).join(", ")}`,
    );
  const tallies = new Map<string, Tally>();
  const share = Math.ceil(runs / workers);
  let done = 0;
  await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const firstSeed = Number(values.seed) * 1_000_000 + worker * share;
      const mine: Share = { firstSeed, runs: Math.min(share, runs - worker * share), only };
      return new Promise<void>((resolve, reject) => {
        const child = fork(import.meta.filename, ["--worker"]);
        child.on("message", (made: Tally[]) => {
          for (const tally of made) add(tallies, tally);
          done++;
          if (process.stderr.isTTY) process.stderr.write(`${done}/${runs} series\r`);
        });
        child.on("exit", (code) =>
          code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`)),
        );
        child.send(mine);
      });
    }),
  );
  const rows = [...tallies.values()].map(rowOf);
  process.stdout.write(tableOf(rows));
  publish(benchFlags(values), "nulls", {
    figures: figuresOf(rows, runs),
    rows: rows.map((row) => ({ ...row })),
  });
}

function add(tallies: Map<string, Tally>, more: Tally): void {
  const key = `${more.detector} ${more.kind} ${more.shape}`;
  const sum = tallies.get(key);
  if (sum === undefined) {
    tallies.set(key, more);
    return;
  }
  sum.runs += more.runs;
  sum.windows += more.windows;
  for (let at = 0; at < surprises.length; at++) {
    sum.alarms[at] = (sum.alarms[at] ?? 0) + (more.alarms[at] ?? 0);
    sum.squares[at] = (sum.squares[at] ?? 0) + (more.squares[at] ?? 0);
  }
}

interface Row {
  readonly detector: string;
  readonly kind: ObservationKind;
  readonly shape: Shape;
  readonly runs: number;
  readonly windows: number;
  /** Alarms over what the surprise promises, by surprise, and half the width of its 95 % interval: alarms come in runs, so series are what scatter. */
  readonly ratios: readonly number[];
  readonly halfWidths: readonly number[];
}

function rowOf(tally: Tally): Row {
  const { runs, windows, alarms, squares, detector, kind, shape } = tally;
  const promised = surprises.map((surprise) => windows * 10 ** -surprise);
  const ratios = alarms.map((n, at) => n / (promised[at] ?? 1));
  const halfWidths = alarms.map((n, at) => {
    const variance = Math.max(0, (squares[at] ?? 0) / runs - (n / runs) ** 2);
    return (1.96 * Math.sqrt(variance * runs)) / (promised[at] ?? 1);
  });
  return { detector, kind, shape, runs, windows, ratios, halfWidths };
}

/** The largest ratio of all, and how many of all are above what was promised beyond their interval. */
function figuresOf(rows: readonly Row[], runs: number): Record<string, number> {
  const ratios = rows.flatMap(({ ratios: all }) => all);
  const above = rows.flatMap(({ ratios: all, halfWidths }) =>
    all.filter((ratio, at) => ratio - (halfWidths[at] ?? 0) > 1),
  );
  return {
    null_runs: runs,
    false_alarm_ratio_largest: Math.max(...ratios),
    false_alarm_ratios_above_stated: above.length,
    false_alarm_ratios: ratios.length,
  };
}

function tableOf(rows: readonly Row[]): string {
  const head = `${"alarms ÷ promised at a surprise of".padEnd(40)}${surprises.map((bound) => String(bound).padEnd(16)).join("")}windows`;
  const lines = rows.map((row) => {
    const name = `${row.detector} on ${row.kind}, ${row.shape}`.padEnd(40);
    const cells = row.ratios.map((ratio, at) =>
      `${ratio.toFixed(2)} ± ${(row.halfWidths[at] ?? 0).toFixed(2)}`.padEnd(16),
    );
    return name + cells.join("") + row.windows;
  });
  return `${[head, ...lines].join("\n")}\n`;
}
