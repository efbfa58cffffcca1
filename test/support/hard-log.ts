/**
 * Some minutes of a small fleet in which everything goes wrong that telemetry can do: an outage, senders whose clocks are five
 * minutes off, late batches, requests that come twice, spans that come again in another request, a source partition that
 * dies, a sender that comes back five minutes late, a record that nobody can read.
 */
import { loadFleet, planRun, simulate, toRecords } from "../../services/chatbot/chatbot.ts";
import { namedRandom } from "../../services/chatbot/random.ts";
import { scenarioSchema } from "../../services/chatbot/scenario-schema.ts";
import { signals } from "../../services/contracts/topics.ts";
import type { CaptureRecord } from "../../services/log/capture.ts";
import { ExportLogsServiceRequest, ExportTraceServiceRequest } from "./otlp-proto.ts";

export const hardPartitions = 2;

/** What is configured besides the defaults: baselines that are warm after a minute. */
export const hardJudgement = {
  detect: { warmUpWindows: 6 },
  incident: { openAfterWindows: 1, resolveAfterWindows: 3 },
} as const;

const minuteMs = 60_000;
const startMs = Date.UTC(2026, 2, 2, 12);
/** Arrival times are multiples of this, so that a log can be filled in few appends. */
const gridMs = 1_000;
const silenceMs = 1_000;

const scenario = scenarioSchema.parse({
  scenario: "hard",
  title: "Everything at once",
  about: "",
  kind: "fault",
  quietMinutes: 3,
  tailMinutes: 4,
  holdMinutes: 2,
  faults: [
    {
      name: "outage",
      target: { provider: ["openai"], operation: ["chat", "stream"] },
      effect: { kind: "error", classes: { overloaded: 2, server_error: 1 } },
      ramp: { shape: "step" },
      to: 0.6,
      recoverMinutes: 0.1,
    },
  ],
});

const fleet = loadFleet({
  requestsPerSecond: 10,
  instancesPerRegion: 4,
  tenants: 20,
  telemetry: {
    clockSkewMs: 300_000,
    skewedShare: 0.25,
    lateShare: 0.05,
    lateSeconds: 20,
    metricsSeconds: 15,
    queueGauges: true,
  },
});

/** In order of arrival; the same seed gives the same bytes. Ends with a minute of heartbeats, so that windows close. */
export function hardLog(seed: number): CaptureRecord[] {
  const plan = planRun({ scenario, seed, fleet, startMs });
  const partitions = { traces: hardPartitions, metrics: hardPartitions, logs: hardPartitions };
  const clean = [
    ...toRecords(simulate(plan), { plan, partitions, heartbeats: false, tailMs: 0 }),
  ].filter(({ payload }) => payload.length > 0);
  const disturbed = [
    ...repeated(clean, seed),
    ...logRecords(plan.endMs),
    unreadable(startMs + 4 * minuteMs),
  ];
  const late = lateSender(disturbed, startMs + 2 * minuteMs);
  const alive = late.filter(
    // The second partition of traces dies in the middle of the outage, for good.
    ({ signal, partition, appendMs }) =>
      signal !== "traces" || partition !== 1 || appendMs < startMs + 4.5 * minuteMs,
  );
  return withHeartbeats(alive.map(onGrid).sort((a, b) => a.appendMs - b.appendMs));
}

const onGrid = (record: CaptureRecord): CaptureRecord => ({
  ...record,
  appendMs: Math.ceil(record.appendMs / gridMs) * gridMs,
});

/** One request in twenty comes again within half a minute, some of them together with what else is on its way. */
function repeated(records: readonly CaptureRecord[], seed: number): CaptureRecord[] {
  const random = namedRandom(seed, "hard log repeats");
  return records.flatMap((record, index) => {
    if (record.signal !== "traces" || random.unit() > 0.05) return [record];
    const again = { ...record, appendMs: record.appendMs + random.unit() ** 2 * 30_000 };
    const other = records[index + 1];
    const isJoined = other?.signal === "traces" && other.partition === record.partition;
    // Two requests in a row are one request in protobuf.
    const payload = isJoined ? Buffer.concat([record.payload, other.payload]) : record.payload;
    return [record, { ...again, payload }];
  });
}

/** What one sender sends within a minute arrives five minutes later. */
function lateSender(records: readonly CaptureRecord[], fromMs: number): CaptureRecord[] {
  let sender: string | undefined;
  return records.map((record) => {
    const { signal, appendMs, payload } = record;
    if (signal !== "traces" || appendMs < fromMs || appendMs > fromMs + minuteMs) return record;
    const own = instanceOf(payload);
    sender ??= own;
    return own === sender ? { ...record, appendMs: appendMs + 5 * minuteMs } : record;
  });
}

function instanceOf(payload: Uint8Array): string {
  const attributes =
    ExportTraceServiceRequest.decode(payload).resourceSpans?.[0]?.resource?.attributes;
  return attributes?.find(({ key }) => key === "service.instance.id")?.value?.stringValue ?? "";
}

function logRecords(endMs: number): CaptureRecord[] {
  const records: CaptureRecord[] = [];
  for (let appendMs = startMs + 7_000; appendMs < endMs; appendMs += 7_000)
    records.push({
      signal: "logs",
      partition: (appendMs / 1_000) % hardPartitions,
      isHeartbeat: false,
      appendMs,
      payload: ExportLogsServiceRequest.encode({
        resourceLogs: [
          {
            scopeLogs: [
              {
                logRecords: [
                  {
                    timeUnixNano: `${appendMs - 300}000000`,
                    severityNumber: 17,
                    severityText: "ERROR",
                  },
                ],
              },
            ],
          },
        ],
      }),
    });
  return records;
}

const unreadable = (appendMs: number): CaptureRecord => ({
  signal: "traces",
  partition: 0,
  isHeartbeat: false,
  appendMs,
  payload: Uint8Array.of(0x0a, 0xff, 0x01, 0x02),
});

/** As the owner of a partition lets time pass in it after a second of silence. */
function withHeartbeats(records: readonly CaptureRecord[]): CaptureRecord[] {
  const result: CaptureRecord[] = [];
  const last = new Map<string, number>();
  const beat = (untilMs: number) => {
    for (const signal of signals)
      for (let partition = 0; partition < hardPartitions; partition++) {
        const place = `${signal}/${partition}`;
        const payload = new Uint8Array(0);
        let atMs = (last.get(place) ?? startMs) + silenceMs;
        for (; atMs <= untilMs; atMs += silenceMs) {
          result.push({ signal, partition, appendMs: atMs, payload, isHeartbeat: true });
          last.set(place, atMs);
        }
      }
  };
  for (const record of records) {
    beat(record.appendMs - 1);
    result.push(record);
    last.set(`${record.signal}/${record.partition}`, record.appendMs);
  }
  beat((records.at(-1)?.appendMs ?? startMs) + minuteMs);
  return result.sort((a, b) => a.appendMs - b.appendMs);
}
