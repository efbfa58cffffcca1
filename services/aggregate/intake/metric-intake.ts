/**
 * Metrics: their times drive event time and tell which senders live. Gauges of requests in flight go to the cell that their
 * attributes name. Everything else is a signal of its own by configuration and never added to what spans count.
 */
import { type CellKey, cellKey } from "../../contracts/cell.ts";
import { WireReader } from "../../contracts/wire.ts";
import { createFields, fieldOf, fieldsOf } from "../conventions/attributes.ts";
import { type GaugeOf, gauges } from "../conventions/gauges.ts";
import { canonicalProvider } from "../conventions/providers.ts";
import { firstText, type Reading, spanOrResourceText, textIn } from "../conventions/reading.ts";
import { clearSlots, createAttributeSlots, readAttribute } from "../decode/attributes.ts";
import { emptySpan } from "../decode/span-reader.ts";
import { createTexts, textOf } from "../decode/texts.ts";
import { createScan, nanosToMs, readWord, viewOf } from "../decode/wire-scan.ts";
import { keepReading } from "../windows/gauges.ts";
import type { Intake } from "./intake.ts";
import { type Item, itemIntake } from "./item-intake.ts";
import { senderOfResource } from "./sender.ts";

const routeFields = fieldsOf("http.route", "url.template");
const methodFields = fieldsOf("http.request.method", "http.method");
const modelFields = fieldsOf("gen_ai.request.model", "model_name");
const providerFields = fieldsOf("gen_ai.provider.name", "gen_ai.system");
const upstreamFields = fieldsOf("envoy_cluster_name", "envoy.cluster_name");
const regionField = fieldOf("cloud.region");
const serviceField = fieldOf("service.name");

export function createMetricIntake(): Intake {
  const { keys } = createFields([]);
  const reading: Reading = {
    bytes: new Uint8Array(0),
    scan: createScan(),
    span: emptySpan(),
    attributes: createAttributeSlots(keys),
    resource: createAttributeSlots(keys),
    texts: createTexts(),
    scope: 0,
  };
  return itemIntake({
    reading,
    decode: (bytes, items) => {
      reading.bytes = bytes;
      reading.scan.view = viewOf(bytes);
      const request = new WireReader(bytes);
      eachMessage(request, 1, (resource) => readResourceMetrics(reading, resource, items));
    },
    put: (item, window) => {
      if (item.gauge !== undefined) keepReading(window, item.gauge.stream, item.gauge.reading);
    },
  });
}

function readResourceMetrics(reading: Reading, reader: WireReader, items: Item[]): void {
  clearSlots(reading.resource);
  const start = reader.position;
  eachMessage(reader, 1, (resource) =>
    eachMessage(resource, 1, ({ position, end }) =>
      readAttribute(reading.bytes, position, end, reading.resource, reading.scan),
    ),
  );
  const sender = senderOfResource(reading);
  reader.position = start;
  eachMessage(reader, 2, (scope) =>
    eachMessage(scope, 2, (metric) => readMetric(reading, metric, { sender, items })),
  );
}

interface MetricTarget {
  readonly sender: number;
  readonly items: Item[];
}

/** Gauge, sum, histogram, exponential histogram, summary: data points are field 1 of each. */
const dataFields = [5, 7, 9, 10, 11];
const gaugeField = 5;
const sumField = 7;

function readMetric(reading: Reading, reader: WireReader, target: MetricTarget): void {
  const start = reader.position;
  let name = "";
  eachMessage(reader, 1, (text) => {
    name = new TextDecoder().decode(text.bytes.subarray(text.position, text.end));
  });
  for (const field of dataFields) {
    reader.position = start;
    eachMessage(reader, field, (data) => {
      const isLevel = field === gaugeField || (field === sumField && isRunningSum(data));
      const gauge = isLevel ? gauges[name] : undefined;
      eachMessage(data, 1, (point) =>
        target.items.push(readPoint(reading, point, { name, gauge, sender: target.sender })),
      );
    });
  }
}

/** Whether a `Sum` holds levels: cumulative (2 in field 2) and not monotonic (field 3). Differences say nothing by themselves. */
function isRunningSum(sum: WireReader): boolean {
  const start = sum.position;
  let temporality = 0;
  let isMonotonic = false;
  while (sum.hasMore()) {
    const tag = sum.varint();
    if (tag === 16) temporality = sum.varint();
    else if (tag === 24) isMonotonic = sum.varint() !== 0;
    else sum.skip(tag % 8);
  }
  sum.position = start;
  return temporality === 2 && !isMonotonic;
}

/** Field 8 of a point: bit 0 says that it has no value, as when a scrape failed. */
const noValue = 1;

/** The time is field 3 of every kind of point; numbers have attributes in field 7, a double in 4, an integer in 6. */
function readPoint(
  reading: Reading,
  point: WireReader,
  metric: {
    readonly name: string;
    readonly gauge: GaugeOf | undefined;
    readonly sender: number;
  },
): Item {
  const { bytes } = reading;
  const { view } = reading.scan;
  let timeMs = 0;
  let value = Number.NaN;
  let flags = 0;
  const attributes: string[] = [];
  clearSlots(reading.attributes);
  while (point.hasMore()) {
    const tag = point.varint();
    const at = point.position;
    point.skip(tag % 8);
    if (tag === 25) timeMs = nanosToMs(readWord(view, at + 4), readWord(view, at));
    else if (tag === 33) value = reading.scan.view.getFloat64(at, true);
    else if (tag === 49) value = readWord(view, at) + (readWord(view, at + 4) | 0) * 4_294_967_296;
    else if (tag === 64) flags = bytes[at] as number;
    else if (tag === 58 && metric.gauge !== undefined) {
      const content = new WireReader(bytes, at, point.position).message();
      attributes.push(latin1.decode(bytes.subarray(content.position, content.end)));
      readAttribute(bytes, content.position, content.end, reading.attributes, reading.scan);
    }
  }
  const { sender, gauge } = metric;
  if (gauge === undefined || !(value >= 0) || (flags & noValue) !== 0) return { timeMs, sender };
  const cell = cellsOf[gauge.of](reading, gauge);
  if (cell === undefined) return { timeMs, sender };
  // Readings of one stream replace each other; several engines of one instance, told apart by any attribute, add up.
  const senderName = textOf(reading.texts, sender);
  const stream = [cell, metric.name, senderName, ...attributes.sort()].join("\u001e");
  return { timeMs, sender, gauge: { stream, reading: { cell, gauge: gauge.name, timeMs, value } } };
}

const latin1 = new TextDecoder("latin1");

function routeCell(reading: Reading): CellKey | undefined {
  const { texts } = reading;
  const route = firstText(reading, routeFields);
  if (route === 0) return undefined;
  const method = textOf(texts, firstText(reading, methodFields));
  return cellKey({
    kind: "http",
    provider: textOf(texts, textIn(reading, reading.resource, serviceField)),
    model: "",
    region: textOf(texts, spanOrResourceText(reading, regionField)),
    operation: method === "" ? textOf(texts, route) : `${method} ${textOf(texts, route)}`,
  });
}

/** A model server's gauges do not say which operation its requests are for: chat, as nearly all are. */
function modelCell(reading: Reading, gauge: GaugeOf): CellKey | undefined {
  const { texts } = reading;
  const model = firstText(reading, modelFields);
  if (model === 0) return undefined;
  const own = firstText(reading, providerFields);
  const provider = textOf(
    texts,
    own !== 0 ? own : textIn(reading, reading.resource, providerFields[0] ?? -1),
  );
  return cellKey({
    kind: "genai",
    provider: provider === "" ? (gauge.provider ?? "") : canonicalProvider(provider),
    model: textOf(texts, model),
    region: textOf(texts, spanOrResourceText(reading, regionField)),
    operation: "chat",
  });
}

/** What a proxy has in flight to one of its upstreams. */
function upstreamCell(reading: Reading, gauge: GaugeOf): CellKey | undefined {
  const { texts } = reading;
  const upstream = firstText(reading, upstreamFields);
  if (upstream === 0) return undefined;
  const service = textOf(texts, textIn(reading, reading.resource, serviceField));
  return cellKey({
    kind: "http",
    provider: service === "" ? (gauge.provider ?? "") : service,
    model: "",
    region: textOf(texts, spanOrResourceText(reading, regionField)),
    operation: `upstream ${textOf(texts, upstream)}`,
  });
}

const cellsOf: Readonly<
  Record<GaugeOf["of"], (reading: Reading, gauge: GaugeOf) => CellKey | undefined>
> = { route: routeCell, model: modelCell, upstream: upstreamCell };

/** Calls `visit` with each length-delimited field of that number; steps over the rest. */
export function eachMessage(
  reader: WireReader,
  field: number,
  visit: (content: WireReader) => void,
): void {
  const wanted = field * 8 + 2;
  while (reader.hasMore()) {
    const tag = reader.varint();
    if (tag === wanted) visit(reader.message());
    else reader.skip(tag % 8);
  }
}
