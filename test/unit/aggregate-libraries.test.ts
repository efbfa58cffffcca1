/** Every instrumentation that is known to have been measured: its spans as it writes them, and what must be counted of them. */
import { describe, expect, it } from "vitest";
import { clientCases } from "../support/aggregate-cases/client-cases.ts";
import { contribCases } from "../support/aggregate-cases/contrib-cases.ts";
import { frameworkCases } from "../support/aggregate-cases/framework-cases.ts";
import { furtherCases } from "../support/aggregate-cases/further-cases.ts";
import { liteLlmCases } from "../support/aggregate-cases/litellm-cases.ts";
import { newerFrameworkCases } from "../support/aggregate-cases/newer-framework-cases.ts";
import { openInferenceCases } from "../support/aggregate-cases/openinference-cases.ts";
import { otherProviderCases } from "../support/aggregate-cases/other-provider-cases.ts";
import { sideBySideCases } from "../support/aggregate-cases/side-by-side-cases.ts";
import { variationCases } from "../support/aggregate-cases/variation-cases.ts";
import { type Batch, countBatches } from "../support/aggregate-harness.ts";
import { row } from "../support/counted-chats.ts";

const libraryCases = [
  ...contribCases,
  ...clientCases,
  ...openInferenceCases,
  ...liteLlmCases,
  ...frameworkCases,
  ...furtherCases,
  ...newerFrameworkCases,
  ...otherProviderCases,
  ...variationCases,
  ...sideBySideCases,
];

const { provider: _provider, model: _model, ...unlessTold } = row;

describe.each(libraryCases)("spans of $library", ({ cases }) => {
  it.each(cases)("count $title", ({ batches, rows }) => {
    const counted = countBatches(...(batches as readonly Batch[]));

    expect(counted).toEqual(rows.map((told) => ({ ...unlessTold, ...told })));
  });
});
