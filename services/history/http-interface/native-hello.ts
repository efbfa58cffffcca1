import type { Token } from "./lexer.ts";

/** The first query of clickhouse-go: what it learns decides how it reads every later block. */
export function isHello(tokens: readonly Token[]): boolean {
  const text = tokens.map((token) => token.value).join("");
  return text === "SELECTdisplayName(),version(),revision(),timezone()";
}

/** Below this revision a client's Native blocks have no header. */
const revisionWithBlockInfo = 51_903;
/** From this revision on, each column says whether its serialization is a special one. */
const revisionWithCustomSerialization = 54_454;

/**
 * One row `displayName, version, revision, timezone` as a Native block of the client's own revision.
 * It says revision 0, so that from then on both sides speak plain Native blocks, which is what the engine writes.
 */
export function helloBlock(clientRevision: number, version: string, timezone: string): Uint8Array {
  const parts: Uint8Array[] = [];
  if (clientRevision >= revisionWithBlockInfo) {
    parts.push(Uint8Array.of(1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0));
  }
  parts.push(Uint8Array.of(4, 1));
  const column = (name: string, type: string, value: Uint8Array) => {
    parts.push(shortText(name), shortText(type));
    if (clientRevision >= revisionWithCustomSerialization) parts.push(Uint8Array.of(0));
    parts.push(value);
  };
  column("displayName()", "String", shortText("foreshock"));
  column("version()", "String", shortText(version));
  column("revision()", "UInt32", Uint8Array.of(0, 0, 0, 0));
  column("timezone()", "String", shortText(timezone));
  return Buffer.concat(parts);
}

function shortText(text: string): Uint8Array {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length > 127) throw new RangeError(`text must be ≤ 127 bytes, got ${bytes.length}`);
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}
