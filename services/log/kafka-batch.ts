/**
 * Writes a record batch (message format 2) once, as it goes over the wire and to the broker's disk. Large values are not copied: a
 * batch is a list of stretches, and theirs are the callers' bytes.
 * Sources: the Kafka protocol guide; `DefaultRecordBatch` and `DefaultRecord` of Apache Kafka.
 */
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { crc32c } from "./kafka-crc.ts";

export type Compression = "none" | "gzip" | "zstd";

export interface BatchRecord {
  readonly key?: string;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface BatchIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Of its first record; with the producer's id it tells a broker what is a repeat. */
  readonly firstSequence: number;
}

export interface EncodedBatch {
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;
}

const headerBytes = 61;
const checksumAt = 17;
const checkedFrom = 21;
const formatVersion = 2;
const codecs: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, zstd: 4 };
/** Values from here on go as they are; copying a smaller one costs less than another stretch. */
const referencedBytes = 16 * 1024;
/** Setting up zstd takes some 60 µs, and half of that for each reader: more than a heartbeat's bytes are worth. */
const leastCompressedBytes = 512;
const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/** `timeMs` stands for the append time until the broker sets its own. Values must not change until the batch is done with. */
export function encodeBatch(
  records: readonly BatchRecord[],
  identity: BatchIdentity,
  options: { readonly compression: Compression; readonly timeMs: number },
): EncodedBatch {
  const { timeMs } = options;
  const compression = isWorthCompressing(records) ? options.compression : "none";
  const parts =
    compression === "none"
      ? encodeRecords(records, headerBytes, referencedBytes)
      : [Buffer.allocUnsafe(headerBytes), compress(records, compression)];
  const [first] = parts as [Buffer];
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  first.writeBigInt64BE(0n, 0); // base offset, which the broker sets
  first.writeInt32BE(sizeBytes - 12, 8);
  first.writeInt32BE(-1, 12); // the leader's epoch, the broker's too
  first[16] = formatVersion;
  first.writeInt16BE(codecs[compression], checkedFrom);
  first.writeInt32BE(records.length - 1, 23);
  first.writeBigInt64BE(BigInt(timeMs), 27);
  first.writeBigInt64BE(BigInt(timeMs), 35);
  first.writeBigInt64BE(identity.producerId, 43);
  first.writeInt16BE(identity.producerEpoch, 51);
  first.writeInt32BE(identity.firstSequence, 53);
  first.writeInt32BE(records.length, 57);
  let checksum = 0;
  for (const part of parts)
    checksum = crc32c(part === first ? first.subarray(checkedFrom) : part, checksum);
  first.writeUInt32BE(checksum, checksumAt);
  return { parts, sizeBytes };
}

function isWorthCompressing(records: readonly BatchRecord[]): boolean {
  let bytes = 0;
  for (const { value } of records) bytes += value?.length ?? 0;
  return bytes >= leastCompressedBytes;
}

/** Level 1 of zstd costs less than what it saves in copying and sending. */
const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

function compress(records: readonly BatchRecord[], compression: "gzip" | "zstd"): Uint8Array {
  const [whole] = encodeRecords(records, 0, Number.POSITIVE_INFINITY) as [Buffer];
  return compression === "gzip" ? gzipSync(whole) : zstdCompressSync(whole, zstdOptions);
}

/** The records behind `reservedBytes`; the first part begins with those. */
function encodeRecords(
  records: readonly BatchRecord[],
  reservedBytes: number,
  referencedFrom: number,
): Uint8Array[] {
  const bodyBytes = records.map(bodyBytesOf);
  let copiedBytes = reservedBytes;
  for (const [i, { value }] of records.entries()) {
    const size = bodyBytes[i] as number;
    copiedBytes += varintBytes(size) + size;
    if (value !== null && value.length >= referencedFrom) copiedBytes -= value.length;
  }
  const target: Target = { bytes: Buffer.allocUnsafe(copiedBytes), at: reservedBytes };
  const parts: Uint8Array[] = [];
  let begunAt = 0;
  for (const [i, { key, value, headers = noHeaders }] of records.entries()) {
    writeVarint(target, bodyBytes[i] as number);
    target.bytes[target.at++] = 0; // attributes: none are defined
    target.bytes[target.at++] = 0; // time, relative to the batch's
    writeVarint(target, i);
    if (key === undefined) writeVarint(target, -1);
    else writeText(target, key);
    writeVarint(target, value === null ? -1 : value.length);
    if (value !== null && value.length >= referencedFrom) {
      parts.push(target.bytes.subarray(begunAt, target.at), value);
      begunAt = target.at;
    } else if (value !== null) {
      target.bytes.set(value, target.at);
      target.at += value.length;
    }
    const names = Object.keys(headers);
    writeVarint(target, names.length);
    for (const name of names) {
      writeText(target, name);
      writeText(target, headers[name] as string);
    }
  }
  if (begunAt < target.at) parts.push(target.bytes.subarray(begunAt, target.at));
  return parts;
}

/** Of a record without the length before it, bytes. */
function bodyBytesOf({ key, value, headers = noHeaders }: BatchRecord, index: number): number {
  const names = Object.keys(headers);
  let bytes = 2 + varintBytes(index) + varintBytes(names.length);
  bytes += key === undefined ? 1 : textBytes(key);
  bytes += value === null ? 1 : varintBytes(value.length) + value.length;
  for (const name of names) bytes += textBytes(name) + textBytes(headers[name] as string);
  return bytes;
}

function textBytes(text: string): number {
  const bytes = Buffer.byteLength(text);
  return varintBytes(bytes) + bytes;
}

interface Target {
  readonly bytes: Buffer;
  at: number;
}

function writeText(target: Target, text: string): void {
  writeVarint(target, Buffer.byteLength(text));
  target.at += target.bytes.write(text, target.at);
}

/** Signed numbers of 32 bits are written with the sign in the lowest bit, seven bits a byte. */
function writeVarint(target: Target, value: number): void {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest >= 0x80) {
    target.bytes[target.at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target.bytes[target.at++] = rest;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = ((value << 1) ^ (value >> 31)) >>> 0; rest >= 0x80; rest >>>= 7) bytes++;
  return bytes;
}
