/** The part of the configuration that results depend on: changing it starts a new epoch at a window boundary. */
import * as z from "zod";
import { integer, number, section } from "./config-fields.ts";
import { defaultDimensions } from "./measures.ts";

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

export const judgementSchema = section("What results depend on. A change starts a new epoch.", {
  window: section("Windows in event time (the end of a span).", {
    lengthMs: integer(
      5_000,
      [1_000, 60_000],
      "Length of a window, ms. Fixed for the life of a log.",
    ),
    latenessMs: integer(
      10_000,
      [0, 600_000],
      "How long a window waits for late spans, ms. SDKs batch for up to 5 s.",
    ),
    idleTimeoutMs: integer(
      10_000,
      [1_000, 600_000],
      "How long a silent source partition may hold windows open, ms. Raise it where telemetry is delivered with gaps; verdicts come later by as much.",
    ),
    allowedSkewMs: integer(
      2_000,
      [0, 600_000],
      "A span that ends later than its arrival by more than this is clamped, ms.",
    ),
  }),
  series: section("How many cells are watched one by one.", {
    maxCells: integer(
      2_000,
      [1, 1_000_000],
      "Named cells; the smallest by decayed traffic are watched together as `_other`.",
    ),
    evictAfterWindows: integer(
      720,
      [1, 1_000_000],
      "A cell without requests for this many windows loses its name (720 windows of 5 s: an hour).",
    ),
    dimensions: z
      .array(z.string().min(1))
      .max(16)
      .default([...defaultDimensions])
      .meta({ description: "Attributes beside the cell that attribution looks at." }),
    tenantAttributes: z
      .array(z.string().min(1))
      .max(8)
      .default(["tenant.id", "enduser.id", "user.id", "openai.user", "gen_ai.user.id"])
      .meta({
        description:
          "Span or resource attributes that tell tenants apart, first present wins. Counted by breadth, never stored as series.",
      }),
  }),
  detect: section("How unusual is unusual.", {
    warmUpWindows: integer(
      60,
      [1, 100_000],
      "Windows with requests that a cell must have been seen for before it is judged.",
    ),
    watchSurprise: number(
      3,
      [1, 30],
      "Surprise (−log10 of the false-alarm probability of a window) from which a signal is watched.",
    ),
    anomalousSurprise: number(5, [1, 30], "Surprise from which a signal is anomalous."),
    sloErrorRatio: number(
      0.005,
      [0.000_01, 0.5],
      "Error budget of the service-level objective, as a ratio of requests (0.005: 99.5 %).",
    ),
  }),
  incident: section("When people are told.", {
    openAfterWindows: integer(
      2,
      [1, 1_000],
      "Windows in a row (or nearly) with anomalous evidence before an incident opens.",
    ),
    resolveAfterWindows: integer(
      24,
      [1, 10_000],
      "Windows with requests and without evidence before an incident is resolved (24 windows of 5 s: 2 min).",
    ),
    pageFailureRatio: number(
      0.05,
      [0.000_1, 1],
      "Failing share of a cell's or the fleet's requests that matters to users.",
    ),
    pageTrafficShare: number(
      0.02,
      [0, 1],
      "Share of usual traffic that must be degraded before anyone is paged; where most requests fail, five times its product with pageFailureRatio.",
    ),
    breachFailureRatio: number(
      0.2,
      [0.001, 1],
      "Fleet-wide failing share that the forecast is made for.",
    ),
    forecastHorizonMinutes: number(
      60,
      [1, 1_440],
      "A precursor pages only if the breach is forecast within this many minutes.",
    ),
    calendar: section(
      "The wall clock by which traffic is held against what the same hour of other days usually has.",
      {
        timeZone: z
          .string()
          .refine(isTimeZone, "must be an IANA time zone such as Europe/Berlin")
          .default("UTC")
          .meta({
            description:
              "IANA time zone of most users, so that hours stay theirs when daylight saving begins and ends.",
            examples: ["Europe/Berlin", "America/New_York"],
          }),
        exceptions: z
          .array(z.iso.date())
          .max(1_000)
          .default([])
          .meta({
            description:
              "Days unlike others, holidays for instance (YYYY-MM-DD): their traffic is neither judged by what is usual nor learnt.",
            examples: [["2026-12-25", "2027-01-01"]],
          }),
      },
    ),
  }),
});

export type Judgement = z.infer<typeof judgementSchema>;
