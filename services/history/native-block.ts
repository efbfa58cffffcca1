import type { Column, ColumnType } from "./native-column.ts";

/** A table's columns by name, in the order in which they are sent. */
export type TableColumns = Readonly<Record<string, ColumnType>>;

export type BlockColumns<T extends TableColumns> = {
  readonly [Name in keyof T]: ReturnType<T[Name]["create"]>;
};

/** Rows under construction for one INSERT … FORMAT Native; used again after `clear`. */
export interface NativeBlock<T extends TableColumns> {
  readonly columns: BlockColumns<T>;
  /** Rows of the first column; all columns must have as many when `encode` is called. */
  readonly rows: number;
  /**
   * A fresh buffer with the block, without sparse columns that no row has a value in. Throws RangeError naming a column that has
   * another number of rows and is not sparse.
   */
  encode(): Uint8Array;
  clear(): void;
}

export function createNativeBlock<T extends TableColumns>(table: T): NativeBlock<T> {
  const parts = Object.entries(table).map(([name, { type, create }]) => ({
    name,
    column: create() as Column,
    header: Buffer.concat([sizedText(name), sizedText(type)]),
  }));
  const rowsOf = () => parts[0]?.column.length ?? 0;
  return {
    columns: Object.fromEntries(parts.map(({ name, column }) => [name, column])) as BlockColumns<T>,
    get rows() {
      return rowsOf();
    },
    encode() {
      const rows = rowsOf();
      const sent = parts.filter(
        ({ column }) => column.padTo === undefined || column.length > 0 || rows === 0,
      );
      const start = Buffer.concat([varint(sent.length), varint(rows)]);
      let size = start.length;
      for (const { name, column, header } of sent) {
        column.padTo?.(rows);
        if (column.length !== rows) {
          throw new RangeError(`column ${name} must have ${rows} rows, got ${column.length}`);
        }
        size += header.length + (rows === 0 ? 0 : column.prefixLength + column.byteLength());
      }
      const block = Buffer.allocUnsafeSlow(size);
      let at = start.copy(block);
      for (const { column, header } of sent) {
        block.set(header, at);
        at += header.length;
        if (rows > 0) at = column.write(block, column.writePrefix(block, at));
      }
      return block;
    },
    clear() {
      for (const { column } of parts) column.clear();
    },
  };
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function sizedText(text: string): Uint8Array {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([varint(bytes.length), bytes]);
}
