/**
 * The history port: ClickHouse, be it a server or the embedded engine, as the stages see it. One driver
 * (`clickhouse.ts`) serves both.
 *
 * - `insert` resolves only when the rows are stored; a rejected insert may have been stored in part or whole,
 *   so it is sent again, the same bytes under the same token, until it resolves.
 * - Errors are `history_failed` (ClickHouse said no: sending the same again is no use unless `retryable`),
 *   `query_refused` (not allowed here) and `unavailable` (no answer; retryable).
 */
export interface History extends AsyncDisposable {
  /**
   * Inserts a block in ClickHouse's Native format (`native-block.ts`). Rows of a token that the table already
   * took are dropped, as long as it is within the table's deduplication window.
   */
  insert(insert: HistoryInsert, signal?: AbortSignal): Promise<void>;

  /** Rows of a SELECT; `{name:Type}` in it is bound from `parameters`. 64-bit integers come as strings. */
  query<Row>(
    sql: string,
    parameters?: Readonly<Record<string, QueryParameter>>,
    signal?: AbortSignal,
  ): Promise<Row[]>;

  /** A statement without rows: DDL, ALTER, OPTIMIZE. */
  command(sql: string, signal?: AbortSignal): Promise<void>;

  /** Whether ClickHouse answers now. Never throws. */
  ping(): Promise<boolean>;

  close(): Promise<void>;
}

export interface HistoryInsert {
  /** `table` or `database.table`. */
  readonly table: string;
  readonly block: Uint8Array;
  /** Same token, same rows: `topic/partition/from-to`. */
  readonly token: string;
}

export type QueryParameter =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | readonly QueryParameter[];
