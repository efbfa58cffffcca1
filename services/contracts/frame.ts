/** Frames as records: binary since version 2 (see `frame-write.ts`), JSON before. */

import { readFrame } from "./frame-read.ts";
import { type Frame, frameSchema } from "./frame-shape.ts";
import { encodeFrame, frameVersion } from "./frame-write.ts";
import { jsonRecord } from "./json-record.ts";
import { WireReader } from "./wire.ts";

export * from "./frame-shape.ts";

const firstVersion = jsonRecord("frame", 1, frameSchema);
const openingBrace = 0x7b;

export const frameRecord = {
  name: "frame",
  version: frameVersion,
  encode: encodeFrame,
  /** Throws `record_invalid`, naming what does not fit. Fields of later versions are ignored. */
  decode: (bytes: Uint8Array): Frame =>
    bytes[0] === openingBrace
      ? firstVersion.decode(bytes)
      : readFrame(new WireReader(bytes), frameVersion),
};
