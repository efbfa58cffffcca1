/** What a source task reads records with: one intake a signal. */

import type { CellWindow } from "../../contracts/window.ts";
import type { Texts } from "../decode/texts.ts";
import type { OpenWindow, OpenWindows } from "../windows/open-windows.ts";

export interface Intake {
  readonly texts: Texts;
  /**
   * Decodes a record into staged items (spans, points, log records) and gives their number. Throws `record_invalid`; nothing
   * staged has had any effect then.
   */
  read(bytes: Uint8Array): number;
  /** Event time of a staged item, Unix ms. */
  timeOf(item: number): number;
  /** Interned `service.name/service.instance.id`. */
  senderOf(item: number): number;
  /** Puts a staged item into its window. */
  put(item: number, window: OpenWindow): Put;
  /**
   * A closing window's cells in key order, and how many of its spans had a better one. Called once a window, in order; `window`
   * is undefined where nothing has come for it.
   */
  close(index: number, window: OpenWindow | undefined, windows: OpenWindows): Closed;
  /** A window is about to close, for the first time or again after a restart. */
  closing(index: number, window: OpenWindow): void;
  /** What it keeps beyond what the log still has to be read again for: as of the last window that was closed. */
  save(): readonly Uint8Array[];
  /** Windows before `firstOpen` have closed; what the intake itself keeps of those before `oldest` is forgotten. */
  closedBefore(firstOpen: number, oldest: number): void;
  /** Between records: gives memory back that only old values hold. */
  tidy(windows: OpenWindows): void;
}

/** `full`: the window has as many spans as memory is meant for. */
export type Put = "taken" | "repeat" | "full";

export interface Closed {
  readonly cells: readonly CellWindow[];
  readonly outerSpans: number;
  /** Traces whose root ended in the window, and those without an error; absent where spans are not what is read. */
  readonly traces?: number;
  readonly cleanTraces?: number;
}
