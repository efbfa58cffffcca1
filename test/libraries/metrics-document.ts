/** The page on metrics, whose table of mappings is the program's own. */
import {
  type Gives,
  type MetricMapping,
  metricMappings,
} from "../../services/aggregate/conventions/metric-table.ts";

const given: Readonly<Record<Gives, string>> = {
  requests: "requests by how they ended",
  "request-times": "requests by how they ended, durations",
  duration: "durations",
  "first-token": "times to the first token",
  "per-token": "times per output token",
  tokens: "input and output tokens",
  "input-tokens": "input tokens",
  "output-tokens": "output tokens",
  retries: "retries",
  "in-flight": "requests in flight",
  queued: "requests that wait (also in flight)",
  "cache-usage": "part of the cache that is used: kept, not judged",
};

const cells: Readonly<Record<MetricMapping["of"], string>> = {
  model: "model",
  route: "route",
  upstream: "upstream",
};

const row = ({ names: [name = "", ...others], of, gives, provider, source }: MetricMapping) =>
  `| \`${name}\`${others.length === 0 ? "" : ` (${others.map((other) => `\`${other}\``).join(", ")})`} | ${given[gives]} | ${cells[of]}${provider === undefined ? "" : `; provider \`${provider}\` where none is named`} | ${source} |`;

const sources = [...new Set(metricMappings.map(({ source }) => source))];

export const metricsDocument = (): string => `# Metrics

Metrics come over OTLP (from SDKs, or from a Collector that scrapes Prometheus endpoints) and are input like spans: requests, how
they ended, times, tokens and requests in flight are read off them. What stands for what is one table,
\`services/aggregate/conventions/metric-table.ts\`; this page is written from it (\`node test/libraries/write-document.ts\`).

## What stands for what

Of metrics that give the same measure of a cell, the one that stands first counts, as long as it was heard of within ten minutes: they tell
of the same requests once more. Names in brackets are what exporters and scrapers make of a name.

| metric | gives | cell by | source |
| --- | --- | --- | --- |
${metricMappings.map(row).join("\n")}

Sources read: ${sources.join("; ")}. Those of vLLM, SGLang and Envoy are the projects' own files, as they stood in November 2026.

- A model's cell is provider, model, region (\`cloud.region\`) and operation; a model server does not say the operation: \`chat\`. Where only the model
  that answered is named (OpenLLMetry), it is that one without its version. Without any model there is no cell, and the point is not counted.
- Requests end as \`error.type\`, \`http.response.status_code\`, \`envoy_response_code\` or \`finished_reason\` say: the same names as for spans.
- \`http.server.active_requests\` has no route in the conventions. It goes to the cell \`all routes\` of its service, which has no requests of its own.
- What is observed once a token (\`vllm:inter_token_latency_seconds\`, \`vllm:time_per_output_token_seconds\`) is left out: a thousand tokens of one
  slow answer are no thousand slow answers.

## How points are read

| kind | what it adds |
| --- | --- |
| delta sum, delta histogram | its value, once: a point that comes again adds nothing |
| cumulative sum, histogram, exponential histogram | what it has grown by since the stream's last point |
| gauge, cumulative sum that may fall | a level: the last one of the window, added up over streams (engines, replicas) |
| summary, delta sum that may fall | nothing |

A stream is all points with the same metric, sender and attributes. A cumulative one began anew, and all of it counts, where its start is
another one, or where it (or a bucket of it) fell. A point whose start is its own time ("true reset point", what a scraper that began anew
sends) says nothing of a start: the stream goes on unless it fell. A stream that is seen for the first time counts from there, unless it
began later than the first window here, or its sender told of the same metric before without it: an error that had not occurred yet. Buckets
that change without a new start add nothing once.

What was added belongs to the window of the point's own time, though it happened in the interval before it. A level holds for three of its
intervals (15 s at least, 5 min at most), or until a point without a value says that it has ended.

## Histograms

The detectors work on sketches of 1/128 relative error. A histogram's values are spread evenly over their bucket: a quantile of the sketch
lies in the bucket in which the quantile of the values lies, so it is off by less than that bucket's width. With the conventions' buckets for
durations (each twice the one before) that is up to a factor of 2; with exponential histograms 2^(2^−scale) − 1: 9 % at scale 3, 1.1 % at scale 6, and
1/64 for the sketch on top. Values beyond the highest bound count as that bound. Scales that differ are brought to the coarser one, exactly.
\`test/property/aggregate-metrics.test.ts\` holds these bounds against random values.

## Metrics and spans

Spans count. What metrics say of requests, times and tokens of a cell stands in only while the cell has no spans, and had none for ten
minutes; nothing is ever added up over the two (\`services/detect/span-preference.ts\`, the one place). Gauges always count. A server's metrics and its
callers' spans are two cells if they name two providers: vLLM's metrics are \`vllm\`'s, a caller's spans \`openai\`'s.

What spans alone give: attribution to versions, instances and other dimensions, tenants, finish reasons, examples.

## What hangs

Requests that never end leave no span and no count. Where a gauge says that requests are in flight and the cell's counts (metrics of the
same cell, or its spans) say that none ended in a window, the signal \`stalled\` is 1 for the window. Once ten requests should have ended by
the cell's usual traffic, and unless one window in twenty is like that anyway, those in flight count as failing: a page comes by the third
such window (\`test/integration/metrics-as-input.test.ts\`; counts that come every third window are judged every third window). A service whose
gauge has no route is not judged this way: its routes are cells of their own.

## Sampling

Spans with \`ot=th\` in the trace state count 1/probability. Where a tail sampler keeps traces with errors alone, no span carries a weight and all that is
left has failed: once 50 traces were seen and at most one in twenty has no error, ratios are in the state \`sampled\` (unknown), and do not
page; \`foreshock doctor\` says so. A sampler that keeps all errors and a part of the rest without \`ot=th\` cannot be told from a service that fails more.

## Logs

Of log records only time and severity are looked at: the cell \`log records\` of a service has how many came and how many were of severity ERROR
or above (by number, else by text), and the signal \`log_errors\` is their ratio against what is usual there. It is shown and kept, and opens no
incident by itself.

## Measured

The simulated fleet, scenario S01 (nearly everything fails at once), seed 3, metrics alone, no spans:

| exports | warm-up before the fault | window of the page begins |
| --- | --- | --- |
| every 10 s, 25 requests a second | 25 min | 18 s after the fault |
| every 60 s, 8 requests a second | 75 min | 2 min after the fault |

A cell is judged after 60 windows with counts: with exports once a minute that is an hour.
`;
