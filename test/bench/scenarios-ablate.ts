/**
 * What each detector earns: the same runs with one of them silenced. It goes on learning, because others read their bands off its
 * baseline; only its surprise is taken away.
 */
import type { Verdict } from "../../detectors/detector.ts";
import { type AnyDetector, defaultSets, detectors } from "../../detectors/registry.ts";
import type { Outcome } from "./scenarios-job.ts";

/** Two windows and a little: less is the clock's chance. */
const leastMin = 0.2;

export const detectorIds = (): string[] => detectors.map(({ id }) => id);

/** What `run` returns while a detector is silenced. */
export function silenced<T>(id: string, run: () => T): T {
  const sets = Object.values(defaultSets) as AnyDetector[][];
  const before = sets.map((set) => [...set]);
  if (!before.flat().some((detector) => detector.id === id))
    throw new Error(`${id}: not in the default sets, which have ${detectorIds().join(", ")}`);
  for (const set of sets)
    set.forEach((detector, position) => {
      if (detector.id === id) set[position] = mute(detector);
    });
  try {
    return run();
  } finally {
    sets.forEach((set, at) => {
      set.splice(0, set.length, ...(before[at] ?? []));
    });
  }
}

function mute(detector: AnyDetector): AnyDetector {
  return {
    ...detector,
    step: (state, observation, options) => {
      const stepped = detector.step(state, observation, options);
      const verdict: Verdict = { ...stepped.verdict, surprise: 0, direction: "none" };
      return { state: stepped.state, verdict };
    },
  };
}

/** A line a detector: what is worse without it than with all of them (`ran.get("")`), over the same runs. */
export function ablationTable(ran: ReadonlyMap<string, readonly Outcome[]>): string {
  const all = ran.get("") ?? [];
  const head = ["left out".padEnd(18), "paged", "noticed", "right", "false pages", "tickets", ""];
  const lines = [...ran].map(([id, outcomes]) => line(id === "" ? "nothing" : id, outcomes, all));
  return `\n${head.join("  ")}\n${lines.join("\n")}\n`;
}

function line(id: string, outcomes: readonly Outcome[], all: readonly Outcome[]): string {
  const faults = outcomes.filter(({ kind }) => kind === "fault");
  const count = (of: (outcome: Outcome) => boolean) => faults.filter(of).length;
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((n, outcome) => n + of(outcome), 0);
  const cells = [
    id.padEnd(18),
    `${count(({ foreshock }) => foreshock.pageMin !== null)}/${faults.length}`.padStart(5),
    `${count(({ noticedMin }) => noticedMin !== null)}/${faults.length}`.padStart(7),
    String(count(({ foreshock }) => foreshock.isExact === true)).padStart(5),
    String(sum(({ foreshock }) => foreshock.falsePages)).padStart(11),
    String(sum(({ tickets }) => tickets)).padStart(7),
    outcomes.flatMap((outcome) => differences(outcome, all)).join(", "),
  ];
  return cells.join("  ").trimEnd();
}

/** What a run's page and first notice lost or gained, in minutes; what never came counts until the end of the run. */
function differences(outcome: Outcome, all: readonly Outcome[]): string[] {
  const same = all.find(
    ({ scenario, seed }) => scenario === outcome.scenario && seed === outcome.seed,
  );
  if (same === undefined) return [];
  const end = outcome.hours * 60;
  const changes = [
    ["page", (outcome.foreshock.pageMin ?? end) - (same.foreshock.pageMin ?? end)],
    ["notice", (outcome.noticedMin ?? end) - (same.noticedMin ?? end)],
  ] as const;
  const told = changes
    .filter(([, minutes]) => Math.abs(minutes) > leastMin)
    .map(([what, minutes]) => `${what} ${minutes > 0 ? "+" : "−"}${Math.abs(minutes).toFixed(1)}`);
  if (outcome.foreshock.isExact !== same.foreshock.isExact)
    told.push(outcome.foreshock.isExact === true ? "place right" : "place wrong");
  return told.length === 0 ? [] : [`${outcome.scenario}/${outcome.seed} ${told.join(" ")}`];
}
