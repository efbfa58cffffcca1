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

/** Below this, starting a thread costs more than the work; it can expand to 2 MiB at most. */
const inlineBytes = 2 * 1024;

/**
 * Unpacks a body, stopping as soon as more than `maxBytes` come out. Throws `payload_too_large`, or `payload_invalid`
 * where the bytes are not of that encoding.
 */
export async function decompress(
  body: Buffer,
  compression: Compression,
  maxBytes: number,
): Promise<Buffer> {
  const options = { maxOutputLength: maxBytes };
  try {
    if (compression === "gzip" && body.length <= inlineBytes) return gunzipSync(body, options);
    return await unpackers[compression](body, options);
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
