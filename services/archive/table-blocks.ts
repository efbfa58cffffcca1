/**
 * Cuts the rows of a range into blocks, the same rows always into the same blocks: a block is one insert with a token of its
 * own, so each is stored once, and none spans two partitions of its table, so each is stored whole.
 */
import {
  type BlockColumns,
  createNativeBlock,
  type TableColumns,
} from "../history/native-block.ts";
import { type HistoryTable, historyTables } from "../history/tables.ts";

export interface PendingBlock {
  readonly table: HistoryTable;
  /** Stands behind the range's token: `spans/0`. */
  readonly tokenSuffix: string;
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** Rows that are stored already, as `rowKey` names them. */
export type StoredRows = ReadonlySet<string>;

export const rowKey = (offset: number, index: number) => `${offset}/${index}`;

export interface TableBlocks<T extends TableColumns = TableColumns> {
  readonly table: HistoryTable;
  readonly columns: BlockColumns<T>;
  /** Begins a range. */
  begin(stored: StoredRows | undefined): void;
  /** Makes room for a row of a table partition. False: the row is stored already, write nothing. */
  admitRow(partition: number, offset: number, index: number): boolean;
  /** Ends the range. */
  finish(): readonly PendingBlock[];
  /** What was written is of no use: rows are only counted until the next `begin`. */
  spoil(): void;
}

export interface TableBlocksOptions {
  readonly maxRows: number;
  /** The columns were cleared. */
  readonly onCleared?: () => void;
}

export function createTableBlocks<Name extends HistoryTable>(
  table: Name,
  { maxRows, onCleared }: TableBlocksOptions,
): TableBlocks<(typeof historyTables)[Name]> {
  const block = createNativeBlock<(typeof historyTables)[Name]>(historyTables[table]);
  let pending: PendingBlock[] = [];
  let storedRows: StoredRows | undefined;
  let isSpoilt = false;
  let partitionOfBlock = Number.NaN;
  let blocks = 0;
  /** Rows of the current block, stored ones among them: boundaries are the same whatever is stored. */
  let rows = 0;
  let storedInBlock = 0;

  function clear(): void {
    block.clear();
    rows = 0;
    storedInBlock = 0;
    onCleared?.();
  }

  function cut(): void {
    if (rows > storedInBlock && !isSpoilt) {
      // Only other boundaries than these (another `maxRows`, before) store a block in part; what is missing then has a token of its own.
      const rest = storedInBlock === 0 ? "" : `+${rows - storedInBlock}`;
      pending.push({
        table,
        tokenSuffix: `${table}/${blocks}${rest}`,
        rows: rows - storedInBlock,
        bytes: block.encode(),
      });
    }
    if (rows > 0) blocks++;
    clear();
  }

  return {
    table,
    columns: block.columns,
    begin(stored) {
      pending = [];
      storedRows = stored === undefined || stored.size === 0 ? undefined : stored;
      isSpoilt = false;
      partitionOfBlock = Number.NaN;
      blocks = 0;
      clear();
    },
    admitRow(partition, offset, index) {
      if (rows >= maxRows || (rows > 0 && partition !== partitionOfBlock)) cut();
      partitionOfBlock = partition;
      rows++;
      if (storedRows === undefined || !storedRows.has(rowKey(offset, index))) return true;
      storedInBlock++;
      return false;
    },
    finish() {
      cut();
      const finished = pending;
      pending = [];
      return finished;
    },
    spoil() {
      isSpoilt = true;
    },
  };
}

/** The table partition of spans: the day they arrived, in UTC. */
export const dayOf = (ms: number) => Math.floor(ms / 86_400_000);

/** The table partition of all else: the month, in UTC. */
export function monthOf(ms: number): number {
  const date = new Date(ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}
