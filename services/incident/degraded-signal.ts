/** What cells are degraded by. */
import type { CellKey } from "../contracts/cell.ts";
import type { SignalName } from "../contracts/frame.ts";
import type { Family } from "./families.ts";

export interface DegradedSignal {
  readonly signal: SignalName;
  readonly family: Family;
  readonly sinceMs: number;
  /** log10 evidence of its own, 0 where only the group has some. */
  readonly evidence: number;
}

export type Degraded = ReadonlyMap<CellKey, readonly DegradedSignal[]>;
