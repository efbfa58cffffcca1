/** Builders for records in tests: valid by default, with the fields a test is about overridden. */
import { type Cell, cellKey } from "../../services/contracts/cell.ts";
import type { CellFrame, Frame, SignalVerdict } from "../../services/contracts/frame.ts";
import { type CounterName, counterIds, counterSlots } from "../../services/contracts/measures.ts";
import type { CellWindow, WindowRecord } from "../../services/contracts/window.ts";

export const aCell = (overrides: Partial<Cell> = {}): Cell => ({
  kind: "genai",
  provider: "openai",
  model: "gpt-4o",
  region: "eu-west-1",
  operation: "chat",
  ...overrides,
});

export const counters = (named: Partial<Record<CounterName, number>>): number[] => {
  const values = new Array<number>(counterSlots).fill(0);
  for (const [name, value] of Object.entries(named))
    values[counterIds[name as CounterName]] = value;
  return values;
};

export const aCellWindow = (overrides: Partial<CellWindow> = {}): CellWindow => ({
  cell: cellKey(aCell()),
  counters: counters({ requests: 100, spans: 100, ok: 100 }),
  sketches: {},
  breadth: {},
  dimensions: [],
  gauges: {},
  examples: [],
  ...overrides,
});

export const aWindow = (overrides: Partial<WindowRecord> = {}): WindowRecord => ({
  task: "otlp_spans/0",
  epoch: 1,
  windowStartMs: 1_800_000_000_000,
  windowMs: 5_000,
  appendMs: 1_800_000_015_000,
  watermarkMs: 1_800_000_005_000,
  part: 0,
  parts: 1,
  pipeline: { lateSpans: 0, clampedSpans: 0, duplicateSpans: 0, outerSpans: 0, senders: [] },
  cells: [],
  ...overrides,
});

export const aVerdict = (overrides: Partial<SignalVerdict> = {}): SignalVerdict => ({
  signal: "failures",
  state: "normal",
  isFrozen: false,
  seen: 0.003,
  expected: 0.003,
  low: 0,
  high: 0.02,
  bad: 0,
  of: 100,
  direction: "none",
  surprise: 0,
  reasons: [],
  ...overrides,
});

export const aCellFrame = (overrides: Partial<CellFrame> = {}): CellFrame => ({
  cell: cellKey(aCell()),
  requests: 100,
  failures: 0,
  limited: 0,
  authFailures: 0,
  tenants: 40,
  tenantsFailed: 0,
  tenantsLimited: 0,
  usualRequests: 100,
  quietWindows: 0,
  signals: [],
  dimensions: [],
  examples: [],
  ...overrides,
});

export const aFrame = (overrides: Partial<Frame> = {}): Frame => ({
  task: "detect/0",
  epoch: 1,
  windowStartMs: 1_800_000_000_000,
  windowMs: 5_000,
  appendMs: 1_800_000_015_000,
  part: 0,
  parts: 1,
  pipeline: { spans: 100, lateSpans: 0, clampedSpans: 0, duplicateSpans: 0, senders: 4 },
  cells: [],
  ...overrides,
});
