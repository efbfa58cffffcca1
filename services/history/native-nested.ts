import { type Column, type ColumnType, type SparseColumn, uint64 } from "./native-column.ts";
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

class Arrays<C extends Column> implements ArrayColumn<C> {
  readonly elements: C;
  private readonly ends = uint64.create();

  constructor(inner: ColumnType<C>) {
    this.elements = inner.create();
  }

  get length(): number {
    return this.ends.length;
  }

  endRow(): void {
    this.ends.push(this.elements.length);
  }

  get prefixLength(): number {
    return this.elements.prefixLength;
  }

  writePrefix(target: Buffer, at: number): number {
    return this.elements.writePrefix(target, at);
  }

  byteLength(): number {
    return this.ends.byteLength() + this.elements.byteLength();
  }

  write(target: Buffer, at: number): number {
    return this.elements.write(target, this.ends.write(target, at));
  }

  clear(): void {
    this.elements.clear();
    this.ends.clear();
  }
}

class ArraysOrEmpty<C extends Column> extends Arrays<C> {
  padTo(rows: number): void {
    while (this.length < rows) this.endRow();
  }
}

/** `Array(T)`; a field of a Nested is one too. */
export const array = <C extends Column>(inner: ColumnType<C>): ColumnType<ArrayColumn<C>> => ({
  type: `Array(${inner.type})`,
  create: () => new Arrays(inner),
});

/** `Array(T)` that most rows leave empty: a row that was begun with `padTo` ends by itself. */
export const sparseArray = <C extends Column>(
  inner: ColumnType<C>,
): ColumnType<SparseColumn<ArrayColumn<C>>> => ({
  type: `Array(${inner.type})`,
  create: () => new ArraysOrEmpty(inner),
});

export interface MapColumn extends Column {
  readonly keys: LowCardinalityColumn;
  readonly values: TextColumn;
  endRow(): void;
}

class AttributeMaps implements MapColumn {
  readonly keys = lowCardinality.create();
  readonly values = string.create();
  private readonly ends = uint64.create();

  get length(): number {
    return this.ends.length;
  }

  get prefixLength(): number {
    return this.keys.prefixLength;
  }

  endRow(): void {
    this.ends.push(this.keys.length);
  }

  writePrefix(target: Buffer, at: number): number {
    return this.keys.writePrefix(target, at);
  }

  byteLength(): number {
    return this.ends.byteLength() + this.keys.byteLength() + this.values.byteLength();
  }

  write(target: Buffer, at: number): number {
    return this.values.write(target, this.keys.write(target, this.ends.write(target, at)));
  }

  clear(): void {
    this.keys.clear();
    this.values.clear();
    this.ends.clear();
  }
}

/** `Map(LowCardinality(String), String)`: attributes. Push as many keys as values, then end the row. */
export const attributeMap: ColumnType<MapColumn> = {
  type: "Map(LowCardinality(String), String)",
  create: () => new AttributeMaps(),
};
