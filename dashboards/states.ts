/** Words and colours of states; a state is always told by its word too, never by colour alone. */
import type { ValueText } from "./spec.ts";

const colors = {
  normal: "#56A64B",
  learning: "#8AB8FF",
  silent: "#7B8087",
  watching: "#F2CC0C",
  ticket: "#FF9830",
  page: "#E02F44",
} as const;

/** Colours of lines that mean the same on every dashboard. */
export const lineColors = { seen: "#5794F2", expected: "#8E96A3", bad: "#E02F44" } as const;

/** As `stateNumber` counts them. */
export const cellStates: readonly ValueText[] = [
  { value: 0, text: "no evidence", color: colors.silent },
  { value: 1, text: "learning", color: colors.learning },
  { value: 2, text: "normal", color: colors.normal },
  { value: 3, text: "watching", color: colors.watching },
  { value: 4, text: "anomalous", color: colors.page },
];

export const severities: readonly ValueText[] = [
  { value: 0, text: "none", color: colors.normal },
  { value: 1, text: "watching", color: colors.watching },
  { value: 2, text: "ticket", color: colors.ticket },
  { value: 3, text: "page", color: colors.page },
];

export const severityNumber = (severity: string) =>
  `transform(${severity}, ['none', 'ticket', 'page'], [1, 2, 3], 0)`;
