/**
 * What each detector earns: the same runs with one of them silenced. It goes on learning, because others read their bands off its
 * baseline; only its surprise is taken away.
 */
import type { Verdict } from "../../detectors/detector.ts";
import { type AnyDetector, defaultSets, detectors } from "../../detectors/registry.ts";
import type { Outcome } from "./scenarios-job.ts";

export const detectorIds = (): string[] => detectors.map(({ id }) => id);

/** Silences a detector in this process, for good. */
export function silence(id: string): void {
  let found = 0;
  for (const set of Object.values(defaultSets) as AnyDetector[][])
    set.forEach((detector, position) => {
      if (detector.id !== id) return;
      found++;
      set[position] = {
        ...detector,
        step: (state, observation, options) => {
          const stepped = detector.step(state, observation, options);
          const verdict: Verdict = { ...stepped.verdict, surprise: 0, direction: "none" };
          return { state: stepped.state, verdict };
        },
      };
    });
  if (found === 0)
    throw new Error(
      `--without ${id}: not in the default sets, which have ${detectorIds().join(", ")}`,
    );
}

/** A line a detector: what is worse without it than with all of them, over the same runs. */
export function ablationTable(
  all: readonly Outcome[],
  without: ReadonlyMap<string, readonly Outcome[]>,
): string {
  const lines = [
    "",
    "left out".padEnd(18) +
      "paged  noticed  right  false pages  tickets  page later (runs, total min)",
  ];
  lines.push(line("nothing", all, all));
  for (const [id, outcomes] of without) lines.push(line(id, outcomes, all));
  return `${lines.join("\n")}\n`;
}

function line(id: string, outcomes: readonly Outcome[], all: readonly Outcome[]): string {
  const faults = outcomes.filter(({ kind }) => kind === "fault");
  const count = (of: (outcome: Outcome) => boolean) => faults.filter(of).length;
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((n, outcome) => n + of(outcome), 0);
  const later = faults.map((outcome) => {
    const same = all.find(
      ({ scenario, seed }) => scenario === outcome.scenario && seed === outcome.seed,
    );
    const end = outcome.hours * 60;
    return (outcome.foreshock.pageMin ?? end) - (same?.foreshock.pageMin ?? end);
  });
  const cells = [
    `${count(({ foreshock }) => foreshock.pageMin !== null)}/${faults.length}`.padStart(5),
    `${count(({ noticedMin }) => noticedMin !== null)}/${faults.length}`.padStart(8),
    String(count(({ foreshock }) => foreshock.isExact === true)).padStart(6),
    String(sum(({ foreshock }) => foreshock.falsePages)).padStart(12),
    String(sum(({ tickets }) => tickets)).padStart(8),
    `${later.filter((minutes) => minutes > 0.2).length} later, ${later.filter((minutes) => minutes < -0.2).length} earlier, ${later.reduce((a, b) => a + b, 0).toFixed(1)} min`.padStart(
      10,
    ),
  ];
  return id.padEnd(18) + cells.join(" ");
}
