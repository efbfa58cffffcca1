/** What is known of a cell when a place is looked for. */
import type { CellKey } from "../contracts/cell.ts";

/** What one live cell shows of the incident's trouble. */
export interface PlaceSample {
  readonly cell: CellKey;
  /** Requests that it usually has, in any unit. */
  readonly usual: number;
  /** Weight: requests that count as evidence. */
  readonly of: number;
  /** Bad ones, and how many would be usual. */
  readonly bad: number;
  readonly expected: number;
  /** Size of the trouble in one number, comparable between cells: excess ratio, or ln of the slow-down. */
  readonly strength: number;
  /** Standard error of it. */
  readonly doubt: number;
  /** Whether the incident counts the cell as degraded. */
  readonly isMember: boolean;
}
