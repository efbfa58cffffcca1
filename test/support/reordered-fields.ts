/** The same trace request with its fields in another order, as encoders other than the usual ones may write it. */

/** Every level turned around: the scope behind its spans, the resource behind its scopes, the span's fields backwards. */
export function reordered(bytes: Uint8Array): Uint8Array {
  const inside = (content: Uint8Array, level: number): Uint8Array => {
    const turned = shuffled(content);
    return level === 0 ? turned : rebuilt(turned, level);
  };
  const rebuilt = (content: Uint8Array, level: number): Uint8Array => {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < content.length) {
      const tag = content[at] as number;
      const nested = level === 3 ? 0x0a : 0x12;
      let size = 0;
      let next = at + (tag >= 0x80 ? 2 : 1);
      for (let scale = 1; ; scale *= 128) {
        const byte = content[next++];
        if (byte === undefined) throw new RangeError(`length past byte ${next}`);
        size += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
      }
      const body = content.subarray(next, next + size);
      parts.push(
        tag === nested ? field(tag, inside(body, level - 1)) : content.subarray(at, next + size),
      );
      at = next + size;
    }
    return Buffer.concat(parts);
  };
  return rebuilt(bytes, 3);
}

/** Length-delimited and other fields of a message in another order, with a field of the future between them. */
function shuffled(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  let at = 0;
  const varint = () => {
    let result = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError(`varint past byte ${at}`);
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    if (tag % 8 === 2) {
      const size = varint();
      at += size;
    } else if (tag % 8 === 0) varint();
    else at += tag % 8 === 1 ? 8 : 4;
    pieces.push(bytes.subarray(start, at));
  }
  return Buffer.concat([...pieces.reverse(), Buffer.from([0xfa, 0x3e, 0x02, 0x08, 0x01])]);
}

const field = (tag: number, content: Uint8Array) => {
  const length: number[] = [];
  let rest = content.length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128);
  return Buffer.concat([Buffer.from([tag, ...length, rest]), content]);
};
