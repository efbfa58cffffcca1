/** Writes the deployment files that follow from the code; `npm run generate` runs it, and a test compares. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { collectorConfig } from "./collector-config.ts";

writeFileSync(join(import.meta.dirname, "collector.yaml"), collectorConfig());
