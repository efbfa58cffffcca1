/** What metrics and logs have in common: items with a time and a sender, few enough to be objects. */

import type { CellWindow } from "../../contracts/window.ts";
import type { Reading } from "../conventions/reading.ts";
import { createTexts, internText, textOf, textsHeld } from "../decode/texts.ts";
import type { MetricPoint } from "../metrics/metric-point.ts";
import type { LoggedRecord } from "../windows/log-counts.ts";
import type { OpenWindow } from "../windows/open-windows.ts";
import type { Intake } from "./intake.ts";
import { textsLimit } from "./tidy-texts.ts";

export interface Item {
  readonly timeMs: number;
  readonly sender: number;
  readonly point?: MetricPoint;
  readonly log?: LoggedRecord;
}

export function itemIntake(parts: {
  readonly reading: Reading;
  readonly decode: (bytes: Uint8Array, items: Item[]) => void;
  readonly put: (item: Item, window: OpenWindow) => void;
  /** The cells of a closing window. */
  readonly close: (index: number, window: OpenWindow | undefined) => readonly CellWindow[];
  readonly save?: () => readonly Uint8Array[];
}): Intake {
  const { reading, save } = parts;
  let items: Item[] = [];
  const itemAt = (item: number): Item => items[item] as Item;
  return {
    get texts() {
      return reading.texts;
    },
    read(bytes) {
      items = [];
      parts.decode(bytes, items);
      return items.length;
    },
    timeOf: (item) => itemAt(item).timeMs,
    senderOf: (item) => itemAt(item).sender,
    put(item, window) {
      window.spans++;
      parts.put(itemAt(item), window);
      return "taken";
    },
    close: (index, window) => ({
      cells: parts.close(index, window),
      outerSpans: 0,
    }),
    closing: () => {},
    save: () => save?.() ?? [],
    closedBefore: () => {},
    tidy(windows) {
      if (textsHeld(reading.texts) <= textsLimit) return;
      const compact = createTexts();
      for (const window of windows.byIndex.values()) {
        const senders = [...window.senders];
        window.senders.clear();
        for (const [sender, tally] of senders)
          window.senders.set(internText(compact, textOf(reading.texts, sender)), tally);
      }
      reading.texts = compact;
    },
  };
}
