/**
 * LZ4 frames, read only: Kafka producers written in Java or Go compress with it, and Node's zlib lacks it.
 * Sources: the LZ4 frame format 1.6.4 and the LZ4 block format. Checksums are skipped: TCP has its own.
 */
import { ForeshockError } from "../contracts/errors.ts";

const frameMagic = 0x184d2204;
const minMatch = 4;

/** The content of one frame; throws `log_corrupt` when it does not read as one or would pass `maxBytes`. */
export function decompressLz4Frame(frame: Uint8Array, maxBytes: number): Buffer {
  const input = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  if (input.length < 7 || input.readUInt32LE(0) !== frameMagic) throw corrupt("no frame");
  const flags = input[4] ?? 0;
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const hasContentSize = (flags & 0x08) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  let at = 7 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  const output = new GrowingOutput(input.length * 4, maxBytes);
  for (;;) {
    if (at + 4 > input.length) throw corrupt("ends within a block");
    const header = input.readUInt32LE(at);
    at += 4;
    if (header === 0) return output.content();
    const size = header & 0x7fffffff;
    if (at + size > input.length) throw corrupt("ends within a block");
    if (header >>> 31 === 1) output.copyFrom(input, at, size);
    else readBlock(input, at, at + size, output);
    at += size + (hasBlockChecksum ? 4 : 0);
  }
}

function readBlock(input: Buffer, start: number, end: number, output: GrowingOutput): void {
  let at = start;
  while (at < end) {
    const token = input[at++] ?? 0;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < end) literals += more = input[at++] ?? 0;
    }
    if (at + literals > end) throw corrupt("literals end beyond their block");
    output.copyFrom(input, at, literals);
    at += literals;
    // The last sequence of a block has no match.
    if (at >= end) return;
    if (at + 2 > end) throw corrupt("ends within a match");
    const distance = input.readUInt16LE(at);
    at += 2;
    let length = (token & 15) + minMatch;
    if ((token & 15) === 15) {
      let more = 255;
      while (more === 255 && at < end) length += more = input[at++] ?? 0;
    }
    output.repeat(distance, length);
  }
}

class GrowingOutput {
  private bytes: Buffer;
  private length = 0;
  private readonly maxBytes: number;

  constructor(expectedBytes: number, maxBytes: number) {
    this.bytes = Buffer.allocUnsafe(Math.min(expectedBytes, maxBytes));
    this.maxBytes = maxBytes;
  }

  copyFrom(source: Buffer, at: number, count: number): void {
    this.makeRoom(count);
    source.copy(this.bytes, this.length, at, at + count);
    this.length += count;
  }

  /** Copies `count` bytes from `distance` back; they may overlap what is being written. */
  repeat(distance: number, count: number): void {
    if (distance === 0 || distance > this.length) throw corrupt("a match before the start");
    this.makeRoom(count);
    for (let i = 0; i < count; i++, this.length++)
      this.bytes[this.length] = this.bytes[this.length - distance] ?? 0;
  }

  content(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private makeRoom(count: number): void {
    const needed = this.length + count;
    if (needed > this.maxBytes) throw corrupt(`more than ${this.maxBytes} bytes`);
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.min(this.maxBytes, Math.max(needed, needed * 2)));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

function corrupt(what: string): ForeshockError {
  return new ForeshockError("log_corrupt", `an lz4 batch does not decompress: ${what}`);
}
