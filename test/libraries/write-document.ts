/** Writes `docs/libraries.md` from the captures that are kept. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { libraryDocument } from "./document.ts";
import { truthOf } from "./fixtures.ts";
import { libraryRuns } from "./runs.ts";

const file = join(import.meta.dirname, "..", "..", "docs", "libraries.md");
writeFileSync(file, libraryDocument(libraryRuns, truthOf));
