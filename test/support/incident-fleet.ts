/** A small fleet's frames for tests of the incident stage: each cell's trouble is said, counts and verdicts follow from it. */
import { type Cell, type CellKey, cellKey, parseCellKey } from "../../services/contracts/cell.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import {
  type CellFrame,
  type Frame,
  frameRecord,
  type SignalVerdict,
} from "../../services/contracts/frame.ts";
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import { incidentStage } from "../../services/incident/incident.ts";
import type { Reducer } from "../../services/stage.ts";
import { aCell, aCellFrame, aFrame, aVerdict } from "./records.ts";

/** What is wrong with a cell in a window; everything that is left out is as usual. */
export interface Trouble {
  readonly requests?: number;
  /** Requests of a usual window; default: 60, and 20 of a route. */
  readonly usualRequests?: number;
  /** Failing share of requests. */
  readonly failing?: number;
  readonly limited?: number;
  readonly authFailing?: number;
  readonly invalid?: number;
  /** Tenants behind the refused requests; default: one each. */
  readonly limitedTenants?: number;
  /** Distinct tenants behind all requests of a window; default: 40. */
  readonly tenants?: number;
  /** Telemetry that does not say whose requests they are. */
  readonly namesNoTenants?: boolean;
  /** How many times slower first tokens (HTTP: answers) are. */
  readonly slower?: number;
  /** How many times longer prompts are. */
  readonly longerPrompts?: number;
  readonly dimensions?: CellFrame["dimensions"];
}

export const fleetStartMs = 1_800_000_000_000;
export const fleetWindowMs = 5_000;

export const regions = ["ap-southeast-1", "eu-west-1", "us-east-1"];
export const fleetCells: readonly Cell[] = [
  ...(
    [
      ["openai", "gpt-4o"],
      ["openai", "o4-mini"],
      ["anthropic", "claude-haiku"],
      ["anthropic", "claude-sonnet"],
    ] as const
  ).flatMap(([provider, model]) => regions.map((region) => aCell({ provider, model, region }))),
  ...regions.map((region) =>
    aCell({ kind: "http", provider: "api", model: "", region, operation: "POST /login" }),
  ),
];

const usualOf = (key: CellKey) => (parseCellKey(key).kind === "http" ? 20 : 60);

/** −log10 of the chance of `bad` of `of` at a healthy ratio, roughly: the Chernoff bound. */
function surpriseOf(bad: number, of: number, healthy: number): number {
  if (of === 0 || bad / of <= healthy) return 0;
  const seen = Math.min(0.999, bad / of);
  const divergence =
    seen * Math.log(seen / healthy) + (1 - seen) * Math.log((1 - seen) / (1 - healthy));
  return Math.min(30, Math.max(0, (of * divergence) / Math.LN10 - 0.5));
}

function ratioVerdict(signal: SignalVerdict["signal"], bad: number, of: number): SignalVerdict {
  const surprise = surpriseOf(bad, of, 0.01);
  return aVerdict({
    signal,
    state: surprise >= 5 ? "anomalous" : surprise >= 3 ? "watching" : "normal",
    seen: of > 0 ? bad / of : null,
    expected: 0.003,
    low: 0,
    high: 0.01,
    bad,
    of,
    direction: surprise > 0 ? "up" : "none",
    surprise,
    reasons: surprise > 0 ? [{ detector: "binomial-exact", surprise }] : [],
  });
}

/** Slow share for a slow-down, as a lognormal latency with log-sd .42 has it (logistic stand-in, close enough). */
const slowShare = (slower: number) => 1 / (1 + 19 * slower ** -4);

export function troubledCell(key: CellKey, trouble: Trouble): CellFrame {
  const usual = trouble.usualRequests ?? usualOf(key);
  const requests = trouble.requests ?? usual;
  const count = (share: number | undefined) => Math.round((share ?? 0) * requests);
  const failures = count(trouble.failing);
  const limited = count(trouble.limited);
  const authFailures = count(trouble.authFailing);
  const invalid = count(trouble.invalid);
  const breadth = (tenants: number) => (trouble.namesNoTenants === true ? 0 : tenants);
  const slow = Math.round(slowShare(trouble.slower ?? 1) * requests);
  const isHttp = parseCellKey(key).kind === "http";
  const slowSurprise = surpriseOf(slow, requests, 0.1);
  const latency = aVerdict({
    signal: isHttp ? "duration" : "ttft",
    state: requests === 0 ? "blind" : slowSurprise >= 5 ? "anomalous" : "normal",
    seen: requests === 0 ? null : 1_200_000 * (trouble.slower ?? 1),
    expected: 1_200_000,
    low: 900_000,
    high: 1_400_000,
    bad: slow,
    of: requests,
    direction: slowSurprise > 0 ? "up" : "none",
    surprise: slowSurprise,
    reasons: slowSurprise > 0 ? [{ detector: "exceedance", surprise: slowSurprise }] : [],
  });
  return aCellFrame({
    cell: key,
    requests,
    failures,
    limited,
    authFailures,
    tenants: breadth(Math.min(trouble.tenants ?? 40, requests)),
    tenantsFailed: breadth(Math.min(30, failures)),
    tenantsLimited: breadth(Math.min(30, trouble.limitedTenants ?? limited)),
    usualRequests: usual,
    quietWindows: requests > 0 ? 0 : 1,
    context: {
      trafficRatio: requests / usual,
      inputTokensRatio: trouble.longerPrompts ?? 1,
      explainedFactor: 1,
    },
    signals: [
      ratioVerdict("failures", failures, requests),
      ...(limited > 0 ? [ratioVerdict("rate_limited", limited, requests)] : []),
      ...(authFailures > 0 ? [ratioVerdict("auth_failures", authFailures, requests)] : []),
      ...(invalid > 0 ? [ratioVerdict("client_errors", invalid, requests)] : []),
      latency,
    ],
    dimensions: trouble.dimensions ?? [],
    examples:
      failures > 0
        ? [
            {
              traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
              spanId: "00f067aa0ba902b7",
              outcome: "timeout",
              durationUs: 30_000_000,
              timeToFirstTokenUs: 0,
            },
          ]
        : [],
  });
}

export type TroubleAt = (cell: Cell, window: number) => Trouble;

/** Feeds windows to an incident task and collects its records. */
export class IncidentPlay {
  reducer: Reducer;
  readonly incidents: Incident[] = [];
  window = 0;
  readonly #quiet = new Map<CellKey, number>();

  readonly #cells: readonly Cell[];

  constructor(reducer: Reducer = makeIncident(), cells: readonly Cell[] = fleetCells) {
    this.reducer = reducer;
    this.#cells = cells;
  }

  /** Plays `count` windows; returns the records that they made. */
  play(count: number, troubleAt: TroubleAt = () => ({})): Incident[] {
    const made: Incident[] = [];
    for (let i = 0; i < count; i++) {
      const frame = this.frame(troubleAt);
      this.window++;
      made.push(...stepFrame(this.reducer, frame));
    }
    this.incidents.push(...made);
    return made;
  }

  frame(troubleAt: TroubleAt): Frame {
    const cells = this.#cells.map((cell) => {
      const key = cellKey(cell);
      const frame = troubledCell(key, troubleAt(cell, this.window));
      const quietWindows = frame.requests > 0 ? 0 : (this.#quiet.get(key) ?? 0) + 1;
      this.#quiet.set(key, quietWindows);
      return { ...frame, quietWindows };
    });
    const spans = cells.reduce((sum, { requests }) => sum + requests, 0);
    const windowStartMs = fleetStartMs + this.window * fleetWindowMs;
    return aFrame({
      windowStartMs,
      appendMs: windowStartMs + 16_000,
      pipeline: {
        spans,
        lateSpans: 0,
        clampedSpans: 0,
        duplicateSpans: 0,
        senders: spans > 0 ? 4 : 0,
      },
      cells,
    });
  }
}

export function makeIncident(saved?: readonly Uint8Array[]): Reducer {
  const judgement = judgementSchema.parse({});
  return incidentStage.create(
    {
      task: "incident/0",
      partition: 0,
      manifests: [
        {
          kind: "manifest",
          number: 1,
          effectiveFromMs: 0,
          tasks: ["otlp_spans/0"],
          windowsPartitions: 1,
        },
      ],
      epochs: [],
      judgement,
    },
    saved,
  );
}

export function stepFrame(reducer: Reducer, frame: Frame): Incident[] {
  const result = reducer.step({
    topic: "foreshock.frames",
    partition: 0,
    offset: 0,
    appendMs: frame.appendMs,
    value: frameRecord.encode(frame),
    headers: {},
  });
  if (result.rejected !== undefined) throw new Error(result.rejected.reason);
  return result.outputs.map(({ value }) => incidentRecord.decode(value));
}

/** Windows of health that every cell needs before it is judged, and a little more. */
export const warmUp = 80;
