/**
 * The protobuf wire format, by hand: what OTLP arrives in and what our binary records are written in.
 * Numbers are JavaScript numbers (exact to 2^53); fixed64 nanoseconds are split where precision matters.
 */
import { ForeshockError } from "./errors.ts";
import { knownText } from "./known-texts.ts";

export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const eightBytes = new Uint8Array(8);
const eightView = new DataView(eightBytes.buffer);
const textDecoder = new TextDecoder();
const textEncoder = new TextEncoder();

/** Reads one message's fields in order; throws `record_invalid` on anything that does not fit its bounds. */
export class WireReader {
  readonly bytes: Uint8Array;
  position: number;
  end: number;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** True while fields are left. */
  hasMore(): boolean {
    return this.position < this.end;
  }

  /** Unsigned varint up to 2^53; longer ones (negative int64) come out as the nearest double of the unsigned value. */
  varint(): number {
    let result = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.position >= this.end) throw truncated(this.position);
      const byte = this.bytes[this.position++] as number;
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
      scale *= 128;
    }
    throw new ForeshockError(
      "record_invalid",
      `varint longer than 10 bytes at byte ${this.position}`,
    );
  }

  /** Zigzag varint (sint64) within ±2^53. */
  signed(): number {
    const raw = this.varint();
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  /** End position of a length-delimited field whose content starts at `position` afterwards. */
  length(): number {
    const size = this.varint();
    const end = this.position + size;
    if (end > this.end) throw truncated(this.position);
    return end;
  }

  /** View (no copy) of a length-delimited field. */
  view(): Uint8Array {
    const end = this.length();
    const view = this.bytes.subarray(this.position, end);
    this.position = end;
    return view;
  }

  string(): string {
    return textDecoder.decode(this.view());
  }

  /** A text that is likely to come again, such as a cell's name. */
  name(): string {
    const end = this.length();
    const text = knownText(this.bytes, this.position, end);
    this.position = end;
    return text;
  }

  double(): number {
    if (this.position + 8 > this.end) throw truncated(this.position);
    for (let i = 0; i < 8; i++) eightBytes[i] = this.bytes[this.position++] as number;
    return eightView.getFloat64(0, true);
  }

  /** Packed varints of a length-delimited field. */
  packed(): number[] {
    const end = this.length();
    const outer = this.end;
    this.end = end;
    const values: number[] = [];
    while (this.position < end) values.push(this.varint());
    this.end = outer;
    return values;
  }

  /** A reader over a nested message, sharing the bytes. */
  message(): WireReader {
    const end = this.length();
    const nested = new WireReader(this.bytes, this.position, end);
    this.position = end;
    return nested;
  }

  skip(type: number): void {
    if (type === wireType.varint) this.varint();
    else if (type === wireType.fixed64) this.advance(8);
    else if (type === wireType.bytes) this.position = this.length();
    else if (type === wireType.fixed32) this.advance(4);
    else
      throw new ForeshockError(
        "record_invalid",
        `wire type ${type} at byte ${this.position} is not one of 0, 1, 2, 5`,
      );
  }

  private advance(count: number): void {
    if (this.position + count > this.end) throw truncated(this.position);
    this.position += count;
  }
}

function truncated(position: number): ForeshockError {
  return new ForeshockError("record_invalid", `message ends inside a field at byte ${position}`);
}

/** Appends fields to a growing buffer; `finish` returns a copy of what was written and starts anew. */
export class WireWriter {
  private buffer = new Uint8Array(1024);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  /** Bytes written so far. */
  get size(): number {
    return this.length;
  }

  uint(field: number, value: number): this {
    const tag = field * 8 + wireType.varint;
    if (tag < 128 && value < 128) {
      // Most are a byte each.
      this.reserve(2);
      const at = this.length;
      this.buffer[at] = tag;
      this.buffer[at + 1] = value;
      this.length = at + 2;
      return this;
    }
    this.raw(tag);
    this.raw(value);
    return this;
  }

  /** Like `uint`, but writes nothing for 0, as proto3 does. */
  uintIfSet(field: number, value: number): this {
    return value === 0 ? this : this.uint(field, value);
  }

  signed(field: number, value: number): this {
    return this.uint(field, value >= 0 ? value * 2 : -value * 2 - 1);
  }

  double(field: number, value: number): this {
    this.raw(field * 8 + wireType.fixed64);
    this.reserve(8);
    const at = this.length;
    this.view.setFloat64(at, value, true);
    this.length = at + 8;
    return this;
  }

  /** A 64-bit integer in two's complement (int64, uint64), exact. */
  int64(field: number, value: bigint): this {
    this.raw(field * 8 + wireType.varint);
    this.reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 128n) {
      this.buffer[this.length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
    return this;
  }

  /** fixed64 and sfixed64. */
  fixed64(field: number, value: bigint): this {
    this.raw(field * 8 + wireType.fixed64);
    this.reserve(8);
    this.view.setBigUint64(this.length, BigInt.asUintN(64, value), true);
    this.length += 8;
    return this;
  }

  fixed32(field: number, value: number): this {
    this.raw(field * 8 + wireType.fixed32);
    this.reserve(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
    return this;
  }

  string(field: number, value: string): this {
    const { length } = value;
    if (length > 127) return this.bytes(field, textEncoder.encode(value));
    // Names are short and ASCII nearly always: one byte of length, one a character.
    this.raw(field * 8 + wireType.bytes);
    this.reserve(length + 1);
    const { buffer } = this;
    let at = this.length;
    buffer[at++] = length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return this.text(value);
      buffer[at++] = code;
    }
    this.length = at;
    return this;
  }

  /** A text's length and bytes, after its tag. */
  private text(value: string): this {
    const bytes = textEncoder.encode(value);
    this.raw(bytes.length);
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.raw(field * 8 + wireType.bytes);
    this.raw(value.length);
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
    return this;
  }

  /** Packed varints; writes nothing for an empty list. */
  packed(field: number, values: ArrayLike<number>): this {
    if (values.length === 0) return this;
    const start = this.open(field);
    for (let i = 0; i < values.length; i++) this.raw(values[i] as number);
    return this.close(start);
  }

  /** A nested message whose fields `write` appends. Its length is patched in afterwards. */
  message(field: number, write: () => void): this {
    const start = this.open(field);
    write();
    return this.close(start);
  }

  /** Begins a nested message, without a closure: what is written until `close` of the same start is in it. */
  open(field: number): number {
    this.raw(field * 8 + wireType.bytes);
    this.reserve(1);
    // Room for a length below 128, which most have.
    return ++this.length;
  }

  close(start: number): this {
    const size = this.length - start;
    if (size < 128) {
      this.buffer[start - 1] = size;
      return this;
    }
    const more = varintSize(size) - 1;
    this.reserve(more);
    this.buffer.copyWithin(start + more, start, this.length);
    this.length = start - 1;
    this.raw(size);
    this.length = start + more + size;
    return this;
  }

  /** What was written, without a copy: good until the writer is used again. It starts anew. */
  finishView(): Uint8Array {
    const view = this.buffer.subarray(0, this.length);
    this.length = 0;
    return view;
  }

  /** Fields that were encoded before. */
  append(fields: Uint8Array): this {
    this.reserve(fields.length);
    this.buffer.set(fields, this.length);
    this.length += fields.length;
    return this;
  }

  /** A copy of what was written before `end`, which must not lie inside a field; the rest stays. */
  take(end: number): Uint8Array {
    const out = this.buffer.slice(0, end);
    this.buffer.copyWithin(0, end, this.length);
    this.length -= end;
    return out;
  }

  finish(): Uint8Array {
    const out = this.buffer.slice(0, this.length);
    this.length = 0;
    return out;
  }

  private raw(value: number): void {
    this.reserve(10);
    if (value < 128) {
      this.buffer[this.length++] = value;
      return;
    }
    let rest = value;
    while (rest >= 128) {
      this.buffer[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}
