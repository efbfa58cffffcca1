import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ClosedRecord,
  closedRange,
  closedWindows,
} from "../../services/backtest/closed-windows.ts";
import { episodesOf } from "../../services/backtest/episodes.ts";
import { judgeGates, parseGates } from "../../services/backtest/gates.ts";
import type { Labels } from "../../services/backtest/labels.ts";
import { type Metrics, scoreOf } from "../../services/backtest/score.ts";
import { verdictLabels } from "../../services/backtest/verdict-labels.ts";
import { configSchema, judgementSchema } from "../../services/contracts/config.ts";
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import { headers, topics } from "../../services/contracts/topics.ts";
import { migrate } from "../../services/history/migrate.ts";
import { type HistoryReader, openReader } from "../../services/history/reader.ts";
import { openMemoryLog } from "../../services/log/memory.ts";
import { Backtest } from "../../services/runtime/backtest.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { archiveTopics, runArchive } from "../support/archive-run.ts";
import { hardJudgement, hardLog, hardPartitions } from "../support/hard-log.ts";
import { type Replayed, replayOutcome } from "../support/hard-log-outcome.ts";
import { type HistoryServer, startHistoryServer } from "../support/history-server.ts";

const always = { fromMs: 0, toMs: 4e12 };

/** What the reducers made of the log is archived by the real archive; backtests then see history alone. */
describe("a backtest of the hard log's windows out of history", () => {
  let server: HistoryServer;
  let reader: HistoryReader;
  let lived: Replayed;
  let closed: ClosedRecord[];

  beforeAll(async () => {
    server = await startHistoryServer();
    await migrate(server.history);
    lived = replayOutcome(hardLog(1), {
      judgement: judgementSchema.parse(hardJudgement),
      partitions: hardPartitions,
      closesAll: false,
    });
    await archive(lived);
    const { history } = configSchema.parse({ history: { httpPort: server.server.port } });
    reader = await openReader({ history, dataDir: server.directory, password: "" });
    closed = [];
    for await (const record of closedWindows(reader, always)) closed.push(record);
  }, 300_000);
  afterAll(async () => {
    await reader?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  async function archive({ outcome }: Replayed): Promise<void> {
    await using log = await openMemoryLog({ clock: systemClock });
    await log.ensureTopics(archiveTopics());
    for (const [channel, values] of outcome) {
      const [topic = "", stage = "", partition = "0"] = channel.split("/");
      if (topic !== topics.closed && topic !== topics.incidents) continue;
      await log.append(
        values.map((value, index) => ({
          topic,
          partition: topic === topics.closed ? Number(partition) : 0,
          value,
          headers: {
            [headers.task]: `${stage}/${partition}`,
            [headers.sequence]: String(index + 1),
          },
        })),
      );
    }
    await using running = runArchive(log, server.history);
    await running.caughtUp();
  }

  /** Judgement keys over those that the log was judged with. */
  type Change = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

  function run(change: Change): { transitions: Incident[]; bytes: Uint8Array[]; rejected: number } {
    const judged: Change = hardJudgement;
    const judgement = judgementSchema.parse(
      Object.fromEntries(
        [...new Set([...Object.keys(judged), ...Object.keys(change)])].map((key) => [
          key,
          { ...judged[key], ...change[key] },
        ]),
      ),
    );
    const transitions: Incident[] = [];
    const bytes: Uint8Array[] = [];
    let rejected = 0;
    const backtest = new Backtest(
      { judgement, partitions: hardPartitions, epochs: [1] },
      {
        onIncident: (incident, value) => {
          transitions.push(incident);
          bytes.push(value.slice());
        },
        onRejected: () => rejected++,
      },
    );
    for (const { partition, record } of closed) backtest.feed(partition, record);
    backtest.finish();
    return { transitions, bytes, rejected };
  }

  const liveIncidents = () => lived.outcome.get(`${topics.incidents}/incident/0`) ?? [];

  function metricsOf(change: Change): Metrics {
    const live = episodesOf(liveIncidents().map((value) => incidentRecord.decode(value)));
    const page = live.find(({ pagedMs }) => pagedMs !== undefined);
    // Users were hit from a little before the first page on, as a person would say who looked at the course afterwards.
    const fromMs = (page?.pagedMs ?? 0) - 30_000;
    const labels: Labels = {
      leadMs: 60_000,
      incidents: [{ name: "outage", fromMs, toMs: fromMs + 240_000, dimensions: {} }],
      unwanted: [],
      isComplete: true,
    };
    const first = closed[0]?.windowStartMs ?? 0;
    const last = closed.at(-1)?.windowStartMs ?? 0;
    const episodes = episodesOf(run(change).transitions);
    return scoreOf({ episodes, live, labels, fromMs: first, toMs: last + 5_000 }).metrics;
  }

  it("has the very records that detect wrote", async () => {
    for (let partition = 0; partition < hardPartitions; partition++)
      expect(
        closed
          .filter((each) => each.partition === partition)
          .map(({ record }) => Buffer.from(record)),
      ).toEqual((lived.outcome.get(`${topics.closed}/detect/${partition}`) ?? []).map(Buffer.from));
    const range = await closedRange(reader, always);
    expect(range).toMatchObject({ partitions: hardPartitions, epochs: [1], windowMs: 5_000 });
    expect(range.records).toBe(closed.length);
  });

  it("opens the incidents that were opened live, bit for bit", () => {
    const { bytes, rejected } = run({});
    expect(rejected).toBe(0);
    expect(bytes.length).toBeGreaterThan(2);
    expect(bytes.map(Buffer.from)).toEqual(liveIncidents().map(Buffer.from));
  });

  const gates = parseGates([
    "recall>=1, precision>=1, missed<=0, lost_pages<=0, new_pages<=0, flaps<=0",
    "incidents<=1, open_at_end<=0, lead_min_min>=-0.6",
  ]);
  const failing = (change: Change) =>
    judgeGates(gates, metricsOf(change))
      .filter(({ passed }) => !passed)
      .map(({ gate }) => gate.metric);

  it("holds its gates with the configuration of then", () => {
    expect(failing({})).toEqual([]);
  });

  it.each<readonly [string, Change, string]>([
    ["never warm", { detect: { warmUpWindows: 100_000 } }, "recall"],
    [
      "deaf to all but the loudest, and slow",
      {
        detect: { watchSurprise: 30, anomalousSurprise: 30 },
        incident: { openAfterWindows: 12 },
      },
      "lead_min_min",
    ],
    ["too patient to open", { incident: { openAfterWindows: 1_000 } }, "lost_pages"],
    ["slow to open", { incident: { openAfterWindows: 9 } }, "lead_min_min"],
    [
      "never satisfied that it is over",
      { incident: { resolveAfterWindows: 10_000 } },
      "open_at_end",
    ],
    ["indifferent to failing requests", { incident: { pageFailureRatio: 1 } }, "lead_min_min"],
    [
      "indifferent to all but the whole fleet",
      { incident: { pageTrafficShare: 1 } },
      "lead_min_min",
    ],
    ["warm when the outage is over", { detect: { warmUpWindows: 60 } }, "recall"],
    ["slower than the outage is long", { incident: { openAfterWindows: 60 } }, "missed"],
    [
      "content while a third of the requests fail",
      { incident: { pageFailureRatio: 0.3 } },
      "lead_min_min",
    ],
  ])("fails a configuration that is %s", (_, change, gate) => {
    expect(failing(change)).toContain(gate);
  });

  it.each(["useful", "not useful"])("scores by what people said: %s", async (verdict) => {
    const live = episodesOf(liveIncidents().map((value) => incidentRecord.decode(value)));
    const incident = live.find(({ pagedMs }) => pagedMs !== undefined)?.incident ?? "";
    await server.history.command("TRUNCATE TABLE deliveries");
    await server.history.command(
      `INSERT INTO deliveries (delivery, incident, transition, sink, at, detail)
       VALUES ('k', '${incident}', 'acknowledged', 'console', now64(3), 'by ada (${verdict}): seen')`,
    );
    const labels = await verdictLabels(reader, always);
    const { metrics } = scoreOf({ episodes: live, live, labels, fromMs: 0, toMs: 1 });
    expect([metrics.precision, metrics.recall, metrics.false_pages]).toEqual(
      verdict === "useful" ? [1, 1, 0] : [0, undefined, 1],
    );
  });

  it("fails a gate that can't be told", () => {
    const [result] = judgeGates(parseGates(["precision>=0.5"]), {
      ...metricsOf({}),
      precision: undefined,
    });
    expect(result?.passed).toBe(false);
  });
});
