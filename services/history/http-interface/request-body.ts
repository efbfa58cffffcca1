import { randomUUID } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";
import { badArguments, ClickHouseException, notImplemented } from "./clickhouse-exception.ts";

export interface BodyLimits {
  /** Largest statement, bytes after decompression. */
  readonly maxStatementBytes: number;
  /** Largest insert, bytes after decompression. */
  readonly maxInsertBytes: number;
}

export const defaultBodyLimits: BodyLimits = {
  maxStatementBytes: 64 * 1024 ** 2,
  maxInsertBytes: 1024 ** 3,
};

/** Insert data goes through memory-backed files where the system has them. */
export const spoolFolder = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
/** Names of this process's files, so that what a killed process left can be told apart and removed. */
export const spoolPrefix = "foreshock-insert-";

/** The decompressed body as a stream that fails beyond `limit` bytes. */
function bodyStream(request: IncomingMessage, limit: number): Readable {
  const encoding = request.headers["content-encoding"]?.trim().toLowerCase() ?? "";
  let length = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length <= limit) return done(null, chunk);
      done(new ClickHouseException(307, "TOO_MANY_BYTES", `Body is larger than ${limit} bytes`));
    },
  });
  const decoder = decoderOf(encoding);
  // Not `pipeline` from the request itself: on a failure that would destroy the connection, on which the
  // answer is still to go out and the next request to come in.
  const first = decoder ?? counter;
  request.pipe(first);
  request.once("close", () => {
    if (!request.complete) first.destroy(new Error("the connection was closed"));
  });
  if (decoder !== undefined) {
    // The failure reaches the reader of `counter`, which pipeline destroys with it.
    pipeline(decoder, counter).catch(() => undefined);
  }
  counter.once("close", () => {
    request.unpipe();
    request.resume();
  });
  return counter;
}

function decoderOf(encoding: string): Transform | undefined {
  switch (encoding) {
    case "":
    case "identity":
      return undefined;
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    case "zstd":
      return createZstdDecompress();
    default:
      throw notImplemented(`Content-Encoding ${encoding} is not supported: use gzip`);
  }
}

/** Reads the whole body into memory. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of bodyStream(request, limit)) chunks.push(chunk as Buffer);
  } catch (error) {
    throw asBodyError(error);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

export interface SpooledData extends AsyncDisposable {
  readonly path: string;
  readonly bytes: number;
}

/** Writes `first` and then the body (if one is still to come) to a file that goes when the insert is over. */
export async function spoolData(
  first: Uint8Array,
  request: IncomingMessage | undefined,
  limit: number,
): Promise<SpooledData> {
  const path = join(spoolFolder, `${spoolPrefix}${process.pid}-${randomUUID()}`);
  const file = createWriteStream(path, { mode: 0o600 });
  const remove = () => rm(path, { force: true });
  try {
    if (request === undefined) {
      await pipeline(Readable.from(first.length > 0 ? [first] : []), file);
    } else {
      if (first.length > 0) file.write(first);
      await pipeline(bodyStream(request, limit), file);
    }
  } catch (error) {
    await remove();
    throw asBodyError(error);
  }
  return { path, bytes: file.bytesWritten, [Symbol.asyncDispose]: remove };
}

function asBodyError(error: unknown): unknown {
  if (error instanceof ClickHouseException) return error;
  const text = error instanceof Error ? error.message : String(error);
  return badArguments(`Body could not be read: ${text}`);
}

/**
 * Parts of a `multipart/form-data` body (clickhouse-js sends long parameters so): `query` and `param_*`.
 * Files are refused.
 */
export function multipartFields(body: Buffer, contentType: string): Map<string, string> {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) throw badArguments("multipart/form-data without a boundary");
  const fields = new Map<string, string>();
  const text = body.toString("latin1");
  for (const part of text.split(`--${boundary}`).slice(1, -1)) {
    const split = part.indexOf("\r\n\r\n");
    const name = /name="([^"]*)"/i.exec(part.slice(0, split))?.[1];
    if (split < 0 || name === undefined) throw badArguments("A multipart part has no name");
    if (/filename=/i.test(part.slice(0, split))) {
      throw notImplemented("External tables in multipart bodies are not supported");
    }
    fields.set(name, Buffer.from(part.slice(split + 4, -2), "latin1").toString("utf8"));
  }
  return fields;
}
