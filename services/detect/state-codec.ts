/**
 * Plain data as bytes, for states in checkpoints and of cells that have fallen silent: a fifth of JSON's size and time, and exact for
 * every double. Which keys an object has is written once, in a table of shapes that all bytes of a codec refer to.
 *
 * A value begins with a byte: 0 … 191 that number itself; then 192 null, 193 false, 194 true, 195 a double (8 bytes, little endian),
 * 196 and 197 a natural number and a negative integer (varints), 198 text (varint length, UTF-8), 199 a list (varint length,
 * values), 200 an object (varint shape, values in the order of its keys), 201 in lists: so many zeros (varint).
 */
import { ForeshockError } from "../contracts/errors.ts";

const smallest = 192;
const largest = Number.MAX_SAFE_INTEGER;
/** Bytes that a number takes at most. */
const numberBytes = 9;
const codes = {
  null: 192,
  false: 193,
  true: 194,
  double: 195,
  natural: 196,
  negative: 197,
  text: 198,
  list: 199,
  object: 200,
  zeros: 201,
} as const;

type Plain = Record<string, unknown>;

export interface StateCodec {
  /** Keys of each shape that was met; what is encoded needs it to be read. Grows, and never changes what it has. */
  readonly shapes: readonly (readonly string[])[];
  encode(value: unknown): Uint8Array;
  /** The same without a copy: good until the codec is used again. */
  encodeView(value: unknown): Uint8Array;
  /** Throws `checkpoint_invalid` when the bytes end early or name a shape that there is not. */
  decode(bytes: Uint8Array): unknown;
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** `shapes`: the table of the codec whose bytes are to be read. */
export function createStateCodec(known: readonly (readonly string[])[] = []): StateCodec {
  const shapes: (readonly string[])[] = [...known];
  /** By shape, the one that was written after it the last time: states follow each other in the same order. */
  const following: number[] = [];
  const templates: Plain[] = [];
  let written = 0;
  let buffer = new Uint8Array(16_384);
  let view = new DataView(buffer.buffer);
  let length = 0;
  let input: Uint8Array = buffer;
  let inputView: DataView = view;
  let at = 0;

  function reserve(count: number): void {
    if (length + count <= buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * buffer.length, length + count));
    grown.set(buffer.subarray(0, length));
    buffer = grown;
    view = new DataView(grown.buffer);
  }

  function writeVarint(value: number): void {
    reserve(10);
    length = putVarint(value, length);
  }

  /** Writes a varint that there is room for; where the next byte goes. */
  function putVarint(value: number, from: number): number {
    let to = from;
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) buffer[to++] = (rest % 128) | 128;
    buffer[to++] = rest;
    return to;
  }

  function writeByte(byte: number): void {
    reserve(1);
    buffer[length++] = byte;
  }

  function writeNumber(value: number): void {
    reserve(numberBytes);
    length = putNumber(value, length);
  }

  /** Writes a number that there is room for; where the next byte goes. */
  function putNumber(value: number, from: number): number {
    if (value >= 0 && value < smallest && (value | 0) === value && (value !== 0 || 1 / value > 0)) {
      buffer[from] = value;
      return from + 1;
    }
    // An integer up to 2^53, and not −0.
    const isWhole = Math.floor(value) === value && Math.abs(value) <= largest && value !== 0;
    if (!isWhole) {
      buffer[from] = codes.double;
      view.setFloat64(from + 1, value, true);
      return from + 9;
    }
    buffer[from] = value < 0 ? codes.negative : codes.natural;
    return putVarint(Math.abs(value), from + 1);
  }

  function writeList(values: readonly unknown[]): void {
    const count = values.length;
    writeByte(codes.list);
    writeVarint(count);
    // Not `values[0]`: compiled for lists of anything, that would first turn lists of plain doubles into lists of boxes, for good.
    const numbers = typeof values.at(0) === "number" ? writeNumbers(values) : 0;
    for (let i = numbers; i < count; i++) write(values[i]);
  }

  /**
   * Writes the numbers that a list begins with; how many there are. Nearly all that is written is lists of numbers: a loop that sees no other
   * lists takes them as they are, without a box for each.
   */
  function writeNumbers(values: readonly unknown[]): number {
    const count = values.length;
    reserve(numberBytes * count);
    const bytes = buffer;
    let to = length;
    let i = 0;
    for (; i < count; i++) {
      const value = values[i];
      if (typeof value !== "number") break;
      if (value !== 0) {
        if (value > 0 && value < smallest && (value | 0) === value) bytes[to++] = value;
        else to = putNumber(value, to);
        continue;
      }
      let zeros = 0;
      while (i + zeros < count && Object.is(values[i + zeros], 0)) zeros++;
      if (zeros < 3) to = putNumber(value, to);
      else {
        bytes[to] = codes.zeros;
        to = putVarint(zeros, to + 1);
        i += zeros - 1;
      }
    }
    length = to;
    return i;
  }

  /** Whether these are the keys of the object, in its order. */
  function isShapeOf(keys: readonly string[] | undefined, value: Plain): boolean {
    if (keys === undefined) return false;
    let i = 0;
    for (const key in value) if (keys[i++] !== key) return false;
    return i === keys.length;
  }

  function shapeOf(value: Plain): number {
    let shape = following[written] ?? 0;
    if (!isShapeOf(shapes[shape], value)) {
      shape = shapes.findIndex((keys) => isShapeOf(keys, value));
      if (shape < 0) shape = shapes.push(Object.keys(value)) - 1;
      following[written] = shape;
    }
    written = shape;
    return shape;
  }

  function writeObject(value: Plain): void {
    writeByte(codes.object);
    writeVarint(shapeOf(value));
    // Keys in place, not as a list: states are objects by the thousand, and V8 knows where each key of this loop lies.
    for (const key in value) {
      const each = value[key];
      if (typeof each === "number") writeNumber(each);
      else write(each);
    }
  }

  function write(value: unknown): void {
    if (typeof value === "number") writeNumber(value);
    else if (value === null) writeByte(codes.null);
    else if (typeof value === "boolean") writeByte(value ? codes.true : codes.false);
    else if (typeof value === "string") {
      const bytes = textEncoder.encode(value);
      writeByte(codes.text);
      writeVarint(bytes.length);
      reserve(bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
    } else if (Array.isArray(value)) writeList(value);
    else if (typeof value === "object") writeObject(value as Plain);
    else throw new Error(`a state must be plain data, but holds ${typeof value}`);
  }

  function readByte(): number {
    if (at >= input.length) throw torn(`it ends at byte ${at}`);
    return input[at++] as number;
  }

  function readVarint(): number {
    let result = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = readByte();
      result += (byte & 127) * scale;
      if (byte < 128) return result;
    }
  }

  function readDouble(): number {
    if (at + 8 > input.length) throw torn(`it ends at byte ${input.length}`);
    at += 8;
    return inputView.getFloat64(at - 8, true);
  }

  function isNumber(code: number): boolean {
    return code < smallest || (code >= codes.double && code <= codes.negative);
  }

  /** Numbers by themselves: an array that may hold anything has a box for each of them, and a new one whenever it changes. */
  function readNumbers(count: number): number[] {
    const values: number[] = [];
    while (values.length < count) {
      const code = input[at] as number;
      if (isNumber(code)) values.push(readNumber());
      else if (code === codes.zeros) {
        at++;
        for (let zeros = readVarint(); zeros > 0; zeros--) values.push(0);
      } else break;
    }
    return values;
  }

  function readList(): unknown[] {
    const count = readVarint();
    // Made here: what is pushed to it later may be anything.
    if (count === 0) return [];
    const numbers = readNumbers(count);
    // A copy has no room to grow, which a list that was pushed to has: a fifth of what a cell weighs.
    if (numbers.length === count) return numbers.slice();
    const values: unknown[] = Array.from(numbers);
    while (values.length < count) {
      if (input[at] !== codes.zeros) values.push(read());
      else {
        at++;
        for (let zeros = readVarint(); zeros > 0; zeros--) values.push(0);
      }
    }
    return values;
  }

  /** An object of a shape as its bytes would be read by a parser of JSON: V8 then lays it out as it does one that is written down in code. */
  function templateOf(shape: number, keys: readonly string[]): Plain {
    const known = templates[shape];
    if (known !== undefined) return known;
    const made = JSON.parse(
      JSON.stringify(Object.fromEntries(keys.map((key) => [key, 0]))),
    ) as Plain;
    templates[shape] = made;
    return made;
  }

  function readObject(): Plain {
    const shape = readVarint();
    const keys = shapes[shape];
    if (keys === undefined) throw torn(`shape ${shape} of ${shapes.length}`);
    const value: Plain = { ...templateOf(shape, keys) };
    for (let i = 0; i < keys.length; i++) value[keys[i] as string] = read();
    return value;
  }

  function readNumber(): number {
    const code = readByte();
    if (code === codes.double) return readDouble();
    if (code === codes.natural) return readVarint();
    return code === codes.negative ? -readVarint() : code;
  }

  function read(): unknown {
    if (isNumber(input[at] as number)) return readNumber();
    const code = readByte();
    switch (code) {
      case codes.null:
        return null;
      case codes.false:
        return false;
      case codes.true:
        return true;
      case codes.text: {
        const end = readVarint() + at;
        if (end > input.length) throw torn(`it ends at byte ${input.length}`);
        const text = textDecoder.decode(input.subarray(at, end));
        at = end;
        return text;
      }
      case codes.list:
        return readList();
      case codes.object:
        return readObject();
      default:
        throw torn(`a value begins with ${code}`);
    }
  }

  return {
    shapes,
    encode(value) {
      length = 0;
      write(value);
      return buffer.slice(0, length);
    },
    encodeView(value) {
      length = 0;
      write(value);
      return buffer.subarray(0, length);
    },
    decode(bytes) {
      input = bytes;
      inputView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      at = 0;
      const value = read();
      if (at !== bytes.length) throw torn(`${bytes.length - at} bytes are left`);
      return value;
    },
  };
}

function torn(what: string): ForeshockError {
  return new ForeshockError("checkpoint_invalid", `a saved state does not read back: ${what}`);
}
