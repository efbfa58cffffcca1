import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { type FleetEvent, isUserVisibleFailure } from "./fleet-event.ts";
import { requestKinds } from "./fleet-model.ts";
import { outageRule, outageWindow } from "./outage-rule.ts";
import type { PlannedFault, RunPlan } from "./run-plan.ts";
import type { Effect } from "./scenario-schema.ts";
import { routeOf } from "./span-shape.ts";
import { CellTruth, type TruthCell, type TruthRow } from "./truth-cells.ts";

const truthWindowMs = 5000;

/** First line of a truth file; times Unix ms, `null` where there is none. */
export interface TruthHeader {
  readonly schema: 1;
  readonly scenario: string;
  readonly title: string;
  readonly kind: "fault" | "confounder" | "clean";
  readonly seed: number;
  readonly compress: number;
  readonly waves: 1 | 2;
  readonly startMs: number;
  readonly endMs: number;
  readonly windowMs: number;
  /** When the first fault begins to act. */
  readonly faultStartMs: number | null;
  /** When the last fault is gone. */
  readonly faultEndMs: number | null;
  /** End of the first request that a fault changed (failed, or more than 10 % slower). */
  readonly onsetMs: number | null;
  readonly outage: TruthOutage;
  /** Attribute values that each fault was aimed at; an attribute that is not named was not selected by. */
  readonly faults: readonly TruthFault[];
  readonly requests: number;
  readonly failures: number;
  /** Failures that no telemetry shows, lost before the application. */
  readonly lostAtEdge: number;
  readonly cells: readonly TruthCell[];
}

interface TruthOutage {
  /** The earlier of the two below. */
  readonly pointMs: number | null;
  readonly fleetMs: number | null;
  readonly scopedMs: number | null;
  /** Index of the cell that `scopedMs` is of. */
  readonly scopedCell: number | null;
  /** The rule, with the five minutes as compressed. */
  readonly sustainMs: number;
}

export interface TruthFault {
  readonly name: string;
  readonly effect: Effect["kind"];
  readonly startMs: number;
  readonly topMs: number;
  readonly endMs: number;
  readonly to: number;
  readonly dimensions: Readonly<Record<string, readonly string[]>>;
}

export interface Truth {
  readonly header: TruthHeader;
  readonly rows: readonly TruthRow[];
}

/** Watches a run's events and then says what was true. */
export class TruthCollector {
  readonly #plan: RunPlan;
  readonly #cells: CellTruth;
  readonly #hasCells: boolean;
  readonly #requests: number[] = [];
  readonly #failures: number[] = [];
  #onsetMs: number | null = null;
  #lost = 0;

  /** Without quantiles (`null` then) or rows of cells (no scoped outage then), runs of weeks stay small. */
  constructor(
    plan: RunPlan,
    { hasQuantiles = true, hasCells = true }: { hasQuantiles?: boolean; hasCells?: boolean } = {},
  ) {
    this.#plan = plan;
    this.#hasCells = hasCells;
    this.#cells = new CellTruth(plan.fleet, truthWindowMs, hasQuantiles);
  }

  observe(event: FleetEvent): void {
    if (this.#hasCells) this.#cells.observe(event);
    if (event.kind !== "request") return;
    const window = Math.floor(event.endMs / truthWindowMs) - this.#firstWindow();
    this.#requests[window] = (this.#requests[window] ?? 0) + 1;
    if (isUserVisibleFailure(event)) this.#failures[window] = (this.#failures[window] ?? 0) + 1;
    if (event.isTouched && this.#onsetMs === null) this.#onsetMs = event.endMs;
    if (event.isLostAtEdge) this.#lost += 1;
  }

  /** The outage point as far as it can be told from what was observed; null until it is told. */
  outageSoFarMs(): number | null {
    return this.#outage(this.#cells.cells, this.#cells.rows).pointMs;
  }

  finish(): Truth {
    this.#cells.finish();
    const { plan, cells, rows } = {
      plan: this.#plan,
      cells: this.#cells.cells,
      rows: this.#cells.rows,
    };
    const sum = (values: readonly number[]) => values.reduce((total, n) => total + (n ?? 0), 0);
    const header: TruthHeader = {
      schema: 1,
      scenario: plan.scenario.scenario,
      title: plan.scenario.title,
      kind: plan.scenario.kind,
      seed: plan.seed,
      compress: plan.compress,
      waves: plan.waves,
      startMs: plan.startMs,
      endMs: plan.endMs,
      windowMs: truthWindowMs,
      faultStartMs: plan.faultStartMs ?? null,
      faultEndMs: plan.faultEndMs ?? null,
      onsetMs: this.#onsetMs,
      outage: this.#outage(cells, rows),
      faults: plan.faults.map((fault) => truthFault(plan, fault)),
      requests: sum(this.#requests),
      failures: sum(this.#failures),
      lostAtEdge: this.#lost,
      cells,
    };
    return { header, rows };
  }

  #outage(cells: readonly TruthCell[], rows: readonly TruthRow[]): TruthOutage {
    const { compress } = this.#plan;
    const windows = (ms: number, least: number) =>
      Math.max(least, Math.round(ms / compress / truthWindowMs));
    const sustainWindows = windows(outageRule.sustainMs, 2);
    const smoothWindows = windows(outageRule.smoothMs, 1);
    const rule = { sustainWindows, smoothWindows };
    const at = (window: number) =>
      window < 0 ? null : (window + this.#firstWindow()) * truthWindowMs;
    const fleet = outageWindow(
      { requests: this.#requests, failures: this.#failures },
      { ...rule, share: outageRule.fleetShare },
    );
    const scoped = this.#scopedOutage(cells, rows, rule);
    const times = [at(fleet), at(scoped.window)].filter((ms) => ms !== null);
    return {
      pointMs: times.length === 0 ? null : Math.min(...times),
      fleetMs: at(fleet),
      scopedMs: at(scoped.window),
      scopedCell: scoped.cell,
      sustainMs: sustainWindows * truthWindowMs,
    };
  }

  #scopedOutage(
    cells: readonly TruthCell[],
    rows: readonly TruthRow[],
    rule: { readonly sustainWindows: number; readonly smoothWindows: number },
  ): { readonly window: number; readonly cell: number | null } {
    const series = cells.map(() => ({ requests: [] as number[], failures: [] as number[] }));
    for (const row of rows) {
      const window = row.windowMs / truthWindowMs - this.#firstWindow();
      const of = series[row.cell];
      if (of === undefined) continue;
      of.requests[window] = row.requests;
      of.failures[window] = row.failures;
    }
    const all = this.#requests.reduce((total, n) => total + (n ?? 0), 0);
    let best: { window: number; cell: number | null } = { window: -1, cell: null };
    series.forEach((of, cell) => {
      const total = of.requests.reduce((count, n) => count + (n ?? 0), 0);
      const isUsers = cells[cell]?.provider !== "safety-filter";
      if (!isUsers || total < outageRule.scopedTraffic * all) return;
      const length = this.#requests.length;
      const fill = (values: readonly number[]) => Array.from({ length }, (_, i) => values[i] ?? 0);
      const filled = { requests: fill(of.requests), failures: fill(of.failures) };
      const window = outageWindow(filled, { ...rule, share: outageRule.scopedShare });
      if (window >= 0 && (best.window < 0 || window < best.window)) best = { window, cell };
    });
    return best;
  }

  #firstWindow(): number {
    return Math.floor(this.#plan.startMs / truthWindowMs);
  }
}

/** What was true of a run. Consumes the events; use `TruthCollector` to watch them on their way elsewhere. */
export function truthOf(plan: RunPlan, events: Iterable<FleetEvent>): Truth {
  const collector = new TruthCollector(plan);
  for (const event of events) collector.observe(event);
  return collector.finish();
}

/** Writes a truth file: JSON lines, the header first, then a row for each cell and window. */
export async function writeTruth(file: string, truth: Truth): Promise<void> {
  const out = createWriteStream(file);
  const write = async (line: unknown) => {
    if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, "drain");
  };
  await write(truth.header);
  for (const row of truth.rows) await write(row);
  out.end();
  await finished(out);
}

function truthFault(plan: RunPlan, fault: PlannedFault): TruthFault {
  const { fleet } = plan;
  const { target, course } = fault;
  const dimensions: Record<string, readonly string[]> = {};
  const name = (key: string, of: ReadonlySet<number> | undefined, names: readonly string[]) => {
    if (of !== undefined) dimensions[key] = [...of].map((index) => names[index] ?? "");
  };
  const hasKind = (operation: string) =>
    target.kinds === undefined ||
    [...target.kinds].some((kind) => (kind <= 1 ? "chat" : requestKinds[kind]) === operation);
  const aimedAt =
    target.models &&
    new Set([...target.models].filter((index) => hasKind(fleet.models[index]?.operation ?? "")));
  const models = fleet.models.filter((_, index) => aimedAt?.has(index));
  const providers = [...new Set(models.map((m) => m.provider))];
  if (providers.length > 0) dimensions["gen_ai.provider.name"] = providers;
  name(
    "gen_ai.request.model",
    aimedAt,
    fleet.models.map((m) => m.name),
  );
  name(
    "cloud.region",
    target.regions,
    fleet.regions.map((r) => r.name),
  );
  name(
    "app.tier",
    target.tiers,
    fleet.config.tiers.map((t) => t.name),
  );
  name(
    "enduser.id",
    target.tenants,
    fleet.tenants.map((t) => t.name),
  );
  if (target.kinds !== undefined) {
    const kinds = requestKinds.filter((_, index) => target.kinds?.has(index));
    dimensions["http.route"] = [...new Set(kinds.map((kind) => routeOf[kind]))];
  }
  if (target.isNextVersion !== undefined) {
    dimensions["service.version"] = [
      target.isNextVersion ? nextVersion(plan) : fleet.config.serviceVersion,
    ];
  }
  if (target.inputBuckets !== undefined) dimensions["input_bucket"] = [...target.inputBuckets];
  if (fault.effect.kind === "capacity" && fault.effect.of === "filter") {
    dimensions["service.name"] = ["safety-filter"];
  }
  const { startMs, topMs, endMs, to } = course;
  return { name: fault.name, effect: fault.effect.kind, startMs, topMs, endMs, to, dimensions };
}

function nextVersion(plan: RunPlan): string {
  for (const { effect } of plan.faults) if (effect.kind === "rollout") return effect.version;
  return plan.fleet.config.serviceVersion;
}
