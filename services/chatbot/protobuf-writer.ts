const textEncoder = new TextEncoder();
const scratch = new DataView(new ArrayBuffer(8));

/** A growing buffer of protobuf wire format. Mutated in place: millions of fields pass through it. */
export class ProtobufWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Copy of what was written. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  clear(): void {
    this.#length = 0;
  }

  /** View of what was written, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A tag of one byte: field numbers up to 15; `wire` 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32. */
  tag(field: number, wire: 0 | 1 | 2 | 5): void {
    this.varint((field << 3) | wire);
  }

  /** Unsigned, up to 2^53. */
  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length] = (rest % 128) | 0x80;
      this.#length += 1;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  fixed32(value: number): void {
    this.#reserve(4);
    for (let shift = 0; shift < 32; shift += 8) {
      this.#bytes[this.#length] = value >>> shift;
      this.#length += 1;
    }
  }

  /** Unix ms as fixed64 nanoseconds, exact to the microsecond. Split arithmetic: products stay below 2^53. */
  fixed64Nanos(unixMs: number): void {
    const wholeMs = Math.floor(unixMs);
    const seconds = Math.floor(wholeMs / 1000);
    const nanos = (wholeMs - seconds * 1000) * 1e6 + Math.round((unixMs - wholeMs) * 1000) * 1000;
    const upper = Math.floor(seconds / 65536) * 1e9;
    const sum = (upper % 65536) * 65536 + (seconds % 65536) * 1e9 + nanos;
    this.fixed32(sum % 4294967296);
    this.fixed32(Math.floor(upper / 65536) + Math.floor(sum / 4294967296));
  }

  /** Unsigned, up to 2^53, as fixed64. */
  fixed64(value: number): void {
    this.fixed32(value % 4294967296);
    this.fixed32(Math.floor(value / 4294967296));
  }

  double(value: number): void {
    scratch.setFloat64(0, value, true);
    this.fixed32(scratch.getUint32(0, true));
    this.fixed32(scratch.getUint32(4, true));
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#reserve(length);
    if (length > 48) {
      this.#bytes.set(bytes, this.#length);
    } else {
      // A call of `set` costs more than copying a few bytes.
      for (let at = 0; at < length; at += 1) this.#bytes[this.#length + at] = bytes[at] ?? 0;
    }
    this.#length += length;
  }

  bytesField(field: number, bytes: Uint8Array): void {
    this.tag(field, 2);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** A field that holds what another writer holds. */
  nestedField(field: number, from: ProtobufWriter): void {
    this.tag(field, 2);
    this.varint(from.#length);
    this.#reserve(from.#length);
    if (from.#length > 48) {
      this.#bytes.set(from.#bytes.subarray(0, from.#length), this.#length);
    } else {
      for (let at = 0; at < from.#length; at += 1) {
        this.#bytes[this.#length + at] = from.#bytes[at] ?? 0;
      }
    }
    this.#length += from.#length;
  }

  textField(field: number, text: string): void {
    if (text.length > 96) {
      this.bytesField(field, textEncoder.encode(text));
      return;
    }
    // Short texts are nearly always ASCII: written byte by byte, and done again properly when one is not.
    const start = this.#length;
    this.tag(field, 2);
    this.varint(text.length);
    this.#reserve(text.length);
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) {
        this.#length = start;
        this.bytesField(field, textEncoder.encode(text));
        return;
      }
      this.#bytes[this.#length + at] = unit;
    }
    this.#length += text.length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
