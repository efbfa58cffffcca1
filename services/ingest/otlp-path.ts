import { WireReader, wireType } from "../contracts/wire.ts";
import type { OtlpMessage } from "./otlp-schema.ts";

/**
 * Names the place of a byte in a request as `resource_spans[0].scope_spans[0].spans[3].name`, as far as the bytes can
 * be read. Only for messages about what is wrong.
 */
export function describePosition(bytes: Uint8Array, root: OtlpMessage, at: number): string {
  const path: string[] = [];
  let message: OtlpMessage | undefined = root;
  let start = 0;
  let end = bytes.length;
  while (message !== undefined) {
    const found: Found | undefined = findField(bytes, message, { start, end, at });
    if (found === undefined) break;
    path.push(found.name);
    message = found.message;
    start = found.start;
    end = found.end;
  }
  return `${path.length === 0 ? root.name : path.join(".")} at byte ${at}`;
}

interface Found {
  readonly name: string;
  readonly message: OtlpMessage | undefined;
  readonly start: number;
  readonly end: number;
}

function findField(
  bytes: Uint8Array,
  message: OtlpMessage,
  { start, end, at }: { readonly start: number; readonly end: number; readonly at: number },
): Found | undefined {
  const reader = new WireReader(bytes, start, end);
  const counts = new Map<number, number>();
  /** The field being read, in case it cannot be. */
  let reading: Found | undefined;
  try {
    while (reader.hasMore()) {
      const tagAt = reader.position;
      reading = undefined;
      const tag = reader.varint();
      const number = Math.floor(tag / 8);
      const index = counts.get(number) ?? 0;
      counts.set(number, index + 1);
      const field = message.byNumber.get(number);
      const label = field?.name ?? `field ${number}`;
      const name = field?.isRepeated ? `${label}[${index}]` : label;
      reading = { name, message: undefined, start: tagAt, end };
      if (tag % 8 !== wireType.bytes) {
        reader.skip(tag % 8);
        if (at >= tagAt && at < reader.position)
          return { name, message: undefined, start: tagAt, end: reader.position };
        continue;
      }
      const fieldEnd = reader.length();
      if (at >= tagAt && at < reader.position)
        return { name, message: undefined, start: tagAt, end: fieldEnd };
      if (at >= reader.position && at < fieldEnd)
        return { name, message: field?.message, start: reader.position, end: fieldEnd };
      reader.position = fieldEnd;
    }
  } catch {
    return reading;
  }
  return undefined;
}
