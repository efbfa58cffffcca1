/** What gRPC puts around messages: the five-byte prefix, percent-encoded texts, time-outs. */

export const prefixBytes = 5;

export type Framed =
  | { readonly kind: "whole"; readonly isCompressed: boolean; readonly message: Buffer }
  | { readonly kind: "broken"; readonly reason: string };

/** Length that the prefix announces, or undefined while it is not there. */
export function announcedBytes(chunks: readonly Buffer[]): number | undefined {
  const [first] = chunks;
  if (first !== undefined && first.length >= prefixBytes) return first.readUInt32BE(1);
  const joined = Buffer.concat(chunks);
  return joined.length >= prefixBytes ? joined.readUInt32BE(1) : undefined;
}

/** The single message of a unary call, which may have come in any number of frames. */
export function unframe(chunks: readonly Buffer[]): Framed {
  const [first] = chunks;
  const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
  if (body.length < prefixBytes)
    return { kind: "broken", reason: `call has ${body.length} bytes, less than a message prefix` };
  const size = body.readUInt32BE(1);
  const flag = body[0] as number;
  if (flag > 1) return { kind: "broken", reason: `message prefix has flag ${flag}` };
  if (body.length !== prefixBytes + size)
    return {
      kind: "broken",
      reason: `message of ${size} bytes was announced, ${body.length - prefixBytes} bytes came`,
    };
  return { kind: "whole", isCompressed: flag === 1, message: body.subarray(prefixBytes) };
}

/** An uncompressed message with its prefix. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(prefixBytes + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}

/** `grpc-message`: printable ASCII except `%` as it is, other bytes as `%XX`. */
export function percentEncode(text: string): string {
  let encoded = "";
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** `grpc-timeout` in ms, at least 1; undefined when absent or not of that form. */
export function parseTimeoutMs(header: string | undefined): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header ?? "");
  if (match === null) return undefined;
  return Math.max(1, Math.floor(Number(match[1]) * (unitMs[match[2] as string] as number)));
}
