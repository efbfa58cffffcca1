/** Named questions on the command line: arguments in order, options, the period, filters. */
import { ForeshockError } from "../contracts/errors.ts";
import { type NamedQuestion, questionNames, readQuestion } from "../history/questions.ts";
import type { Arguments } from "./command.ts";
import { clickHouseTime, durationSeconds, pointInTime } from "./query-period.ts";

export const filterNames = ["provider", "model", "region", "operation"] as const;

export interface BoundQuestion {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Options whose values may be durations. */
const durations: ReadonlySet<string> = new Set(["step", "against", "seconds"]);
const defaultPeriodMs = 3_600_000;

/** Throws `usage` naming what is missing, surplus or unknown. */
export function bindQuestion(name: string, args: Arguments, nowMs: number): BoundQuestion {
  const question = readQuestion(name);
  const given = args.positionals.slice(1);
  const surplus = given[question.args.length];
  if (surplus !== undefined)
    throw new ForeshockError(
      "usage",
      `query ${name}: '${surplus}' is one argument too many; ${usageOf(question)}`,
    );
  const parameters: Record<string, string> = { ...periodOf(args, nowMs) };
  for (const filter of filterNames) parameters[filter] = args.text(filter) ?? "";
  for (const [index, { name: argument, help, choices }] of question.args.entries()) {
    const value = given[index];
    if (value === undefined)
      throw new ForeshockError(
        "usage",
        `query ${name}: which ${argument}? (${help}); ${usageOf(question)}`,
      );
    if (choices?.includes(value) === false)
      throw new ForeshockError(
        "usage",
        `query ${name}: ${argument} must be one of ${choices.join(", ")}, got ${value}`,
      );
    parameters[argument] = value;
  }
  for (const { name: option, fallback } of question.options) {
    const value = args.text(option) ?? fallback ?? "";
    parameters[option] = durations.has(option) ? String(durationSeconds(value, option)) : value;
  }
  return { sql: question.sql, parameters };
}

function periodOf(args: Arguments, nowMs: number): { since: string; until: string } {
  const untilText = args.text("until");
  const untilMs = untilText === undefined ? nowMs : pointInTime(untilText, "until", nowMs);
  const sinceText = args.text("since");
  const sinceMs =
    sinceText === undefined ? untilMs - defaultPeriodMs : pointInTime(sinceText, "since", nowMs);
  if (sinceMs >= untilMs)
    throw new ForeshockError(
      "usage",
      `--since must lie before --until, got ${clickHouseTime(sinceMs)} and ${clickHouseTime(untilMs)} (UTC)`,
    );
  return { since: clickHouseTime(sinceMs), until: clickHouseTime(untilMs) };
}

function usageOf({ name, args, options }: NamedQuestion): string {
  const parts = [
    `foreshock query ${name}`,
    ...args.map((each) => each.name.toUpperCase()),
    ...options.map((each) => `[--${each.name} ${each.fallback}]`),
  ];
  return `usage: ${parts.join(" ")}`;
}

/** What `--list` prints. */
export function listQuestions(): string {
  return questionNames()
    .map(readQuestion)
    .flatMap((question) => [
      question.name.padEnd(12) + question.summary,
      ...[...question.args, ...question.options].map(
        ({ name, help, fallback, choices }) =>
          `${" ".repeat(12)}${fallback === undefined ? name.toUpperCase() : `--${name} ${fallback}`}: ${help}${choices === undefined ? "" : ` (${choices.join(", ")})`}`,
      ),
    ])
    .concat([
      "",
      "Each takes --since, --until (times in UTC, or how long ago such as 1h; default: the last hour), --provider, --model, --region,",
      "--operation. --show-sql prints the statement instead of asking it.",
    ])
    .join("\n");
}

/** The statement with its values, as comments, so that it can be asked elsewhere. */
export const shownSql = ({ sql, parameters }: BoundQuestion) =>
  [...Object.entries(parameters).map(([name, value]) => `-- param_${name}=${value}`), sql].join(
    "\n",
  );
