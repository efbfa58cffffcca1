import { promisify } from "node:util";
import { gunzip, gunzipSync, inflate, zstdDecompress } from "node:zlib";
import { ForeshockError } from "../contracts/errors.ts";

/** Encodings of bodies that are taken beside identity. */
export const compressions = ["gzip", "deflate", "zstd"] as const;
export type Compression = (typeof compressions)[number];

export function isCompression(name: string): name is Compression {
  return (compressions as readonly string[]).includes(name);
}

const unpackers = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  zstd: promisify(zstdDecompress),
} as const;

/** What is unpacked at once, while nothing else is done: what a thread and its answers cost is as much as this work. */
const inlineBytes = 64 * 1024;
const inlineUnpackedBytes = 1024 * 1024;
/** Room is made for so many times the body at most, whatever it says of itself. */
const likelyExpansion = 32;
const leastRoom = 1024;

/**
 * Room for what comes out, so that it comes in one piece: pieces of 16 KiB, which is the default, cost more than the unpacking. A gzip
 * body ends with its length (of its last member, modulo 2^32; RFC 1952), which may be a lie.
 */
function roomFor(body: Buffer, compression: Compression, maxBytes: number): number {
  const likely = Math.min(maxBytes, likelyExpansion * body.length);
  const told =
    compression === "gzip" && body.length >= 4 ? body.readUInt32LE(body.length - 4) : likely;
  // Where the room is full to the last byte, another piece is asked for.
  return Math.max(leastRoom, Math.min(likely, told) + 1);
}

/**
 * Unpacks a body, stopping as soon as more than `maxBytes` come out. Throws `payload_too_large`, or `payload_invalid`
 * where the bytes are not of that encoding.
 */
export async function decompress(
  body: Buffer,
  compression: Compression,
  maxBytes: number,
): Promise<Buffer> {
  const chunkSize = roomFor(body, compression, maxBytes);
  try {
    const isSmall = body.length <= inlineBytes && chunkSize <= inlineUnpackedBytes;
    const unpacked = compression === "gzip" && isSmall ? unpackAtOnce(body, chunkSize) : undefined;
    return (
      unpacked ?? (await unpackers[compression](body, { maxOutputLength: maxBytes, chunkSize }))
    );
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new ForeshockError(
        "payload_too_large",
        `body is larger than ${maxBytes} bytes after decompression (ingest.maxDecompressedBytes)`,
        { cause },
      );
    throw new ForeshockError(
      "payload_invalid",
      `body is not valid ${compression}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Undefined where more comes out than there is room for. */
function unpackAtOnce(body: Buffer, room: number): Buffer | undefined {
  try {
    return gunzipSync(body, { maxOutputLength: room, chunkSize: room });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw error;
  }
}
