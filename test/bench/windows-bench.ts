/**
 * Sums of a window: for each span its series is looked up by an integer, a counter raised and two values put into sketches.
 * The rival is DataDog's DDSketch for JavaScript (relative accuracy 1 %), also by integer series; its sketches are made
 * before the clock starts, while ours begin empty each time and are given out as sparse sketches at the end.
 */
import { DDSketch } from "@datadog/sketches-js";
import { emptySketch, type SparseSketch, sketchQuantile } from "../../detectors/sketch.ts";
import { orderBySeries, sketchesOf } from "../../services/aggregate/windows/series-sketches.ts";
import { alternate, type RatioFigures, ratioFigures } from "./alternate.ts";

export interface WindowsBenchOptions {
  readonly spans?: number;
  readonly rounds?: number;
  readonly now: () => number;
}

export interface WindowsBenchRow {
  readonly series: number;
  readonly spansPerSecond: { readonly own: number; readonly ddsketch: number };
  /** Largest relative difference of our p50, p95 and p99 from the exact ones, over a sample of series. */
  readonly worstError: number;
}

export interface WindowsBenchResult {
  readonly figures: RatioFigures<"windows_ratio_ddsketch_1k"> &
    RatioFigures<"windows_ratio_ddsketch_10k">;
  readonly rows: readonly WindowsBenchRow[];
}

export function benchWindows(options: WindowsBenchOptions): WindowsBenchResult {
  const small = benchSeries(1_000, options);
  const large = benchSeries(10_000, options);
  return {
    figures: {
      ...ratioFigures("windows_ratio_ddsketch_1k", small.times),
      ...ratioFigures("windows_ratio_ddsketch_10k", large.times),
    },
    rows: [small.row, large.row],
  };
}

interface Spans {
  readonly series: Int32Array;
  readonly durationsUs: Float64Array;
  readonly firstTokensUs: Float64Array;
}

function benchSeries(seriesCount: number, options: WindowsBenchOptions) {
  const count = options.spans ?? 1_000_000;
  const spans = makeSpans(count, seriesCount);
  const rival = Array.from({ length: seriesCount }, () => ({
    requests: 0,
    durations: new DDSketch({ relativeAccuracy: 0.01 }),
    firstTokens: new DDSketch({ relativeAccuracy: 0.01 }),
  }));
  const times = alternate({
    rounds: Math.max(5, options.rounds ?? 5),
    now: options.now,
    own: () => sumOwn(spans, seriesCount),
    rival: () => {
      for (let i = 0; i < count; i++) {
        const one = rival[spans.series[i] as number] as (typeof rival)[number];
        one.requests++;
        one.durations.accept(spans.durationsUs[i] as number);
        one.firstTokens.accept(spans.firstTokensUs[i] as number);
      }
    },
  });
  return {
    times,
    row: {
      series: seriesCount,
      spansPerSecond: {
        own: Math.round((count / times.ownMedianMs) * 1_000),
        ddsketch: Math.round((count / times.rivalMedianMs) * 1_000),
      },
      worstError: worstError(spans, sumOwn(spans, seriesCount)),
    },
  };
}

interface SeriesSums {
  readonly requests: Int32Array;
  /** By series: durations, times to the first token. */
  readonly sketches: readonly (readonly SparseSketch[])[];
}

/** As aggregate closes a window. */
function sumOwn(spans: Spans, seriesCount: number): SeriesSums {
  const { series } = spans;
  const order = orderBySeries(series, seriesCount);
  const sketches = sketchesOf(
    {
      series,
      seriesCount,
      columns: [spans.durationsUs, spans.firstTokensUs],
      weights: undefined,
    },
    order,
  );
  return {
    requests: order.ends.map((end, i) => end - (i === 0 ? 0 : (order.ends[i - 1] as number))),
    sketches,
  };
}

/** Log-normal latencies around a median of each series' own; series as busy as a few loud and many quiet ones are. */
function makeSpans(count: number, seriesCount: number): Spans {
  let state = 12_345;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const series = new Int32Array(count);
  const durationsUs = new Float64Array(count);
  const firstTokensUs = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const one = Math.floor(next() ** 2 * seriesCount);
    series[i] = one;
    durationsUs[i] = Math.round((1_000_000 + one * 100) * Math.exp(0.5 * normal()));
    firstTokensUs[i] = Math.round((200_000 + one * 30) * Math.exp(0.4 * normal()));
  }
  return { series, durationsUs, firstTokensUs };
}

function worstError(spans: Spans, { sketches }: SeriesSums): number {
  let worst = 0;
  for (let series = 0; series < sketches.length; series += Math.ceil(sketches.length / 20)) {
    const exact: number[] = [];
    for (let i = 0; i < spans.series.length; i++)
      if (spans.series[i] === series) exact.push(spans.durationsUs[i] as number);
    if (exact.length === 0) continue;
    exact.sort((a, b) => a - b);
    for (const q of [0.5, 0.95, 0.99]) {
      const truth = exact[Math.max(1, Math.ceil(q * exact.length)) - 1] as number;
      const estimate = sketchQuantile(sketches[series]?.[0] ?? emptySketch, q) as number;
      worst = Math.max(worst, Math.abs(estimate / truth - 1));
    }
  }
  return worst;
}
