import { type Column, type ColumnType, type SparseColumn, writeView } from "./native-column.ts";

/** Texts up to this many characters are copied here; for longer ones the call into the runtime pays off. */
const shortText = 48;

export interface TextColumn extends Column {
  push(text: string): void;
  /** Bytes as they are, such as UTF-8 straight from a protobuf message. */
  pushBytes(source: Uint8Array, start?: number, end?: number): void;
}

class Texts implements TextColumn {
  readonly prefixLength = 0;
  length = 0;
  private bytes = Buffer.allocUnsafeSlow(16_384);
  private used = 0;

  private reserve(more: number): void {
    if (this.used + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.used + more));
    larger.set(this.bytes.subarray(0, this.used));
    this.bytes = larger;
  }

  private pushSize(size: number): void {
    let rest = size;
    while (rest >= 0x80) {
      this.bytes[this.used++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.used++] = rest;
  }

  /** False when the text has characters beyond ASCII, whose size is not their number. */
  private pushShort(text: string): boolean {
    const { bytes } = this;
    const size = text.length;
    const start = this.used + 1;
    for (let i = 0; i < size; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[start + i] = code;
    }
    bytes[this.used] = size;
    this.used = start + size;
    return true;
  }

  push(text: string): void {
    this.length++;
    this.reserve(text.length * 3 + 5);
    if (text.length <= shortText && this.pushShort(text)) return;
    this.pushSize(Buffer.byteLength(text));
    this.used += this.bytes.write(text, this.used);
  }

  pushBytes(source: Uint8Array, start = 0, end = source.length): void {
    this.length++;
    const size = end - start;
    this.reserve(size + 5);
    if (size > shortText) {
      this.pushSize(size);
      this.bytes.set(source.subarray(start, end), this.used);
      this.used += size;
      return;
    }
    const { bytes } = this;
    let at = this.used;
    bytes[at++] = size;
    for (let i = start; i < end; i++) bytes[at++] = source[i] as number;
    this.used = at;
  }

  byteLength(): number {
    return this.used;
  }

  write(target: Buffer, at: number): number {
    return writeView(target, at, this.bytes, this.used);
  }

  writePrefix(_target: Buffer, at: number): number {
    return at;
  }

  clear(): void {
    this.used = 0;
    this.length = 0;
  }
}

class TextsOrEmpty extends Texts {
  padTo(rows: number): void {
    while (this.length < rows) this.push("");
  }
}

/** `String`: bytes of any kind. */
export const string: ColumnType<TextColumn> = { type: "String", create: () => new Texts() };

/** `String` that most rows leave empty. */
export const sparseString: ColumnType<SparseColumn<TextColumn>> = {
  type: "String",
  create: () => new TextsOrEmpty(),
};

export interface FixedBytesColumn extends Column {
  /** Takes `size` bytes from `start` on; bytes beyond the end of `source` count as zero. */
  push(source: Uint8Array, start?: number): void;
  /** All bytes zero: nothing there. */
  pushEmpty(): void;
}

class FixedBytes implements FixedBytesColumn {
  readonly prefixLength = 0;
  length = 0;
  private readonly size: number;
  private bytes: Uint8Array<ArrayBuffer>;

  constructor(size: number) {
    this.size = size;
    this.bytes = new Uint8Array(size * 1024);
  }

  /** Room for one more; gives where it begins. */
  private take(): number {
    const at = this.length++ * this.size;
    if (at === this.bytes.length) {
      const larger = new Uint8Array(at * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    return at;
  }

  push(source: Uint8Array, start = 0): void {
    const at = this.take();
    const { bytes, size } = this;
    for (let i = 0; i < size; i++) bytes[at + i] = source[start + i] ?? 0;
  }

  pushEmpty(): void {
    const at = this.take();
    this.bytes.fill(0, at, at + this.size);
  }

  byteLength(): number {
    return this.length * this.size;
  }

  write(target: Buffer, at: number): number {
    return writeView(target, at, this.bytes, this.byteLength());
  }

  writePrefix(_target: Buffer, at: number): number {
    return at;
  }

  clear(): void {
    this.length = 0;
  }
}

/** `FixedString(size)`: ids. */
export const fixedString = (size: number): ColumnType<FixedBytesColumn> => ({
  type: `FixedString(${size})`,
  create: () => new FixedBytes(size),
});

export interface LowCardinalityColumn extends Column {
  push(text: string): void;
  /** The position of a text in this block's dictionary; valid until `clear`. */
  position(text: string): number;
  /** The same as `push` of the text at that position, without looking it up. */
  pushPosition(position: number): void;
}

/** Version of the serialization: keys come with each block. */
const sharedDictionaries = 1;
/** Flags beside the width of the positions: this block brings keys of its own, and they are all there are. */
const hasOwnKeys = 0x600;

class LowCardinality implements LowCardinalityColumn {
  readonly prefixLength = 8;
  length = 0;
  private readonly keys = new Texts();
  private readonly known = new Map<string, number>();
  private positions = new Uint32Array(1024);
  private lastText = "";
  private lastPosition = -1;

  position(text: string): number {
    if (this.lastPosition >= 0 && text === this.lastText) return this.lastPosition;
    let found = this.known.get(text);
    if (found === undefined) {
      found = this.known.size;
      this.known.set(text, found);
      this.keys.push(text);
    }
    this.lastText = text;
    this.lastPosition = found;
    return found;
  }

  pushPosition(value: number): void {
    if (this.length === this.positions.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.positions);
      this.positions = larger;
    }
    this.positions[this.length++] = value;
  }

  push(text: string): void {
    this.pushPosition(this.position(text));
  }

  private widthCode(): number {
    const { length } = this.keys;
    return length <= 0x100 ? 0 : length <= 0x1_0000 ? 1 : 2;
  }

  // A part without values (every map of the block is empty) has no body at all.
  byteLength(): number {
    return this.length === 0 ? 0 : 24 + this.keys.byteLength() + (this.length << this.widthCode());
  }

  write(target: Buffer, at: number): number {
    const { keys, length, positions } = this;
    if (length === 0) return at;
    const code = this.widthCode();
    let next = writeUint64(target, at, hasOwnKeys | code);
    next = writeUint64(target, next, keys.length);
    next = keys.write(target, next);
    next = writeUint64(target, next, length);
    if (code === 2) return writeView(target, next, positions, length * 4);
    for (let i = 0; i < length; i++) {
      const value = positions[i] as number;
      target[next++] = value & 0xff;
      if (code === 1) target[next++] = value >>> 8;
    }
    return next;
  }

  writePrefix(target: Buffer, at: number): number {
    return writeUint64(target, at, sharedDictionaries);
  }

  clear(): void {
    this.keys.clear();
    this.known.clear();
    this.length = 0;
    this.lastPosition = -1;
  }
}

class LowCardinalityOrEmpty extends LowCardinality {
  padTo(rows: number): void {
    if (this.length >= rows) return;
    const empty = this.position("");
    while (this.length < rows) this.pushPosition(empty);
  }
}

/** `LowCardinality(String)`: each text once, then positions of one, two or four bytes. */
export const lowCardinality: ColumnType<LowCardinalityColumn> = {
  type: "LowCardinality(String)",
  create: () => new LowCardinality(),
};

/** `LowCardinality(String)` that most rows leave empty. */
export const sparseLowCardinality: ColumnType<SparseColumn<LowCardinalityColumn>> = {
  type: "LowCardinality(String)",
  create: () => new LowCardinalityOrEmpty(),
};

function writeUint64(target: Buffer, at: number, value: number): number {
  target.writeUInt32LE(value, at);
  return target.writeUInt32LE(0, at + 4);
}
