/** Resources: the same for many spans and for every batch of a sender, so they are read once and remembered by their bytes. */
import type { ContentRules } from "./content-rules.ts";
import { emptyPair, emptyValue, readPair, readValue } from "./value.ts";
import { textOfValue } from "./value-text.ts";
import { type Cursor, fieldBits, readLength, readSize, skipOther, textAt } from "./wire.ts";

export interface ResourceTexts {
  /** `service.name`; empty where there is none. */
  readonly service: string;
  /** All attributes as one JSON object of texts. */
  readonly json: string;
}

export const noResource: ResourceTexts = { service: "", json: "{}" };

const remembered = 2_048;
const longestRemembered = 16 * 1024;
const resourceFields = fieldBits(1);

/** Reads the `Resource` at [start, end). */
export type ReadResource = (start: number, end: number) => ResourceTexts;

export function createResourceReader(cursor: Cursor, rules: ContentRules): ReadResource {
  const known = new Map<string, ResourceTexts>();
  const pair = emptyPair();
  const value = emptyValue();

  function read(start: number, end: number): ResourceTexts {
    const texts = new Map<string, string>();
    for (cursor.at = start; cursor.at < end; ) {
      const tag = readSize(cursor, end);
      if (tag !== 0x0a) {
        skipOther(cursor, tag, end, resourceFields);
        continue;
      }
      const pairEnd = readLength(cursor, end);
      readPair(cursor, cursor.at, pairEnd, pair);
      const key = textAt(cursor, pair.keyStart, pair.keyEnd);
      readValue(cursor, pair.valueStart, pair.valueEnd, value);
      const kept = rules.apply(cursor, rules.ruleOf(key), value);
      if (kept !== undefined)
        texts.set(key, kept === true ? textOfValue(cursor, value, rules) : kept);
      cursor.at = pairEnd;
    }
    const members = [...texts].map(
      ([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`,
    );
    return { service: texts.get("service.name") ?? "", json: `{${members.join(",")}}` };
  }

  return (start, end) => {
    if (end - start > longestRemembered) return read(start, end);
    const key = cursor.bytes.toString("latin1", start, end);
    const before = known.get(key);
    if (before !== undefined) return before;
    const texts = read(start, end);
    if (known.size >= remembered) known.clear();
    known.set(key, texts);
    return texts;
  };
}
