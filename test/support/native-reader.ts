/** Reads a block in ClickHouse's Native format back into rows: what the hand-written column writers are checked with. */

export type NativeValue = string | number | bigint | NativeValue[] | { [key: string]: NativeValue };

/** Rows of the block, by column name. Bytes of fixed length come as hexadecimal, 64-bit integers and times as BigInt. */
export function readNativeRows(block: Uint8Array): Record<string, NativeValue>[] {
  const reader = new Reader(Buffer.from(block.buffer, block.byteOffset, block.length));
  const columns = reader.varint();
  const count = reader.varint();
  const rows: Record<string, NativeValue>[] = Array.from({ length: count }, () => ({}));
  for (let i = 0; i < columns; i++) {
    const name = reader.text();
    const type = reader.text();
    if (count === 0) continue;
    reader.prefix(type);
    const values = reader.values(type, count);
    for (const [row, value] of values.entries())
      Object.assign(rows[row] as object, { [name]: value });
  }
  return rows;
}

class Reader {
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const size = this.varint();
    this.at += size;
    return this.bytes.toString("utf8", this.at - size, this.at);
  }

  private uint64(): bigint {
    this.at += 8;
    return this.bytes.readBigUInt64LE(this.at - 8);
  }

  /** Versions of low-cardinality parts, which stand before everything else of a column. */
  prefix(type: string): void {
    if (/LowCardinality/.test(type)) this.at += 8;
  }

  values(type: string, count: number): NativeValue[] {
    const inner = /^(Array|LowCardinality|Map)\((.*)\)$/.exec(type);
    if (inner?.[1] === "Array")
      return this.lists(count, (total) => this.values(inner[2] as string, total));
    if (inner?.[1] === "LowCardinality") return this.lowCardinality(count);
    if (inner?.[1] === "Map") {
      return this.lists(count, (total) => {
        const keys = this.lowCardinality(total);
        return this.values("String", total).map((value, i) => [keys[i] as string, value]);
      }).map((pairs) => Object.fromEntries(pairs as [string, NativeValue][]));
    }
    return Array.from({ length: count }, () => this.scalar(type));
  }

  private lists(count: number, elements: (total: number) => NativeValue[]): NativeValue[] {
    const ends = Array.from({ length: count }, () => Number(this.uint64()));
    const all = elements(ends.at(-1) ?? 0);
    return ends.map((end, i) => all.slice(i === 0 ? 0 : ends[i - 1], end));
  }

  private lowCardinality(count: number): NativeValue[] {
    if (count === 0) return [];
    const width = 2 ** Number(this.uint64() & 0xffn);
    const keyCount = Number(this.uint64());
    const keys = Array.from({ length: keyCount }, () => this.text());
    const positions = Number(this.uint64());
    return Array.from({ length: positions }, () => {
      this.at += width;
      return keys[this.bytes.readUIntLE(this.at - width, width)] as string;
    });
  }

  private scalar(type: string): NativeValue {
    const fixed = /^FixedString\((\d+)\)$/.exec(type);
    if (fixed !== null) {
      this.at += Number(fixed[1]);
      return this.bytes.toString("hex", this.at - Number(fixed[1]), this.at);
    }
    if (type === "String") return this.text();
    if (/^(UInt64|DateTime64)/.test(type)) return this.uint64();
    if (type === "Int64") return BigInt.asIntN(64, this.uint64());
    if (type === "Float64") {
      this.at += 8;
      return this.bytes.readDoubleLE(this.at - 8);
    }
    if (type === "UInt32" || type === "Int32") {
      this.at += 4;
      return type === "UInt32"
        ? this.bytes.readUInt32LE(this.at - 4)
        : this.bytes.readInt32LE(this.at - 4);
    }
    if (/^(UInt8|Enum8)/.test(type)) return this.bytes[this.at++] as number;
    throw new RangeError(`type ${type} is not read here`);
  }
}
