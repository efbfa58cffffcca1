/** Writes `docs/libraries.md` from the captures that are kept, and `docs/metrics.md` from the table of mappings. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { libraryDocument } from "./document.ts";
import { truthOf } from "./fixtures.ts";
import { metricsDocument } from "./metrics-document.ts";
import { libraryRuns } from "./runs.ts";

const page = (name: string) => join(import.meta.dirname, "..", "..", "docs", name);
writeFileSync(page("libraries.md"), libraryDocument(libraryRuns, truthOf));
writeFileSync(page("metrics.md"), metricsDocument());
