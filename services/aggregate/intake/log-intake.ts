/**
 * Logs: their times drive event time and tell which senders live, and their severities how many errors a service writes. Their
 * content is not looked at.
 */
import { type CellKey, cellKey } from "../../contracts/cell.ts";
import { WireReader } from "../../contracts/wire.ts";
import { createFields, fieldOf } from "../conventions/attributes.ts";
import { type Reading, textIn } from "../conventions/reading.ts";
import { createAttributeSlots } from "../decode/attributes.ts";
import { eachMessage, readResource } from "../decode/metric-reader.ts";
import { emptySpan } from "../decode/span-reader.ts";
import { createTexts, textOf } from "../decode/texts.ts";
import { createScan, nanosToMs, readWord, viewOf } from "../decode/wire-scan.ts";
import { cellsOfLogs, countLog } from "../windows/log-counts.ts";
import type { Intake } from "./intake.ts";
import { type Item, itemIntake } from "./item-intake.ts";
import { senderOfResource } from "./sender.ts";

const serviceField = fieldOf("service.name");
const regionField = fieldOf("cloud.region");

export function createLogIntake(): Intake {
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
      eachMessage(new WireReader(bytes), 1, (logs) => readResourceLogs(reading, logs, items));
    },
    put: ({ log }, window) => {
      if (log !== undefined) countLog(window.logs, log);
    },
    close: (_, window) => (window === undefined ? [] : cellsOfLogs(window.logs)),
  });
}

function readResourceLogs(reading: Reading, reader: WireReader, items: Item[]): void {
  readResource(reading, reader);
  const sender = senderOfResource(reading);
  const cell = logCell(reading);
  eachMessage(reader, 2, (scope) =>
    eachMessage(scope, 2, (log) => {
      const { timeMs, isError } = readRecord(reading.scan.view, log);
      items.push({ timeMs, sender, ...(cell !== undefined && { log: { cell, isError } }) });
    }),
  );
}

/** The cell of a service's log records; undefined where the resource names no service. */
function logCell(reading: Reading): CellKey | undefined {
  const { texts, resource } = reading;
  const provider = textOf(texts, textIn(reading, resource, serviceField));
  const region = textOf(texts, textIn(reading, resource, regionField));
  if (provider === "") return undefined;
  return cellKey({ kind: "http", provider, model: "", region, operation: "log records" });
}

/** `SEVERITY_NUMBER_ERROR`, and FATAL above it. Source: OpenTelemetry, logs data model. */
const errorSeverity = 17;
const largestSeverity = 24;
const errorText = /^(error|err|fatal|critical|crit|alert|emergency|emerg|panic)/i;

/** The record's own time (field 1), else when it was observed (field 11); severity in 2 as a number, in 3 as a text. */
function readRecord(
  view: DataView,
  log: WireReader,
): { readonly timeMs: number; readonly isError: boolean } {
  let own = 0;
  let observed = 0;
  let severity = 0;
  let text = "";
  while (log.hasMore()) {
    const tag = log.varint();
    const at = log.position;
    if (tag === 16) severity = log.varint();
    else if (tag === 26) text = severityText(log);
    else log.skip(tag % 8);
    if (tag === 9) own = nanosToMs(readWord(view, at + 4), readWord(view, at));
    else if (tag === 89) observed = nanosToMs(readWord(view, at + 4), readWord(view, at));
  }
  const isError =
    severity === 0
      ? errorText.test(text)
      : severity >= errorSeverity && severity <= largestSeverity;
  return { timeMs: own === 0 ? observed : own, isError };
}

const longestSeverity = 16;

function severityText(log: WireReader): string {
  const bytes = log.view();
  return latin1.decode(bytes.subarray(0, longestSeverity));
}

const latin1 = new TextDecoder("latin1");
