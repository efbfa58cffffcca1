import { describe, expect, it } from "vitest";
import { parseArguments } from "../../services/command/command.ts";
import { queryCommand } from "../../services/command/query.ts";
import {
  bindQuestion,
  filterNames,
  listQuestions,
  shownSql,
} from "../../services/command/query-named.ts";
import {
  clickHouseTime,
  durationSeconds,
  pointInTime,
} from "../../services/command/query-period.ts";
import { questionNames, readQuestion } from "../../services/history/questions.ts";
import { explainRefusal, parseRefusal } from "../../services/history/refusals.ts";

const nowMs = Date.UTC(2026, 2, 2, 14);
const bind = (...argv: string[]) =>
  bindQuestion(argv[0] ?? "", parseArguments(queryCommand, argv), nowMs);

describe("times on the command line", () => {
  it.each([
    ["90", 90],
    ["90s", 90],
    ["1.5m", 90],
    ["2h", 7_200],
    ["7d", 604_800],
    ["2w", 1_209_600],
  ])("take %s for %d seconds", (text, seconds) => {
    expect(durationSeconds(text, "step")).toBe(seconds);
  });

  it.each(["", "-1h", "1y", "h", "1h30m", "1e3"])("refuse the duration '%s'", (text) => {
    expect(() => durationSeconds(text, "step")).toThrow(`--step must be a duration`);
  });

  it.each([
    ["1h", nowMs - 3_600_000],
    ["now", nowMs],
    ["2026-03-02T13:00:00Z", Date.UTC(2026, 2, 2, 13)],
    ["2026-03-02", Date.UTC(2026, 2, 2)],
    ["2026-03-02T15:00:00+02:00", Date.UTC(2026, 2, 2, 13)],
  ])("take %s for a point in time", (text, ms) => {
    expect(pointInTime(text, "since", nowMs)).toBe(ms);
  });

  it("are said to ClickHouse in UTC, to the millisecond", () => {
    expect(clickHouseTime(nowMs + 5)).toBe("2026-03-02 14:00:00.005");
  });
});

describe("a named question", () => {
  it("asks about the last hour and about everything unless told otherwise", () => {
    expect(bind("slowest").parameters).toEqual({
      since: "2026-03-02 13:00:00.000",
      until: "2026-03-02 14:00:00.000",
      provider: "",
      model: "",
      region: "",
      operation: "",
      limit: "20",
    });
  });

  it("takes its arguments in order, filters and durations", () => {
    const { parameters } = bind("quantile", "ttft", "--step", "15m", "--model", "it's");
    expect(parameters).toMatchObject({ signal: "ttft", step: "900", model: "it's", q: "0.95" });
  });

  it("counts --since alone from now, and an hour before --until", () => {
    expect(bind("slowest", "--until", "2h").parameters).toMatchObject({
      since: "2026-03-02 11:00:00.000",
      until: "2026-03-02 12:00:00.000",
    });
  });

  it.each([
    [["slowest", "surplus"], /'surplus' is one argument too many; usage: foreshock query slowest/],
    [["errors-by"], /which dimension\?/],
    [["quantile", "speed"], /signal must be one of ttft, duration/],
    [["slowest", "--since", "1h", "--until", "2h"], /--since must lie before --until/],
    [["slowest", "--since", "yesterday"], /--since must be a time such as/],
    [["../refusals"], /neither SQL nor a named question; there are around, compare/],
  ])("says what is wrong with %j", (argv, message) => {
    expect(() => bind(...argv)).toThrow(message);
  });

  it("is shown as a statement with its values", () => {
    const shown = shownSql(bind("around", "4bf92f3577b34da6a3ce929d0e0e4736"));
    expect(shown).toContain("-- param_trace=4bf92f3577b34da6a3ce929d0e0e4736\n");
    expect(shown).toContain("{trace:String}");
  });
});

describe.each(questionNames())("question %s", (name) => {
  const question = readQuestion(name);
  const inputs = [...question.args, ...question.options].map((input) => input.name);

  it("says in a line what it answers, and is listed with all that it takes", () => {
    expect(question.summary).toMatch(/\S+ .*\.$|\S+ .*:/);
    expect(listQuestions()).toContain(question.summary);
  });

  it("uses all that it declares, and nothing that nobody gives", () => {
    const used = [...question.sql.matchAll(/\{(\w+):\w/g)].map(([, found = ""]) => found);
    const given = ["since", "until", ...filterNames, ...inputs];
    expect(used.filter((each) => !given.includes(each))).toEqual([]);
    expect(inputs.filter((each) => !used.includes(each))).toEqual([]);
  });

  it("has options that the command line knows, each with a value to fall back on", () => {
    for (const { name: option, fallback } of question.options) {
      expect(Object.keys(queryCommand.options)).toContain(option);
      expect(fallback).toBeDefined();
    }
  });
});

describe("a refusal by the engine", () => {
  const body =
    "Code: 60. DB::Exception: Unknown table expression identifier 'nosuch' in scope SELECT * FROM nosuch. (UNKNOWN_TABLE) (version 26.7.1.1)";

  it("is told without what only programs want", () => {
    expect(parseRefusal(body, 404)).toEqual({
      code: 60,
      text: "Unknown table expression identifier 'nosuch'. (UNKNOWN_TABLE)",
    });
  });

  it("says what to do next", () => {
    expect(explainRefusal(parseRefusal(body, 404)).message).toMatch(
      /\(code 60\)\n {2}SHOW TABLES lists the tables/,
    );
  });

  it("is told apart from a question that failed", () => {
    expect(explainRefusal({ code: 392, text: "x" }).code).toBe("query_refused");
    expect(explainRefusal({ code: 241, text: "x" }).code).toBe("history_failed");
  });

  it("has words even where the body is empty", () => {
    expect(parseRefusal("", 502)).toEqual({ code: 0, text: "HTTP status 502" });
  });
});
