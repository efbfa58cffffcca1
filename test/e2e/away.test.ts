/** ClickHouse, the webhook and the broker away for minutes under load. */
import { expect, it } from "vitest";
import { type AwayResult, runAway } from "../support/away-run.ts";
import { needsKafka, startKafkaBroker } from "../support/kafka-broker.ts";

const limitMs = 480_000;

function expectWhole({ violations, looked, piledUp }: AwayResult): void {
  expect(violations).toEqual([]);
  expect(piledUp).toBeGreaterThan(0);
  expect(looked["calls"]).toBeGreaterThan(0);
  expect(looked["deliveries"]).toBeGreaterThan(0);
}

it.each(["history", "sink"] as const)(
  "loses nothing while the %s is away for ten minutes",
  async (kind) => {
    expectWhole(await runAway({ seed: 1, awayMs: 600_000, callsPerSecond: 6, part: { kind } }));
  },
  limitMs,
);

const missing = needsKafka();
it.skipIf(missing !== undefined)(
  `loses nothing while the broker is dead${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    await using broker = await startKafkaBroker();
    const part = { kind: "broker", broker } as const;
    expectWhole(await runAway({ seed: 1, awayMs: 20_000, callsPerSecond: 60, part }));
  },
  limitMs,
);
