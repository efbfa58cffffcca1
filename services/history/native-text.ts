import {
  type Column,
  type ColumnType,
  noPrefix,
  type SparseColumn,
  sparse,
  writeView,
} from "./native-column.ts";

/** Texts up to this many characters are copied here; for longer ones the call into the runtime pays off. */
const shortText = 48;

export interface TextColumn extends Column {
  push(text: string): void;
  /** Bytes as they are, such as UTF-8 straight from a protobuf message. */
  pushBytes(source: Uint8Array, start?: number, end?: number): void;
}

/** `String`: bytes of any kind. */
export const string: ColumnType<TextColumn> = { type: "String", create: createTextColumn };

function createTextColumn(): TextColumn {
  let bytes = Buffer.allocUnsafeSlow(16_384);
  let used = 0;
  let length = 0;

  function reserve(more: number): void {
    if (used + more <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, used + more));
    larger.set(bytes.subarray(0, used));
    bytes = larger;
  }

  function pushSize(size: number): void {
    let rest = size;
    while (rest >= 0x80) {
      bytes[used++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[used++] = rest;
  }

  /** False when the text has characters beyond ASCII, whose size is not their number. */
  function pushShort(text: string): boolean {
    const size = text.length;
    const start = used + 1;
    for (let i = 0; i < size; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[start + i] = code;
    }
    bytes[used] = size;
    used = start + size;
    return true;
  }

  return {
    ...noPrefix,
    get length() {
      return length;
    },
    push(text) {
      length++;
      reserve(text.length * 3 + 5);
      if (text.length <= shortText && pushShort(text)) return;
      pushSize(Buffer.byteLength(text));
      used += bytes.write(text, used);
    },
    pushBytes(source, start = 0, end = source.length) {
      length++;
      const size = end - start;
      reserve(size + 5);
      pushSize(size);
      if (size <= shortText) {
        for (let i = start; i < end; i++) bytes[used++] = source[i] as number;
      } else {
        bytes.set(source.subarray(start, end), used);
        used += size;
      }
    },
    byteLength: () => used,
    write: (target, at) => writeView(target, at, bytes, used),
    clear: () => {
      used = 0;
      length = 0;
    },
  };
}

/** `String` that most rows leave empty. */
export const sparseString: ColumnType<SparseColumn<TextColumn>> = sparse(string, (column) =>
  column.push(""),
);

export interface FixedBytesColumn extends Column {
  /** Takes `size` bytes from `start` on; bytes beyond the end of `source` count as zero. */
  push(source: Uint8Array, start?: number): void;
  /** All bytes zero: nothing there. */
  pushEmpty(): void;
}

/** `FixedString(size)`: ids. */
export function fixedString(size: number): ColumnType<FixedBytesColumn> {
  return {
    type: `FixedString(${size})`,
    create: () => {
      let bytes = new Uint8Array(size * 1024);
      let used = 0;
      function reserve(): void {
        if (used < bytes.length) return;
        const larger = new Uint8Array(bytes.length * 2);
        larger.set(bytes);
        bytes = larger;
      }
      return {
        ...noPrefix,
        get length() {
          return used / size;
        },
        push(source, start = 0) {
          reserve();
          for (let i = 0; i < size; i++) bytes[used + i] = source[start + i] ?? 0;
          used += size;
        },
        pushEmpty() {
          reserve();
          bytes.fill(0, used, used + size);
          used += size;
        },
        byteLength: () => used,
        write: (target, at) => writeView(target, at, bytes, used),
        clear: () => {
          used = 0;
        },
      };
    },
  };
}

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

/** `LowCardinality(String)`: each text once, then positions of one, two or four bytes. */
export const lowCardinality: ColumnType<LowCardinalityColumn> = {
  type: "LowCardinality(String)",
  create: () => {
    const keys = createTextColumn();
    const known = new Map<string, number>();
    let positions = new Uint32Array(1024);
    let length = 0;
    let lastText = "";
    let lastPosition = -1;

    function position(text: string): number {
      if (lastPosition >= 0 && text === lastText) return lastPosition;
      let found = known.get(text);
      if (found === undefined) {
        found = known.size;
        known.set(text, found);
        keys.push(text);
      }
      lastText = text;
      lastPosition = found;
      return found;
    }

    function pushPosition(value: number): void {
      if (length === positions.length) {
        const larger = new Uint32Array(length * 2);
        larger.set(positions);
        positions = larger;
      }
      positions[length++] = value;
    }

    const widthCode = () => (keys.length <= 0x100 ? 0 : keys.length <= 0x1_0000 ? 1 : 2);

    return {
      prefixLength: 8,
      writePrefix: (target, at) => writeUint64(target, at, sharedDictionaries),
      get length() {
        return length;
      },
      position,
      pushPosition,
      push: (text) => pushPosition(position(text)),
      // A part without values (every map of the block is empty) has no body at all.
      byteLength: () => (length === 0 ? 0 : 24 + keys.byteLength() + (length << widthCode())),
      write(target, at) {
        if (length === 0) return at;
        const code = widthCode();
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
      },
      clear: () => {
        keys.clear();
        known.clear();
        length = 0;
        lastPosition = -1;
      },
    };
  },
};

/** `LowCardinality(String)` that most rows leave empty. */
export const sparseLowCardinality: ColumnType<SparseColumn<LowCardinalityColumn>> = sparse(
  lowCardinality,
  (column) => column.push(""),
);

function writeUint64(target: Buffer, at: number, value: number): number {
  target.writeUInt32LE(value, at);
  return target.writeUInt32LE(0, at + 4);
}
