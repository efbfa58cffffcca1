import { ForeshockError } from "../contracts/errors.ts";
import { putHeader } from "./headers.ts";
import type { AppendRecord, LogRecord } from "./log.ts";

/**
 * A stored log record, version 1, little endian:
 *
 * | bytes | what |
 * | --- | --- |
 * | 0 | format version, 1 |
 * | 1 | flags: bit 0 has a key; bit 1 the value is stored apart; the others must be 0 |
 * | 2–3 | number of headers |
 * | 4–7 | bytes of the key |
 * | 8–15 | append time, Unix ms, float64 |
 * | then | key (UTF-8) |
 * | then, per header | u16 bytes of the name, u32 bytes of the text, name, text (UTF-8) |
 * | rest | value, unless it is stored apart (long ones are, which saves a copy) |
 *
 * The position (topic, partition, offset) is where the record lies, not in it.
 */
const formatVersion = 1;
const fixedBytes = 16;
const hasKeyFlag = 1;
const isValueApartFlag = 2;
const maxHeaders = 0xffff;
const maxHeaderNameBytes = 0xffff;

/** Bytes that the record takes, with its value. Throws `record_invalid` on more or longer headers than fit. */
export function encodedRecordBytes(record: AppendRecord): number {
  let bytes = fixedBytes + record.value.length;
  if (record.key !== undefined) bytes += Buffer.byteLength(record.key);
  if (record.headers === undefined) return bytes;
  const names = Object.keys(record.headers);
  if (names.length > maxHeaders) {
    throw new ForeshockError(
      "record_invalid",
      `record for ${record.topic}/${record.partition} must have ≤ ${maxHeaders} headers, got ${names.length}`,
    );
  }
  for (const name of names) {
    const nameBytes = Buffer.byteLength(name);
    if (nameBytes > maxHeaderNameBytes) {
      throw new ForeshockError(
        "record_invalid",
        `header name for ${record.topic}/${record.partition} must be ≤ ${maxHeaderNameBytes} bytes, got ${nameBytes}`,
      );
    }
    bytes += 6 + nameBytes + Buffer.byteLength(record.headers[name] ?? "");
  }
  return bytes;
}

export interface RecordEntry {
  readonly record: AppendRecord;
  readonly appendMs: number;
  /** Leaves the value out. */
  readonly isValueApart: boolean;
}

/** Writes the record into `target` from `at` on; returns the position after it. `target` must be big enough. */
export function encodeRecordInto(target: Buffer, at: number, entry: RecordEntry): number {
  const { record, appendMs, isValueApart } = entry;
  const names = record.headers === undefined ? [] : Object.keys(record.headers);
  target[at] = formatVersion;
  target[at + 1] =
    (record.key === undefined ? 0 : hasKeyFlag) | (isValueApart ? isValueApartFlag : 0);
  target.writeUInt16LE(names.length, at + 2);
  target.writeDoubleLE(appendMs, at + 8);
  let position = at + fixedBytes;
  if (record.key !== undefined) position += target.write(record.key, position);
  target.writeUInt32LE(position - at - fixedBytes, at + 4);
  for (const name of names) {
    const nameBytes = target.write(name, position + 6);
    const textBytes = target.write(record.headers?.[name] ?? "", position + 6 + nameBytes);
    target.writeUInt16LE(nameBytes, position);
    target.writeUInt32LE(textBytes, position + 2);
    position += 6 + nameBytes + textBytes;
  }
  if (isValueApart) return position;
  target.set(record.value, position);
  return position + record.value.length;
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

export interface RecordPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Whether a stored record's value is to be found apart. */
export function isValueApart(bytes: Buffer): boolean {
  return ((bytes[1] ?? 0) & isValueApartFlag) !== 0;
}

/** Reads a stored record; its value shares memory with `bytes`. Throws `log_corrupt` naming the position. */
export function decodeRecord(bytes: Buffer, position: RecordPosition): LogRecord {
  const { topic, partition, offset } = position;
  if (bytes.length < fixedBytes) throw corrupt(position, `only ${bytes.length} bytes long`);
  if (bytes[0] !== formatVersion) {
    throw corrupt(position, `of format version ${bytes[0]}, this program reads ${formatVersion}`);
  }
  const flags = bytes[1] ?? 0;
  if ((flags & ~(hasKeyFlag | isValueApartFlag)) !== 0)
    throw corrupt(position, `with unknown flags ${flags}`);
  const headerCount = bytes.readUInt16LE(2);
  let at = fixedBytes + bytes.readUInt32LE(4);
  if (at > bytes.length) throw corrupt(position, "shorter than its key");
  const key = (flags & hasKeyFlag) === 0 ? undefined : bytes.toString("utf8", fixedBytes, at);
  let headers = noHeaders;
  if (headerCount > 0) {
    const read: Record<string, string> = {};
    for (let i = 0; i < headerCount; i++) {
      if (at + 6 > bytes.length) throw corrupt(position, "shorter than its headers");
      const nameEnd = at + 6 + bytes.readUInt16LE(at);
      const textEnd = nameEnd + bytes.readUInt32LE(at + 2);
      if (textEnd > bytes.length) throw corrupt(position, "shorter than its headers");
      const name = bytes.toString("utf8", at + 6, nameEnd);
      putHeader(read, name, bytes.toString("utf8", nameEnd, textEnd));
      at = textEnd;
    }
    headers = read;
  }
  const appendMs = bytes.readDoubleLE(8);
  return { topic, partition, offset, appendMs, key, value: bytes.subarray(at), headers };
}

/** Append time of a stored record, without reading the rest of it. */
export function decodeAppendMs(bytes: Buffer): number {
  return bytes.readDoubleLE(8);
}

/** A `log_corrupt` error saying what is wrong with the record at a position. */
export function corrupt(position: RecordPosition, what: string): ForeshockError {
  const { topic, partition, offset } = position;
  return new ForeshockError(
    "log_corrupt",
    `record ${topic}/${partition} at offset ${offset} is ${what}`,
  );
}
