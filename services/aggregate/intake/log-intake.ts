/** Logs: their times drive event time and tell which senders live; their content is not looked at. */
import { WireReader } from "../../contracts/wire.ts";
import { createFields } from "../conventions/attributes.ts";
import type { Reading } from "../conventions/reading.ts";
import { createAttributeSlots } from "../decode/attributes.ts";
import { eachMessage, readResource } from "../decode/metric-reader.ts";
import { emptySpan } from "../decode/span-reader.ts";
import { createTexts } from "../decode/texts.ts";
import { createScan, nanosToMs, readWord, viewOf } from "../decode/wire-scan.ts";
import type { Intake } from "./intake.ts";
import { type Item, itemIntake } from "./item-intake.ts";
import { senderOfResource } from "./sender.ts";

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
    put: () => {},
    close: () => [],
  });
}

function readResourceLogs(reading: Reading, reader: WireReader, items: Item[]): void {
  readResource(reading, reader);
  const sender = senderOfResource(reading);
  eachMessage(reader, 2, (scope) =>
    eachMessage(scope, 2, (log) => {
      items.push({ timeMs: timeOf(reading.scan.view, log), sender });
    }),
  );
}

/** The record's own time (field 1), else when it was observed (field 11). */
function timeOf(view: DataView, log: WireReader): number {
  let own = 0;
  let observed = 0;
  while (log.hasMore()) {
    const tag = log.varint();
    const at = log.position;
    log.skip(tag % 8);
    if (tag === 9) own = nanosToMs(readWord(view, at + 4), readWord(view, at));
    else if (tag === 89) observed = nanosToMs(readWord(view, at + 4), readWord(view, at));
  }
  return own === 0 ? observed : own;
}
