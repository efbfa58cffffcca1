/**
 * CRC-32C (Castagnoli), which each batch carries in its header. Eight bytes at a step through eight tables: M. Kounavis, F. Berry, "A
 * Systematic Approach to Building High Performance Software-Based CRC Generators", 2005. A byte at a step takes four times as long.
 */
import { endianness } from "node:os";

/** 0x1EDC6F41 (RFC 3720), its bits in reverse. */
const polynomial = 0x82f63b78;
const stepBytes = 8;
/** What a byte adds that has 0 to 7 bytes behind it within a step, 256 entries each. */
const table = makeTable();
/** Words are read as the machine has them, and the table wants the lowest byte first. */
const canReadWords = endianness() === "LE";

function makeTable(): Int32Array {
  const made = new Int32Array(256 * stepBytes);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    made[byte] = crc;
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256] as number;
    made[i] = (before >>> 8) ^ (made[before & 255] as number);
  }
  return made;
}

/** Checksum of bytes that come behind others, whose checksum is `before` (0: there are none); unsigned. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const { length, byteOffset } = bytes;
  const head = canReadWords ? Math.min(-byteOffset & 3, length) : length;
  const steps = Math.floor((length - head) / stepBytes);
  let crc = overBytes(bytes.subarray(0, head), ~before);
  if (steps > 0) crc = overWords(new Int32Array(bytes.buffer, byteOffset + head, 2 * steps), crc);
  return ~overBytes(bytes.subarray(head + stepBytes * steps), crc) >>> 0;
}

function overBytes(bytes: Uint8Array, before: number): number {
  let crc = before;
  for (let i = 0; i < bytes.length; i++)
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[i] as number)) & 255] as number);
  return crc;
}

function overWords(words: Int32Array, before: number): number {
  let crc = before;
  for (let i = 0; i < words.length; i += 2) {
    const low = (words[i] as number) ^ crc;
    const high = words[i + 1] as number;
    crc =
      (table[1792 + (low & 255)] as number) ^
      (table[1536 + ((low >>> 8) & 255)] as number) ^
      (table[1280 + ((low >>> 16) & 255)] as number) ^
      (table[1024 + (low >>> 24)] as number) ^
      (table[768 + (high & 255)] as number) ^
      (table[512 + ((high >>> 8) & 255)] as number) ^
      (table[256 + ((high >>> 16) & 255)] as number) ^
      (table[high >>> 24] as number);
  }
  return crc;
}
