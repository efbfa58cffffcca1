/** Log records as a signal: how many of a service's tell of an error, and when that is unusual. */
import { describe, expect, it } from "vitest";
import { parseCellKey } from "../../services/contracts/cell.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { signalCatalog } from "../../services/contracts/frame.ts";
import { counterSlots } from "../../services/contracts/measures.ts";
import type { CellWindow } from "../../services/contracts/window.ts";
import { judgeCell } from "../../services/detect/cell-judge.ts";
import { silentWindow } from "../../services/detect/cell-silence.ts";
import { initialCell } from "../../services/detect/cell-state.ts";
import {
  AggregateRun,
  type Attributes,
  keyValues,
  sceneStartMs,
} from "../support/aggregate-harness.ts";
import { poisson, seeded } from "../support/detect-traffic.ts";
import { ExportLogsServiceRequest } from "../support/otlp-proto.ts";

interface Logged {
  readonly severityNumber?: number;
  readonly severityText?: string;
}

function countedOf(resource: Attributes, ...records: readonly Logged[]) {
  const timeUnixNano = String(BigInt(sceneStartMs + 500) * 1_000_000n);
  const request = ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: { attributes: keyValues(resource) },
        scopeLogs: [{ logRecords: records.map((record) => ({ timeUnixNano, ...record })) }],
      },
    ],
  });
  const run = new AggregateRun({ task: "otlp_logs/0" }).step(request, 1_000).finish(5_000);
  return run.cells().map(({ cell, gauges }) => {
    const { provider, region, operation } = parseCellKey(cell);
    return { provider, region, operation, gauges };
  });
}

describe("log records", () => {
  it("count by service, those of severity ERROR and above as errors, by number or else by text", () => {
    expect(
      countedOf(
        { "service.name": "api", "cloud.region": "eu" },
        { severityNumber: 9 },
        { severityNumber: 16 },
        { severityNumber: 17 },
        { severityNumber: 24, severityText: "INFO" },
        { severityNumber: 9, severityText: "ERROR" },
        { severityText: "Error" },
        { severityText: "warn" },
        {},
      ),
    ).toEqual([
      {
        provider: "api",
        region: "eu",
        operation: "log records",
        gauges: { log_records: 8_000, log_errors: 3_000 },
      },
    ]);
  });

  it("count for nobody where no service is named", () => {
    expect(countedOf({}, { severityNumber: 17 })).toEqual([]);
  });
});

describe("errors in a service's logs", () => {
  const windowMs = 5_000;
  const { detect } = judgementSchema.parse({});
  const windowOf = (records: number, errors: number): CellWindow => ({
    ...silentWindow("http" as CellWindow["cell"]),
    counters: new Array<number>(counterSlots).fill(0),
    gauges: { log_records: records * 1_000, log_errors: errors * 1_000 },
  });

  it("are anomalous where they are far more than usual, a quarter of an hour after the first", () => {
    const random = seeded(11);
    const cell = initialCell(windowMs);
    const stateAfter = (window: number, errors: number) => {
      const time = { windowStartMs: window * windowMs, windowMs };
      const { signals } = judgeCell(cell, windowOf(60, errors), time, detect);
      return signals.find(({ signal }) => signal === "log_errors")?.state ?? "left out";
    };
    const usual = Array.from({ length: 180 }, (_, window) =>
      stateAfter(window, poisson(random, 1)),
    );
    expect(usual.filter((state) => state === "anomalous")).toEqual([]);
    expect(stateAfter(180, 20)).toBe("anomalous");
  });

  it("open no incident by themselves", () => {
    expect(signalCatalog.log_errors.role).toBe("context");
  });
});
