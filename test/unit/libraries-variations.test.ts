/** Captures of real libraries, changed as other versions and set-ups would change them (`varied.ts`), count the same. */
import { describe, expect, it } from "vitest";
import { countRecords, recordsOf } from "../libraries/counted.ts";
import { captureFile, keptRuns } from "../libraries/fixtures.ts";
import { variations } from "../libraries/varied.ts";

/** Where what is changed is what tells: by library. */
const dependent: Readonly<Record<string, readonly string[]>> = {
  // Versions of OpenLLMetry by the name of the provider.
  "under the former name of the provider": ["openllmetry-openai", "contrib-genai-and-openllmetry"],
  // Failures of spans around calls, or of such as have no attribute; streams that broke with tokens of an answer.
  "with exceptions that leave the status alone": [
    "mastra",
    "openinference-anthropic",
    "openlit",
    "pydantic-ai",
  ],
  // Two instrumentations side by side, each of which would have an agent of its own.
  "inside an agent that repeats what they say": [
    "litellm-over-openinference",
    "openinference-anthropic-and-sdk",
    "openllmetry-anthropic-and-sdk",
  ],
};

describe.each(variations)("calls $title", ({ title, vary }) => {
  it.each(keptRuns().filter((name) => !dependent[title]?.includes(name)))(
    "count the same: %s",
    async (name) => {
      const records = await recordsOf(captureFile(name));
      const spans = records.filter(({ signal }) => signal === "traces");
      const varied = vary(spans);

      expect(varied).not.toEqual([]);
      expect(countRecords(varied)).toEqual(countRecords(spans));
    },
  );
});
