/** Records that an earlier program wrote still read: one fixture a kind and version, never changed. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { extensionOf, plain, recordExamples } from "../support/record-examples.ts";

const folder = new URL("../fixtures/records/", import.meta.url);
const files = readdirSync(folder);

describe.each(recordExamples)("a $name record", (record) => {
  const { name, version, extension, example, encode, decode } = record;
  const versions = Array.from({ length: version }, (_, i) => i + 1);

  it.each(versions)("of version %d reads as it was meant", (of) => {
    const bytes = readFileSync(new URL(`${name}.v${of}.${extensionOf(record, of)}`, folder));
    const meant = JSON.parse(
      readFileSync(new URL(`${name}.v${of}.expected.json`, folder), "utf8"),
    ) as object;

    expect(plain(decode(bytes))).toMatchObject(meant);
  });

  it("comes back from its bytes as it went in", () => {
    expect(plain(decode(encode(example as never)))).toEqual(plain(example));
  });

  it("of a later version is refused", () => {
    const later = new TextDecoder().decode(encode(example as never));
    const bytes =
      extension === "json"
        ? new TextEncoder().encode(
            later.replace(`"version":${version}`, `"version":${version + 1}`),
          )
        : Uint8Array.from([0x08, version + 1]);

    expect(() => decode(bytes)).toThrow(`version ${version + 1}`);
  });
});

describe("the fixtures", () => {
  it("belong to records that are still read", () => {
    const expected = recordExamples.flatMap((record) =>
      Array.from({ length: record.version }, (_, i) => [
        `${record.name}.v${i + 1}.${extensionOf(record, i + 1)}`,
        `${record.name}.v${i + 1}.expected.json`,
      ]).flat(),
    );

    expect(files.toSorted()).toEqual(expected.toSorted());
  });
});
