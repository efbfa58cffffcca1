/** How rows add up, column by column. Tables of windows of 5 s, a minute and an hour have the same columns, so one expression serves both steps. */

export interface Addition {
  /** The column that says whose rows they are: rows of one are complete in the order of windows. */
  readonly source: string;
  readonly columns: readonly { readonly name: string; readonly value: string }[];
}

const sum = (name: string) => ({ name, value: `sum(${name})` });
const most = (name: string) => ({ name, value: `max(${name})` });

/** Bucket numbers and counts: equal buckets' counts are added. */
const sketch = (name: string) =>
  ["buckets", "counts"].map((half, i) => ({
    name: `${name}_${half}`,
    value: `sumMap(${name}_buckets, ${name}_counts).${i + 1}`,
  }));

const counts = [
  ...["window_count", "requests", "spans", "streamed"],
  ...["input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"],
  ...["retries", "empty", "truncated", "refused", "substituted"],
  ...["finish_stop", "finish_tool", "finish_other", "finish_missing"],
  ...["outcome_ok", "outcome_rate_limit", "outcome_overloaded", "outcome_server_error"],
  ...["outcome_unavailable", "outcome_timeout", "outcome_connection_error"],
  ...["outcome_stream_error", "outcome_invalid_request", "outcome_auth"],
  ...["outcome_client_cancelled", "outcome_other"],
  ...["tenants_sum", "tenants_failed_sum", "tenants_limited_sum"],
] as const;

const signalSums = [
  ...["seen_sum", "seen_weight", "low_sum", "low_weight"],
  ...["high_sum", "high_weight", "times_sum", "times_weight"],
] as const;

/** Sums by signal, with a count in front: a signal whose sums are all 0 would be left out else. */
const bySignal = `sumMap(signals, arrayMap(x -> 1, signals), ${signalSums.join(", ")})`;

export const additions = {
  windows: {
    source: "source_partition",
    columns: [
      ...counts.map(sum),
      ...["tenants", "tenants_failed", "tenants_limited"].map(most),
      ...["duration", "ttft", "tpot", "output_tokens", "input_tokens"].flatMap(sketch),
    ],
  },
  verdicts: {
    source: "source_task",
    columns: [
      ...["window_count", "warming", "normal", "watching", "anomalous"].map(sum),
      { name: "signals", value: `${bySignal}.1` },
      ...signalSums.map((name, i) => ({ name, value: `${bySignal}.${i + 3}` })),
      { name: "score", value: "maxMap(signals, score).2" },
    ],
  },
} as const satisfies Readonly<Record<string, Addition>>;
