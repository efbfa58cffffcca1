/**
 * Columns of ClickHouse's Native format, written by hand: this is the hot path of the archive. Values are kept in the
 * bytes that go on the wire (little-endian, as every platform that Node runs on), in buffers that grow by doubling
 * and are kept from block to block.
 *
 * They are classes, because V8 keeps objects that a function made with a getter of its own each as hash tables from the second one
 * on: every push to one of fifty columns looked its method up by name, which was more than a third of the archive's work.
 */
export interface Column {
  /** Values so far. */
  readonly length: number;
  /** Bytes that `write` needs. */
  byteLength(): number;
  /** Writes all values at a position; returns the position behind them. */
  write(target: Buffer, at: number): number;
  /** Bytes that go before everything else of the column: the versions of low-cardinality parts. */
  readonly prefixLength: number;
  writePrefix(target: Buffer, at: number): number;
  /** Forgets the values, keeps the room. */
  clear(): void;
  /**
   * Of columns that most rows leave out: gives rows their default until there are `rows` of them. A block does so for its last
   * rows, and leaves such a column out altogether where no row has a value.
   */
  padTo?(rows: number): void;
}

/** A column whose rows may be left out: call `padTo` with the row's number before its value is pushed. */
export type SparseColumn<C extends Column = Column> = C & { padTo(rows: number): void };

/** A column's ClickHouse type, and how to make an empty column of it. */
export interface ColumnType<C extends Column = Column> {
  readonly type: string;
  create(): C;
}

/** Copies a view's bytes as they are. */
export function writeView(
  target: Buffer,
  at: number,
  view: { readonly buffer: ArrayBufferLike; readonly byteOffset: number },
  bytes: number,
): number {
  target.set(new Uint8Array(view.buffer, view.byteOffset, bytes), at);
  return at + bytes;
}

const firstCapacity = 1024;

export interface NumberColumn extends Column {
  push(value: number): void;
}

type NumberArray =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

class Numbers implements NumberColumn {
  readonly prefixLength = 0;
  length = 0;
  private readonly allocate: (length: number) => NumberArray;
  private values: NumberArray;

  constructor(allocate: (length: number) => NumberArray) {
    this.allocate = allocate;
    this.values = allocate(firstCapacity);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = this.allocate(this.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  byteLength(): number {
    return this.length * this.values.BYTES_PER_ELEMENT;
  }

  write(target: Buffer, at: number): number {
    return writeView(target, at, this.values, this.byteLength());
  }

  writePrefix(_target: Buffer, at: number): number {
    return at;
  }

  clear(): void {
    this.length = 0;
  }
}

class NumbersOrNaN extends Numbers {
  padTo(rows: number): void {
    while (this.length < rows) this.push(Number.NaN);
  }
}

const numberType = (
  type: string,
  allocate: (length: number) => NumberArray,
): ColumnType<NumberColumn> => ({ type, create: () => new Numbers(allocate) });

/** Values outside a type's range wrap around, as they do in typed arrays: callers check where that can be. */
export const uint8 = numberType("UInt8", (length) => new Uint8Array(length));
export const uint16 = numberType("UInt16", (length) => new Uint16Array(length));
export const uint32 = numberType("UInt32", (length) => new Uint32Array(length));
export const int8 = numberType("Int8", (length) => new Int8Array(length));
export const int32 = numberType("Int32", (length) => new Int32Array(length));
export const float64 = numberType("Float64", (length) => new Float64Array(length));

/** `names[n]` stands for n; pushed as numbers. */
export function enum8(names: readonly string[]): ColumnType<NumberColumn> {
  const listed = names.map((name, index) => `'${name}' = ${index}`).join(", ");
  return numberType(`Enum8(${listed})`, (length) => new Int8Array(length));
}

export interface Integer64Column extends Column {
  /** A whole number, |value| ≤ 2⁵³ − 1. */
  push(value: number): void;
  /** Any 64-bit value, by its halves: decoders read times as two 32-bit words. */
  pushHalves(low: number, high: number): void;
  pushBigInt(value: bigint): void;
}

class Integers64 implements Integer64Column {
  readonly prefixLength = 0;
  length = 0;
  private halves = new Uint32Array(firstCapacity * 2);

  pushHalves(low: number, high: number): void {
    const at = this.length * 2;
    if (at === this.halves.length) {
      const larger = new Uint32Array(at * 2);
      larger.set(this.halves);
      this.halves = larger;
    }
    this.halves[at] = low;
    this.halves[at + 1] = high;
    this.length++;
  }

  push(value: number): void {
    // Two's complement: floor rounds a negative quotient down, and the array takes both modulo 2³².
    this.pushHalves(value, Math.floor(value / 4_294_967_296));
  }

  pushBigInt(value: bigint): void {
    this.pushHalves(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
  }

  byteLength(): number {
    return this.length * 8;
  }

  write(target: Buffer, at: number): number {
    return writeView(target, at, this.halves, this.length * 8);
  }

  writePrefix(_target: Buffer, at: number): number {
    return at;
  }

  clear(): void {
    this.length = 0;
  }
}

class Integers64OrMinusOne extends Integers64 {
  padTo(rows: number): void {
    while (this.length < rows) this.pushHalves(0xffff_ffff, 0xffff_ffff);
  }
}

const integer64Type = (type: string): ColumnType<Integer64Column> => ({
  type,
  create: () => new Integers64(),
});

/**
 * Sparse `Int64` whose absent value is −1 and sparse `Float64` whose absent value is NaN; the table must have them as defaults.
 */
export const int64OrMinusOne: ColumnType<SparseColumn<Integer64Column>> = {
  type: "Int64",
  create: () => new Integers64OrMinusOne(),
};
export const float64OrNaN: ColumnType<SparseColumn<NumberColumn>> = {
  type: "Float64",
  create: () => new NumbersOrNaN((length) => new Float64Array(length)),
};

export const uint64 = integer64Type("UInt64");
export const int64 = integer64Type("Int64");
/** Unix time in units of 10⁻ˢᶜᵃˡᵉ s: milliseconds for 3, nanoseconds for 9 (as halves, or as BigInt). */
export const dateTime64 = (scale: 3 | 6 | 9) => integer64Type(`DateTime64(${scale})`);
