/** How good the pages of a period were: against labels where there are some, and by themselves. */
import type { IncidentEpisode } from "./episodes.ts";
import type { Label, Labels } from "./labels.ts";

export interface ScoreInput {
  readonly episodes: readonly IncidentEpisode[];
  /** Incidents that were opened live in the same period. */
  readonly live: readonly IncidentEpisode[];
  readonly labels: Labels | undefined;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface LabelOutcome {
  readonly label: Label;
  /** Minutes from the first page to when users were hit; negative: after it; undefined: missed. */
  readonly leadMinutes: number | undefined;
}

/** Numbers by which gates are named; undefined where they can't be told, such as precision without labels. */
export interface Metrics {
  readonly incidents: number;
  readonly pages: number;
  readonly tickets: number;
  readonly pages_per_week: number;
  readonly flaps: number;
  readonly open_at_end: number;
  /** Pages here for which no page was out live at any time while they were open. */
  readonly new_pages: number;
  /** Pages live for which there is none here. */
  readonly lost_pages: number;
  readonly precision: number | undefined;
  readonly recall: number | undefined;
  readonly missed: number | undefined;
  readonly false_pages: number | undefined;
  readonly lead_median_min: number | undefined;
  readonly lead_min_min: number | undefined;
}

export interface Score {
  readonly metrics: Metrics;
  readonly labels: readonly LabelOutcome[];
  /** Pages that people say were none, or that no label accounts for where labels are complete. */
  readonly falsePages: readonly IncidentEpisode[];
}

const weekMs = 7 * 86_400_000;
/** A page that follows the end of one at the same place within this is a flap. */
const flapMs = 30 * 60_000;

export function scoreOf({ episodes, live, labels, fromMs, toMs }: ScoreInput): Score {
  const paged = episodes.filter(({ pagedMs }) => pagedMs !== undefined);
  const livePaged = live.filter(({ pagedMs }) => pagedMs !== undefined);
  const outcomes = (labels?.incidents ?? []).map((label) =>
    outcomeOf(label, paged, labels?.leadMs ?? 0),
  );
  const isTrue = (page: IncidentEpisode) =>
    (labels?.incidents ?? []).some((label) => accountsFor(label, page, labels?.leadMs ?? 0));
  const isFalse = (page: IncidentEpisode) =>
    labels !== undefined &&
    !isTrue(page) &&
    (labels.isComplete || labels.unwanted.some((label) => accountsFor(label, page, 0)));
  const truePages = paged.filter(isTrue).length;
  const falsePages = paged.filter(isFalse);
  const leads = outcomes.flatMap(({ leadMinutes }) => leadMinutes ?? []).sort((a, b) => a - b);
  const isLabelled = labels !== undefined;
  return {
    metrics: {
      incidents: episodes.length,
      pages: paged.length,
      tickets: episodes.filter(({ ticketedMs }) => ticketedMs !== undefined).length,
      pages_per_week: (paged.length * weekMs) / Math.max(1, toMs - fromMs),
      flaps: flapsOf(paged),
      open_at_end: episodes.filter(({ resolvedMs }) => resolvedMs === undefined).length,
      new_pages: paged.filter((page) => !livePaged.some((other) => overlap(page, other))).length,
      lost_pages: livePaged.filter((page) => !paged.some((other) => overlap(page, other))).length,
      precision:
        truePages + falsePages.length > 0 ? truePages / (truePages + falsePages.length) : undefined,
      recall: outcomes.length > 0 ? leads.length / outcomes.length : undefined,
      missed: isLabelled ? outcomes.length - leads.length : undefined,
      false_pages: isLabelled ? falsePages.length : undefined,
      lead_median_min: leads[Math.floor((leads.length - 1) / 2)],
      lead_min_min: leads[0],
    },
    labels: outcomes,
    falsePages,
  };
}

function outcomeOf(label: Label, paged: readonly IncidentEpisode[], leadMs: number): LabelOutcome {
  const first = paged
    .filter((page) => accountsFor(label, page, leadMs))
    .map(({ pagedMs }) => pagedMs ?? 0)
    .sort((a, b) => a - b)[0];
  return {
    label,
    leadMinutes: first === undefined ? undefined : (label.fromMs - first) / 60_000,
  };
}

/** A page counts for a label if it came within it or not long before, and names no other value of the label's attributes. */
function accountsFor(label: Label, { pagedMs, dimensions }: IncidentEpisode, leadMs: number) {
  if (pagedMs === undefined || pagedMs < label.fromMs - leadMs || pagedMs > label.toMs)
    return false;
  return Object.entries(label.dimensions).every(([name, value]) => {
    const named = dimensions.flatMap((place) => place[name] ?? []);
    return named.length === 0 || named.includes(value);
  });
}

function overlap(a: IncidentEpisode, b: IncidentEpisode): boolean {
  const endOf = ({ resolvedMs }: IncidentEpisode) => resolvedMs ?? Number.POSITIVE_INFINITY;
  return a.openedMs <= endOf(b) && b.openedMs <= endOf(a);
}

function flapsOf(paged: readonly IncidentEpisode[]): number {
  const placeOf = ({ dimensions }: IncidentEpisode) => JSON.stringify(dimensions[0] ?? {});
  return paged.filter((page) =>
    paged.some(
      (before) =>
        before !== page &&
        before.resolvedMs !== undefined &&
        page.openedMs >= before.resolvedMs &&
        page.openedMs - before.resolvedMs <= flapMs &&
        placeOf(before) === placeOf(page),
    ),
  ).length;
}
