/**
 * Which partition a key belongs to, the same on every log, machine and version: state is kept per
 * partition, so a changed answer would split a series in two. Never change it; the tests hold its vectors.
 */
export function partitionFor(key: string | Uint8Array, partitions: number): number {
  return (hashKey(key) & 0x7fffffff) % partitions;
}

const multiplier = 0x5bd1e995;
const seed = 0x9747b28c;

/**
 * MurmurHash2, 32 bits, as an unsigned integer; strings as UTF-8. Seed and sign treatment are those of
 * Kafka's own default partitioner, so that keyed producers of other languages agree with us.
 * Source: Austin Appleby, MurmurHash2 (public domain); org.apache.kafka.common.utils.Utils.murmur2.
 */
export function hashKey(key: string | Uint8Array): number {
  const bytes = typeof key === "string" ? encodeText(key) : key;
  const length = bytes.length;
  const wordsEnd = length & ~3;
  let hash = seed ^ length;
  for (let at = 0; at < wordsEnd; at += 4) {
    const word =
      byteAt(bytes, at) |
      (byteAt(bytes, at + 1) << 8) |
      (byteAt(bytes, at + 2) << 16) |
      (byteAt(bytes, at + 3) << 24);
    const mixed = Math.imul(word, multiplier);
    hash = Math.imul(hash, multiplier) ^ Math.imul(mixed ^ (mixed >>> 24), multiplier);
  }
  const rest = length & 3;
  if (rest > 2) hash ^= byteAt(bytes, wordsEnd + 2) << 16;
  if (rest > 1) hash ^= byteAt(bytes, wordsEnd + 1) << 8;
  if (rest > 0) hash = Math.imul(hash ^ byteAt(bytes, wordsEnd), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) >>> 0;
}

const encoder = new TextEncoder();
const scratch = new Uint8Array(1024);

/** Short keys go through one reused buffer, which is read before the next call. */
function encodeText(text: string): Uint8Array {
  if (text.length * 3 > scratch.length) return encoder.encode(text);
  return scratch.subarray(0, encoder.encodeInto(text, scratch).written);
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
