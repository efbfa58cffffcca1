import {
  type Column,
  type ColumnType,
  type SparseColumn,
  sparse,
  uint64,
} from "./native-column.ts";
import {
  type LowCardinalityColumn,
  lowCardinality,
  string,
  type TextColumn,
} from "./native-text.ts";

export interface ArrayColumn<C extends Column> extends Column {
  /** Where a row's elements are pushed. */
  readonly elements: C;
  /** Closes the row: what was pushed since the last one is its array. */
  endRow(): void;
}

/** `Array(T)` that most rows leave empty: a row that was begun with `padTo` ends by itself. */
export function sparseArray<C extends Column>(
  inner: ColumnType<C>,
): ColumnType<SparseColumn<ArrayColumn<C>>> {
  return sparse(array(inner), (column) => column.endRow());
}

/** `Array(T)`; a field of a Nested is one too. */
export function array<C extends Column>(inner: ColumnType<C>): ColumnType<ArrayColumn<C>> {
  return {
    type: `Array(${inner.type})`,
    create: () => {
      const elements = inner.create();
      const ends = uint64.create();
      return {
        elements,
        endRow: () => ends.push(elements.length),
        get length() {
          return ends.length;
        },
        get prefixLength() {
          return elements.prefixLength;
        },
        writePrefix: (target, at) => elements.writePrefix(target, at),
        byteLength: () => ends.byteLength() + elements.byteLength(),
        write: (target, at) => elements.write(target, ends.write(target, at)),
        clear: () => {
          elements.clear();
          ends.clear();
        },
      };
    },
  };
}

export interface MapColumn extends Column {
  readonly keys: LowCardinalityColumn;
  readonly values: TextColumn;
  endRow(): void;
}

/** `Map(LowCardinality(String), String)`: attributes. Push as many keys as values, then end the row. */
export const attributeMap: ColumnType<MapColumn> = {
  type: "Map(LowCardinality(String), String)",
  create: () => {
    const keys = lowCardinality.create();
    const values = string.create();
    const ends = uint64.create();
    return {
      keys,
      values,
      endRow: () => ends.push(keys.length),
      get length() {
        return ends.length;
      },
      prefixLength: keys.prefixLength,
      writePrefix: keys.writePrefix,
      byteLength: () => ends.byteLength() + keys.byteLength() + values.byteLength(),
      write: (target, at) => values.write(target, keys.write(target, ends.write(target, at))),
      clear: () => {
        keys.clear();
        values.clear();
        ends.clear();
      },
    };
  },
};
