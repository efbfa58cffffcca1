/** Writes the fixtures of record versions that have none yet. Never touches one that is there: it is what an earlier program wrote. */
import { existsSync, writeFileSync } from "node:fs";
import { plain, recordExamples } from "./record-examples.ts";

const folder = new URL("../fixtures/records/", import.meta.url);

for (const { name, version, extension, example, encode } of recordExamples) {
  const bytes = new URL(`${name}.v${version}.${extension}`, folder);
  if (existsSync(bytes)) continue;
  writeFileSync(bytes, encode(example as never));
  writeFileSync(
    new URL(`${name}.v${version}.expected.json`, folder),
    `${JSON.stringify(plain(example), null, 1)}\n`,
  );
  console.log(`wrote ${name}.v${version}.${extension}`);
}
