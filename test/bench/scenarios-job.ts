/** One scenario with one seed: played (or taken from the store), judged by Foreshock and by its rivals, held against the truth. */
import { loadScenario } from "../../services/chatbot/chatbot.ts";
import type { Scenario } from "../../services/chatbot/scenario-schema.ts";
import { withHistory } from "./rivals/history.ts";
import { judgeRivals, type RivalName, rivalNames } from "./rivals/rules.ts";
import { silenced } from "./scenarios-ablate.ts";
import {
  type Film,
  type FilmOptions,
  FilmStore,
  shootFilm,
  shootRehearsed,
} from "./scenarios-film.ts";
import { judgeFrames, type Told } from "./scenarios-judge.ts";
import {
  ebbedBeforeMs,
  type ForecastScore,
  minutes,
  type Score,
  scoreForecasts,
  scorePages,
} from "./scenarios-score.ts";

export interface Job {
  /** Name or file. */
  readonly scenario: string;
  readonly seed: number;
  readonly quietHours: number;
  /** Longest run; clean runs take all of it. */
  readonly hours: number;
  readonly waves: 1 | "drawn";
  readonly isWhole: boolean;
  readonly isFull: boolean;
  readonly films: string | undefined;
  readonly isStaleAllowed: boolean;
}

export interface Outcome {
  readonly scenario: string;
  readonly title: string;
  readonly kind: "fault" | "confounder" | "clean";
  readonly lead: string;
  readonly seed: number;
  readonly waves: number;
  readonly isWhole: boolean;
  readonly hours: number;
  readonly onsetMin: number | null;
  readonly outageMin: number | null;
  readonly endMin: number | null;
  readonly foreshock: Score;
  /** Minutes after onset of the first ticket or page, whatever it names. */
  readonly noticedMin: number | null;
  readonly tickets: number;
  readonly told: readonly (Pick<Told, "transition" | "title" | "reason" | "incident"> & {
    readonly atMin: number;
    readonly named: string;
  })[];
  readonly rivals: Readonly<Record<RivalName, Score>>;
  /** Whether the fault, or its first wave, was over without an outage. */
  readonly hasEbbed: boolean;
  readonly forecasts: readonly ForecastScore[];
  /** By minute, for pictures: failing share, median time to first token against that of the quiet time. */
  readonly failing: readonly number[];
  readonly slowdown: readonly number[];
}

/** What only spans show: these take the long way, others where it is asked for. */
const telemetryEffects = new Set(["clock_skew", "late_batches", "collector_gap", "duplicates"]);

export function runJob(job: Job): Outcome {
  const options = optionsOf(job);
  const store = job.films === undefined ? undefined : new FilmStore(job.films, job.isStaleAllowed);
  const kept = store?.read(options);
  const shot = kept === undefined ? (store?.keep(options) ?? shootFilm(options)) : undefined;
  const told = judgeFrames(kept?.frames ?? shot?.frames ?? []);
  const film = kept ?? shot?.finish();
  if (film === undefined) throw new Error(`${job.scenario}: no film`);
  return outcomeOf(job, { options, film, told });
}

/** The run with all detectors, and with each of some silenced, by the detector's id; the fleet is simulated once. */
export function runAblated(
  job: Job,
  ids: readonly string[],
): readonly (readonly [string, Outcome])[] {
  const options = optionsOf(job);
  const film = shootRehearsed(options);
  const all = outcomeOf(job, { options, film, told: judgeFrames(film.detect()) });
  const without = ids.map((id) => {
    const told = silenced(id, () => judgeFrames(film.detect()));
    return [id, outcomeOf(job, { options, film, told })] as const;
  });
  return [["", all], ...without];
}

function optionsOf(job: Job): FilmOptions {
  const scenario = loadScenario(job.scenario);
  const isWhole =
    job.isWhole || scenario.faults.some(({ effect }) => telemetryEffects.has(effect.kind));
  return filmOptions(job, scenario, isWhole);
}

function outcomeOf(
  job: Job,
  run: {
    readonly options: FilmOptions;
    readonly film: Omit<Film, "frames">;
    readonly told: readonly Told[];
  },
): Outcome {
  const { film, told } = run;
  const { scenario, isWhole } = run.options;
  const { truth, touched } = film;
  const pages = told
    .filter(({ transition }) => transition === "paged")
    .map(({ atMs, dimensions }) => ({ atMs, places: dimensions }));
  const rivals = judgeRivals(withHistory(film.series, job.quietHours)).filter(
    ({ atMs }) => atMs >= truth.startMs,
  );
  const scoreOf = (rival: RivalName) =>
    scorePages(
      rivals
        .filter((page) => page.rival === rival)
        .map(({ atMs, place }) => ({
          atMs,
          places: Object.keys(place).length === 0 ? undefined : [place],
        })),
      film,
    );
  const first = told.find(
    ({ transition, atMs }) =>
      (transition === "ticketed" || transition === "paged") && atMs >= (truth.onsetMs ?? 0),
  );
  const since = (ms: number | null) => (ms === null ? null : minutes(ms - truth.startMs));
  return {
    scenario: scenario.scenario,
    title: scenario.title,
    kind: truth.kind,
    lead: scenario.lead ?? "",
    seed: job.seed,
    waves: truth.waves,
    isWhole,
    hours: (truth.endMs - truth.startMs) / 3_600_000,
    onsetMin: since(truth.onsetMs),
    outageMin: since(truth.outage.pointMs),
    endMin: since(truth.faultEndMs),
    foreshock: scorePages(pages, film),
    noticedMin:
      first === undefined || truth.onsetMs === null ? null : minutes(first.atMs - truth.onsetMs),
    tickets: told.filter(({ transition }) => transition === "ticketed").length,
    told: told
      .filter(({ transition }) => transition !== "opened" || told.length < 40)
      .slice(0, 60)
      .map(({ transition, atMs, title, reason, incident, dimensions }) => ({
        transition,
        atMin: minutes(atMs - truth.startMs),
        title,
        reason,
        incident: incident.slice(0, 6),
        named: dimensions.map((place) => Object.values(place).join(" & ")).join(" | "),
      })),
    rivals: Object.fromEntries(rivalNames.map((name) => [name, scoreOf(name)])) as Record<
      RivalName,
      Score
    >,
    hasEbbed: truth.outage.pointMs === null || ebbedBeforeMs(film) !== undefined,
    forecasts: scoreForecasts(told, film),
    ...pictureOf(touched, (job.quietHours * 3_600_000) / 60_000),
  };
}

export function filmOptions(job: Job, scenario: Scenario, isWhole: boolean): FilmOptions {
  const hours = job.hours * 3_600_000;
  const isClean = scenario.faults.length === 0 && scenario.kind === "clean";
  const options = {
    scenario,
    seed: job.seed,
    waves: job.waves,
    quietMs: isClean ? 0 : job.quietHours * 3_600_000,
    isWhole,
    isFull: job.isFull,
  } as const;
  return isClean ? { ...options, durationMs: hours } : { ...options, longestMs: hours };
}

function pictureOf(
  touched: {
    readonly all: readonly number[];
    readonly failed: readonly number[];
    readonly ttft: readonly number[];
  },
  quietMinutes: number,
): Pick<Outcome, "failing" | "slowdown"> {
  const quiet = touched.ttft.slice(5, Math.max(10, quietMinutes)).filter((value) => value > 0);
  const usual = [...quiet].sort((a, b) => a - b)[quiet.length >> 1] ?? 1;
  const short = (value: number) => Number(value.toPrecision(3));
  return {
    failing: touched.all.map((all, minute) =>
      short((touched.failed[minute] ?? 0) / Math.max(1, all)),
    ),
    slowdown: touched.ttft.map((value) => short(value / usual)),
  };
}
