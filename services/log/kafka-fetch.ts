/**
 * Reads a Fetch response, version 11, and the record batches in it (message format 2). kafkajs could, but loses the
 * end of batches whose records were compacted away or are control records, and a reader would stay there for ever.
 * Sources: the Kafka protocol guide; `DefaultRecordBatch` and `DefaultRecord` of Apache Kafka.
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { ForeshockError } from "../contracts/errors.ts";
import { putHeader } from "./headers.ts";
import { decompressLz4Frame } from "./kafka-lz4.ts";
import type { LogRecord } from "./log.ts";

/** What one partition answered. */
export interface FetchedPartition {
  /** Kafka's error code, 0 for none. */
  readonly errorCode: number;
  /** Next offset to be written, as far as consumers may read; −1 with an error. */
  readonly end: number;
  readonly start: number;
  readonly batches: Buffer;
}

export interface DecodedBatches {
  readonly records: LogRecord[];
  /** Where to read on: behind the last whole batch, even if it holds no records any more. */
  readonly nextOffset: number;
}

/** Largest content of one batch after decompression, bytes. */
const maxBatchBytes = 128 * 1024 * 1024;
const batchHeaderBytes = 61;
const recordsAt = 61;
const controlBit = 0x20;
const logAppendTimeBit = 0x08;

/** The answer for the one partition that was asked for. */
export function decodeFetchResponse(response: Buffer): FetchedPartition {
  // throttle_time_ms, then error_code, session_id, and the array of topics.
  const requestError = response.readInt16BE(4);
  const topicCount = response.readInt32BE(10);
  if (requestError !== 0 || topicCount === 0)
    return { errorCode: requestError, end: -1, start: -1, batches: Buffer.alloc(0) };
  let at = 14;
  at += 2 + response.readInt16BE(at); // topic
  at += 4 + 4; // one partition, its number
  const errorCode = response.readInt16BE(at);
  const end = Number(response.readBigInt64BE(at + 2));
  const start = Number(response.readBigInt64BE(at + 18));
  const aborted = response.readInt32BE(at + 26);
  at += 30 + Math.max(0, aborted) * 16 + 4; // preferred_read_replica
  const size = Math.max(0, response.readInt32BE(at));
  return { errorCode, end, start, batches: response.subarray(at + 4, at + 4 + size) };
}

/**
 * Records from `fromOffset` on. The first batch may begin before it, the last may be cut off: both are left out.
 * Values are views of `batches`. Throws `log_corrupt` when a batch does not read as one.
 */
export function decodeBatches(
  batches: Buffer,
  place: { readonly topic: string; readonly partition: number; readonly fromOffset: number },
): DecodedBatches {
  const records: LogRecord[] = [];
  let nextOffset = place.fromOffset;
  for (let at = 0; at + batchHeaderBytes <= batches.length; ) {
    const size = 12 + batches.readInt32BE(at + 8);
    if (at + size > batches.length) break;
    const batch = batches.subarray(at, at + size);
    at += size;
    const baseOffset = Number(batch.readBigInt64BE(0));
    const after = baseOffset + batch.readInt32BE(23) + 1;
    if (after <= place.fromOffset) continue;
    try {
      readBatch(batch, baseOffset, place, records);
    } catch (cause) {
      const where = `${place.topic}/${place.partition} at offset ${baseOffset}`;
      throw new ForeshockError("log_corrupt", `batch of ${where} does not read back: ${cause}`, {
        cause,
      });
    }
    nextOffset = after;
  }
  return { records, nextOffset };
}

function readBatch(
  batch: Buffer,
  baseOffset: number,
  place: { readonly topic: string; readonly partition: number; readonly fromOffset: number },
  records: LogRecord[],
): void {
  const { topic, partition, fromOffset } = place;
  if (batch[16] !== 2) throw new RangeError(`message format ${batch[16]}, only 2 is read`);
  const attributes = batch.readInt16BE(21);
  if ((attributes & controlBit) !== 0) return;
  const isAppendTime = (attributes & logAppendTimeBit) !== 0;
  const baseMs = Number(batch.readBigInt64BE(27));
  const maxMs = Number(batch.readBigInt64BE(35));
  const count = batch.readInt32BE(57);
  const reader = new RecordReader(decompress(batch.subarray(recordsAt), attributes & 7));
  for (let i = 0; i < count; i++) {
    const end = reader.varint() + reader.at;
    reader.at += 1;
    const deltaMs = reader.varint();
    const offset = baseOffset + reader.varint();
    if (offset < fromOffset) {
      reader.at = end;
      continue;
    }
    const key = reader.text();
    const value = reader.bytes() ?? empty;
    let headers = noHeaders;
    const headerCount = reader.varint();
    if (headerCount > 0) headers = readHeaders(reader, headerCount);
    reader.at = end;
    const appendMs = isAppendTime ? maxMs : baseMs + deltaMs;
    records.push({ topic, partition, offset, appendMs, key, value, headers });
  }
}

const empty = Buffer.alloc(0);
const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

function readHeaders(reader: RecordReader, count: number): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const name = reader.text() ?? "";
    putHeader(headers, name, reader.text() ?? "");
  }
  return headers;
}

function decompress(body: Buffer, codec: number): Buffer {
  const bound = { maxOutputLength: maxBatchBytes };
  switch (codec) {
    case 0:
      return body;
    case 1:
      return gunzipSync(body, bound);
    case 3:
      return decompressLz4Frame(body, maxBatchBytes);
    case 4:
      return zstdDecompressSync(body, bound);
    default:
      throw new RangeError(
        `compressed with ${codec === 2 ? "snappy" : `codec ${codec}`}; use none, gzip, lz4 or zstd`,
      );
  }
}

class RecordReader {
  at = 0;
  private readonly source: Buffer;

  constructor(source: Buffer) {
    this.source = source;
  }

  /** Zigzag varint of up to 53 bits: arithmetic instead of shifts once 28 bits are passed. */
  varint(): number {
    const { source } = this;
    let raw = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      const byte = source[this.at++];
      if (byte === undefined) throw new RangeError("a record ends too early");
      raw += (byte & 0x7f) * factor;
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
      factor *= 128;
    }
    throw new RangeError("a varint is longer than 10 bytes");
  }

  bytes(): Buffer | undefined {
    const length = this.varint();
    if (length < 0) return undefined;
    const end = this.at + length;
    if (end > this.source.length) throw new RangeError("a record ends too early");
    const found = this.source.subarray(this.at, end);
    this.at = end;
    return found;
  }

  text(): string | undefined {
    const length = this.varint();
    if (length < 0) return undefined;
    const end = this.at + length;
    if (end > this.source.length) throw new RangeError("a record ends too early");
    const found = this.source.toString("utf8", this.at, end);
    this.at = end;
    return found;
  }
}
