const textEncoder = new TextEncoder();

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
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  bytesField(field: number, bytes: Uint8Array): void {
    this.tag(field, 2);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  textField(field: number, text: string): void {
    this.bytesField(field, textEncoder.encode(text));
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
