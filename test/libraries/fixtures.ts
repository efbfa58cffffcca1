/** The files that are kept of each run. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Truth } from "./truth.ts";

export const fixturesFolder = join(import.meta.dirname, "..", "fixtures", "libraries");
const ending = ".capture.gz";

export const captureFile = (name: string): string => join(fixturesFolder, `${name}${ending}`);
export const truthFile = (name: string): string => join(fixturesFolder, `${name}.truth.json`);

/** Names of the runs that are kept. */
export const keptRuns = (): string[] =>
  readdirSync(fixturesFolder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));

export const truthOf = (name: string): Truth => JSON.parse(readFileSync(truthFile(name), "utf8"));
