/**
 * Users who leave slowly, in traffic that nobody made up: seven months of New York's taxis, of the Numenta corpus where it is at hand.
 *   npm run bench:decline -- [--json FILE]
 */
import { declinesOf } from "../support/declines.ts";
import { scriptFlags } from "../support/script-flags.ts";
import { corpusArchive, hasCorpus, readCorpus } from "./nab/corpus.ts";
import { benchFlags, benchOptions, publish } from "./support/report.ts";

const holidays = [
  "2014-07-04",
  "2014-09-01",
  "2014-11-27",
  "2014-11-28",
  "2014-12-24",
  "2014-12-25",
  "2014-12-26",
  "2014-12-31",
  "2015-01-01",
  "2015-01-19",
];

const flags = benchFlags(scriptFlags(import.meta.filename, benchOptions));
if (!hasCorpus()) {
  const absent = `the corpus is not at ${corpusArchive}`;
  publish(flags, "decline", { figures: {}, absent: { taxi_declines: absent }, rows: [] });
} else {
  const taxis = (await readCorpus()).find(({ name }) => name.endsWith("nyc_taxi.csv"));
  if (taxis === undefined) throw new Error(`${corpusArchive} has no nyc_taxi.csv`);
  const series = {
    startMs: taxis.timesMs[0] as number,
    stepMs: 30 * 60_000,
    requests: taxis.values,
  };
  const told = declinesOf(series);
  const toldWithHolidays = declinesOf(series, holidays);
  const rows = [
    { exceptions: 0, declines: told.join(", ") },
    { exceptions: holidays.length, declines: toldWithHolidays.join(", ") },
  ];
  for (const { exceptions, declines } of rows)
    process.stdout.write(`${exceptions} days excepted: ${declines}\n`);
  publish(flags, "decline", {
    figures: {
      taxi_declines: told.length,
      taxi_declines_with_holidays: toldWithHolidays.length,
    },
    absent: {},
    rows,
  });
}
