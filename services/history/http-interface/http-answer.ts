import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { brotliCompress, constants, deflate, gzip, zstdCompress } from "node:zlib";

const gzipAsync = promisify(gzip);
const deflateAsync = promisify(deflate);
const brotliAsync = promisify(brotliCompress);
const zstdAsync = promisify(zstdCompress);

/** Compresses when the client asked for it twice, as ClickHouse wants: by header and by `enable_http_compression=1`. */
export async function encodeAnswer(
  bytes: Uint8Array,
  request: IncomingMessage,
  parameters: URLSearchParams,
): Promise<{ readonly body: Uint8Array; readonly encoding: string | undefined }> {
  const accepted = request.headers["accept-encoding"]?.toLowerCase() ?? "";
  if (parameters.get("enable_http_compression") !== "1" || bytes.length === 0) {
    return { body: bytes, encoding: undefined };
  }
  if (accepted.includes("gzip")) {
    return { body: await gzipAsync(bytes, { level: 3 }), encoding: "gzip" };
  }
  if (accepted.includes("zstd")) return { body: await zstdAsync(bytes), encoding: "zstd" };
  if (/\bbr\b/.test(accepted)) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 3 };
    return { body: await brotliAsync(bytes, { params }), encoding: "br" };
  }
  if (accepted.includes("deflate")) {
    return { body: await deflateAsync(bytes, { level: 3 }), encoding: "deflate" };
  }
  return { body: bytes, encoding: undefined };
}

export function contentTypeOf(format: string | undefined): string {
  if (format === undefined) return "text/html; charset=UTF-8";
  if (/^JSON.*EachRow/.test(format)) return "application/x-ndjson; charset=UTF-8";
  if (format.startsWith("JSON")) return "application/json; charset=UTF-8";
  if (format.startsWith("CSV")) return "text/csv; charset=UTF-8";
  if (/^(TSV|TabSeparated)/.test(format)) return "text/tab-separated-values; charset=UTF-8";
  if (/^(Native|RowBinary|Parquet|Arrow|ORC|Avro|MsgPack|Protobuf|BSON|Npy)/.test(format)) {
    return "application/octet-stream";
  }
  return "text/plain; charset=UTF-8";
}
