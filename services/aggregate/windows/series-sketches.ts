/**
 * Sketches of many series at once. Values become bucket numbers in the order of their arrival, are sorted by series (a counting
 * sort), and then counted one series after the other in the same small arrays: whatever the number of series, counting
 * stays in the processor's cache, and nothing is kept for a series but its sparse sketches.
 */
import {
  bucketOf,
  countInBucket,
  createSketchBuilder,
  type SketchBuilder,
  type SparseSketch,
  takeSketch,
} from "../../../detectors/sketch.ts";

export interface SeriesValues {
  /** Number of each row's series, 0 … seriesCount − 1. */
  readonly series: Int32Array;
  readonly seriesCount: number;
  /** One column a sketch, a value a row; −1 where the row has none. */
  readonly columns: readonly Float64Array[];
  /** How often each row counts; undefined: once. */
  readonly weights: Float64Array | undefined;
}

/** Rows sorted by series, keeping their order; `ends[series]` is where a series' rows end. */
export interface SeriesOrder {
  readonly places: Int32Array;
  readonly ends: Int32Array;
}

export function orderBySeries(series: Int32Array, seriesCount: number): SeriesOrder {
  const next = new Int32Array(seriesCount + 1);
  const rows = series.length;
  for (let row = 0; row < rows; row++) {
    const one = (series[row] as number) + 1;
    next[one] = (next[one] as number) + 1;
  }
  for (let one = 1; one <= seriesCount; one++)
    next[one] = (next[one] as number) + (next[one - 1] as number);
  const places = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const one = series[row] as number;
    const place = next[one] as number;
    places[row] = place;
    next[one] = place + 1;
  }
  return { places, ends: next };
}

const noBucket = -1;

/** `sketchesOf(…)[series][column]`. */
export function sketchesOf(values: SeriesValues, order: SeriesOrder): SparseSketch[][] {
  const { columns, seriesCount } = values;
  const width = columns.length;
  const buckets = sortedBuckets(values, order);
  const weights = values.weights === undefined ? undefined : sortedWeights(values.weights, order);
  const builders = columns.map(createSketchBuilder);
  const sketches: SparseSketch[][] = [];
  let place = 0;
  for (let one = 0; one < seriesCount; one++) {
    const end = order.ends[one] as number;
    for (let column = 0; column < width; column++)
      countColumn(
        builders[column] as SketchBuilder,
        { buckets, weights, width, column },
        place,
        end,
      );
    place = end;
    sketches.push(builders.map(takeSketch));
  }
  return sketches;
}

function countColumn(
  builder: SketchBuilder,
  from: {
    readonly buckets: Int16Array;
    readonly weights: Float64Array | undefined;
    readonly width: number;
    readonly column: number;
  },
  start: number,
  end: number,
): void {
  const { buckets, weights, width, column } = from;
  for (let place = start, at = start * width + column; place < end; place++, at += width) {
    const bucket = buckets[at] as number;
    if (bucket === noBucket) continue;
    countInBucket(builder, bucket, weights === undefined ? 1 : (weights[place] as number));
  }
}

/** Bucket numbers of all columns beside each other, sorted by series. */
function sortedBuckets({ columns }: SeriesValues, { places }: SeriesOrder): Int16Array {
  const width = columns.length;
  const rows = places.length;
  const buckets = new Int16Array(rows * width);
  for (let column = 0; column < width; column++) {
    const values = columns[column] as Float64Array;
    for (let row = 0; row < rows; row++) {
      const value = values[row] as number;
      buckets[(places[row] as number) * width + column] = value < 0 ? noBucket : bucketOf(value);
    }
  }
  return buckets;
}

function sortedWeights(weights: Float64Array, { places }: SeriesOrder): Float64Array {
  const sorted = new Float64Array(weights.length);
  for (let row = 0; row < weights.length; row++)
    sorted[places[row] as number] = weights[row] as number;
  return sorted;
}
