import { createReadStream, createWriteStream, type ReadStream } from "node:fs";
import type { Transform, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import {
  constants,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
} from "node:zlib";
import { ForeshockError } from "../contracts/errors.ts";
import { type CaptureRecord, createCaptureParser, encodeCaptureRecord } from "./capture-format.ts";

export { type CaptureRecord, type CaptureSignal, encodeCaptureRecord } from "./capture-format.ts";

const readChunkBytes = 1024 * 1024;
const writeBatchBytes = 256 * 1024;

type Compression = "none" | "gzip" | "zstd";

/** What a capture's name says of its compression: `.gz` gzip, `.zst` zstd, otherwise none. */
function compressionOf(file: string): Compression {
  if (file.endsWith(".gz")) return "gzip";
  return file.endsWith(".zst") ? "zstd" : "none";
}

/**
 * Reads a capture from its first record to the last whole one, in memory bounded by its largest record.
 * `onTorn` hears the offset (in uncompressed bytes) of an unfinished end. Throws `capture_invalid` when the
 * file does not read as a capture.
 */
export async function* readCapture(
  file: string,
  options: { onTorn(offsetBytes: number): void; readonly signal?: AbortSignal },
): AsyncIterable<CaptureRecord> {
  const parser = createCaptureParser(file);
  const source = { isCut: false };
  for await (const chunk of readBytes(file, source)) {
    options.signal?.throwIfAborted();
    yield* parser.push(chunk);
  }
  if (source.isCut || parser.isTorn()) options.onTorn(parser.offset());
}

/** A capture's bytes, uncompressed; says in `source` when the compressed file ended too early. */
async function* readBytes(
  file: string,
  source: { isCut: boolean },
): AsyncGenerator<Uint8Array, void> {
  const raw = createReadStream(file, { highWaterMark: readChunkBytes });
  const compression = compressionOf(file);
  const bytes = compression === "none" ? raw : decompressed(raw, compression);
  try {
    yield* bytes;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "Z_BUF_ERROR") {
      source.isCut = true;
      return;
    }
    const how = /^Z(STD)?_/.test(code) ? `does not read as ${compression}` : "can't be read";
    const why = error instanceof Error ? error.message : String(error);
    throw new ForeshockError("capture_invalid", `capture ${file} ${how}: ${why}`, { cause: error });
  } finally {
    bytes.destroy();
    raw.destroy();
  }
}

/** The decoder that the file is being fed to; errors of either end it. */
function decompressed(raw: ReadStream, compression: "gzip" | "zstd"): Transform {
  const decoder = compression === "gzip" ? createGunzip() : createZstdDecompress();
  async function feed(): Promise<void> {
    try {
      for await (const chunk of raw) {
        if (!decoder.write(chunk)) await drained(decoder);
        if (decoder.destroyed) return;
      }
      // All that is there comes out before the end is found missing.
      await new Promise<void>((resolve) => decoder.flush(() => resolve()));
      decoder.end();
    } catch (error) {
      decoder.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
  void feed();
  return decoder;
}

/** Resolves when a stream takes more, or is no more. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      stream.off("drain", settle);
      stream.off("close", settle);
      resolve();
    };
    stream.on("drain", settle);
    stream.on("close", settle);
  });
}

export interface CaptureWriter extends AsyncDisposable {
  /** Adds a record; returns a promise when the file lags behind and is to be waited for. */
  write(record: CaptureRecord): Promise<void> | undefined;
  /** Resolves when everything is on disk. Idempotent. */
  close(): Promise<void>;
}

/**
 * Writes a capture, compressed as its name says, over what was there. Both calls throw `capture_invalid` on records that a
 * reader would refuse, and on a file that does not take them.
 */
export function openCaptureWriter(file: string): CaptureWriter {
  const out = createWriteStream(file, { flush: true });
  const encoder = encoderFor(file);
  const head: Writable = encoder ?? out;
  let failure: ForeshockError | undefined;
  const written = (encoder === undefined ? finished(out) : pipeline(encoder, out)).catch(
    (error) => {
      const why = error instanceof Error ? error.message : String(error);
      failure ??= new ForeshockError(
        "capture_invalid",
        `capture ${file} can't be written: ${why}`,
        {
          cause: error,
        },
      );
    },
  );
  const lastAppendMs = new Map<number, number>();
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let closed: Promise<void> | undefined;

  function throwFailure(): void {
    if (failure !== undefined) throw failure;
  }

  async function flush(): Promise<void> {
    const bytes = Buffer.concat(batch, batchBytes);
    batch = [];
    batchBytes = 0;
    if (!head.write(bytes)) await drained(head);
    throwFailure();
  }

  async function finish(): Promise<void> {
    if (batchBytes > 0 && failure === undefined) await flush();
    head.end();
    await written;
    throwFailure();
  }

  function close(): Promise<void> {
    closed ??= finish();
    return closed;
  }

  return {
    write(record) {
      throwFailure();
      if (closed !== undefined) {
        throw new ForeshockError("capture_invalid", `capture ${file} was closed`);
      }
      const { partition, appendMs } = record;
      const lastMs = lastAppendMs.get(partition);
      if (lastMs !== undefined && appendMs < lastMs) {
        throw new ForeshockError(
          "capture_invalid",
          `append time in partition ${partition} of capture ${file} must be ≥ ${lastMs}, got ${appendMs}`,
        );
      }
      const bytes = encodeCaptureRecord(record);
      lastAppendMs.set(partition, appendMs);
      batch.push(bytes);
      batchBytes += bytes.length;
      return batchBytes < writeBatchBytes ? undefined : flush();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function encoderFor(file: string): Transform | undefined {
  const compression = compressionOf(file);
  switch (compression) {
    case "none":
      return undefined;
    case "gzip":
      return createGzip();
    case "zstd":
      return createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  }
}
