/** The table that says which metrics mean what, and the page that shows it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { metricMappings } from "../../services/aggregate/conventions/metric-table.ts";
import { metricsDocument } from "../libraries/metrics-document.ts";

describe("the table of mappings", () => {
  it("is what docs/metrics.md says, which test/libraries/write-document.ts writes", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");
    expect(page).toBe(metricsDocument());
  });

  it("has each name once", () => {
    const names = metricMappings.flatMap((mapping) => mapping.names);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
