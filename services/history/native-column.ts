/**
 * Columns of ClickHouse's Native format, written by hand: this is the hot path of the archive. Values are kept in the
 * bytes that go on the wire (little-endian, as every platform that Node runs on), in buffers that grow by doubling
 * and are kept from block to block.
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

export const noPrefix = {
  prefixLength: 0,
  writePrefix: (_target: Buffer, at: number) => at,
} as const;

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

function numberType<A extends NumberArray>(
  type: string,
  allocate: (length: number) => A,
): ColumnType<NumberColumn> {
  const width = allocate(0).BYTES_PER_ELEMENT;
  return {
    type,
    create: () => {
      let values = allocate(firstCapacity);
      let length = 0;
      return {
        ...noPrefix,
        get length() {
          return length;
        },
        push(value) {
          if (length === values.length) {
            const larger = allocate(length * 2);
            larger.set(values);
            values = larger;
          }
          values[length++] = value;
        },
        byteLength: () => length * width,
        write: (target, at) => writeView(target, at, values, length * width),
        clear: () => {
          length = 0;
        },
      };
    },
  };
}

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

function integer64Type(type: string): ColumnType<Integer64Column> {
  return {
    type,
    create: () => {
      let halves = new Uint32Array(firstCapacity * 2);
      let length = 0;
      function pushHalves(low: number, high: number): void {
        if (length * 2 === halves.length) {
          const larger = new Uint32Array(halves.length * 2);
          larger.set(halves);
          halves = larger;
        }
        halves[length * 2] = low;
        halves[length * 2 + 1] = high;
        length++;
      }
      return {
        ...noPrefix,
        get length() {
          return length;
        },
        // Two's complement: floor rounds a negative quotient down, and the array takes both modulo 2³².
        push: (value) => pushHalves(value, Math.floor(value / 4_294_967_296)),
        pushHalves,
        pushBigInt: (value) =>
          pushHalves(Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn)),
        byteLength: () => length * 8,
        write: (target, at) => writeView(target, at, halves, length * 8),
        clear: () => {
          length = 0;
        },
      };
    },
  };
}

/**
 * Sparse `Int64` whose absent value is −1 and sparse `Float64` whose absent value is NaN; the table must have them as defaults.
 */
export const int64OrMinusOne: ColumnType<SparseColumn<Integer64Column>> = sparse(
  integer64Type("Int64"),
  (column) => column.pushHalves(0xffff_ffff, 0xffff_ffff),
);
export const float64OrNaN: ColumnType<SparseColumn<NumberColumn>> = sparse(float64, (column) =>
  column.push(Number.NaN),
);

/** The same column, with `pushDefault` for rows that are left out. */
export function sparse<C extends Column>(
  { type, create }: ColumnType<C>,
  pushDefault: (column: C) => void,
): ColumnType<SparseColumn<C>> {
  return {
    type,
    create: () => {
      const column = create();
      const padTo = (rows: number) => {
        while (column.length < rows) pushDefault(column);
      };
      // Not a copy: `length` is a getter.
      return Object.assign(column, { padTo });
    },
  };
}

export const uint64 = integer64Type("UInt64");
export const int64 = integer64Type("Int64");
/** Unix time in units of 10⁻ˢᶜᵃˡᵉ s: milliseconds for 3, nanoseconds for 9 (as halves, or as BigInt). */
export const dateTime64 = (scale: 3 | 6 | 9) => integer64Type(`DateTime64(${scale})`);
