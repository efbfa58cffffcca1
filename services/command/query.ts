import { writeFileSync } from "node:fs";
import { ForeshockError } from "../contracts/errors.ts";
import type { HistoryReader, Question } from "../history/reader.ts";
import { openHistoryQuestions } from "../runtime/app.ts";
import { loadConfig } from "../runtime/config-load.ts";
import {
  type Arguments,
  type Command,
  configOption,
  exitCodes,
  outputFile,
  write,
} from "./command.ts";
import { type BoundQuestion, bindQuestion, listQuestions, shownSql } from "./query-named.ts";

interface OutputFormat {
  readonly clickHouse: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly isBinary?: true;
}

const formats: Readonly<Record<string, OutputFormat>> = {
  table: {
    clickHouse: "PrettyCompactMonoBlock",
    settings: { output_format_pretty_color: "0", output_format_pretty_row_numbers: "0" },
  },
  json: { clickHouse: "JSONEachRow", settings: { output_format_json_array_of_rows: "1" } },
  jsonl: { clickHouse: "JSONEachRow" },
  csv: { clickHouse: "CSVWithNames" },
  tsv: { clickHouse: "TabSeparatedWithNames" },
  parquet: { clickHouse: "Parquet", isBinary: true },
};

export const queryCommand: Command = {
  name: "query",
  summary: "Ask the history: SQL, or a named question. Read-only, with limits.",
  usage: '"SELECT …" | QUESTION [ARGUMENT] [--since TIME] [--format FORMAT] [--out FILE]',
  maxPositionals: 3,
  options: {
    ...configOption,
    list: { type: "boolean", help: "List the named questions" },
    "show-sql": { type: "boolean", help: "Print the statement instead of asking it" },
    format: {
      type: "string",
      value: "FORMAT",
      short: "f",
      help: "table, json, jsonl, csv, tsv, parquet (default: table on a terminal, else tsv)",
    },
    out: { type: "string", value: "FILE", short: "o", help: "Write the answer to a file" },
    param: {
      type: "string",
      value: "NAME=VALUE",
      short: "p",
      multiple: true,
      help: "Value of {NAME:Type} in the statement; may be given several times",
    },
    since: {
      type: "string",
      value: "TIME",
      help: "Start, in UTC or as how long ago such as 1h (default: an hour before the end)",
    },
    until: { type: "string", value: "TIME", help: "End (default: now)" },
    provider: { type: "string", value: "NAME", help: "Only this provider" },
    model: { type: "string", value: "NAME", help: "Only this model" },
    region: { type: "string", value: "NAME", help: "Only this region" },
    operation: { type: "string", value: "NAME", help: "Only this operation" },
    limit: { type: "string", value: "N", help: "slowest, errors-by: how many rows" },
    seconds: { type: "string", value: "N", help: "around: how long before and after" },
    against: { type: "string", value: "DURATION", help: "compare: how long before, such as 7d" },
    q: { type: "string", value: "Q", help: "quantile: which one, 0 to 1" },
    step: { type: "string", value: "DURATION", help: "quantile: length of a row, such as 5m" },
    "max-seconds": { type: "string", value: "N", help: "Longest run, s (default 60)" },
    "max-rows": { type: "string", value: "N", help: "Most rows of an answer (default 1000000)" },
    "max-memory-mb": { type: "string", value: "N", help: "Most memory, MiB (default 2048)" },
  },
  examples: [
    "foreshock query --list",
    "foreshock query slowest --since 1h --model gpt-4o",
    "foreshock query errors-by service.version --since 2026-03-02T13:00:00Z --until 2026-03-02T14:00:00Z",
    "foreshock query quantile ttft --q 0.99 --since 1d --step 15m",
    'foreshock query "SELECT model, count() FROM spans GROUP BY model" --format csv',
    'foreshock query "SELECT * FROM spans WHERE model = {m:String} LIMIT 1000" --param m=gpt-4o --format parquet --out spans.parquet',
  ],
  notes: [
    "Asks the running Foreshock (history.host, history.httpPort) where there is one, else opens the embedded history of dataDir for as",
    "long as the question lasts, else asks the configured ClickHouse server. A running Foreshock does not raise its own limits: 60 s,",
    "2 GiB, 1,000,000 rows.",
  ],
  run: async (args) => {
    if (args.flag("list")) {
      write(listQuestions());
      return exitCodes.ok;
    }
    const bound = questionOf(args);
    if (args.flag("show-sql")) {
      write(shownSql(bound));
      return exitCodes.ok;
    }
    const out = outputFile(args, "out");
    const format = formatOf(args, out);
    const limits = {
      maxSeconds: args.integer("max-seconds", 60, [1, 3_600]),
      maxRows: args.integer("max-rows", 1_000_000, [1, 1_000_000_000]),
      maxMemoryBytes: args.integer("max-memory-mb", 2_048, [16, 1_048_576]) * 1024 ** 2,
    };
    const { config } = loadConfig(args.text("config"), process.env);
    await using reader = await openHistoryQuestions(config);
    const answer = await askPatiently(reader, {
      ...bound,
      limits,
      format: format.clickHouse,
      ...(format.settings === undefined ? {} : { settings: format.settings }),
    });
    if (out === undefined) await writeOut(answer);
    else {
      writeFileSync(out, answer);
      write(`${answer.length} bytes from ${reader.where} in ${out}`);
    }
    return exitCodes.ok;
  },
};

function questionOf(args: Arguments): BoundQuestion {
  const [text] = args.positionals;
  if (text === undefined)
    throw new ForeshockError(
      "usage",
      'query: what? Give SQL in quotes, such as foreshock query "SHOW TABLES", or a name from foreshock query --list',
    );
  const given = parametersOf(args);
  if (!/^\w[\w-]*$/.test(text)) {
    const surplus = args.positionals[1];
    if (surplus !== undefined)
      throw new ForeshockError(
        "usage",
        `query: '${surplus}' comes after the SQL: put the whole statement in quotes`,
      );
    return { sql: text, parameters: given };
  }
  const bound = bindQuestion(text, args, Date.now());
  return { sql: bound.sql, parameters: { ...bound.parameters, ...given } };
}

function parametersOf(args: Arguments): Readonly<Record<string, string>> {
  return Object.fromEntries(
    args.texts("param").map((text) => {
      const at = text.indexOf("=");
      const name = text.slice(0, Math.max(at, 0));
      if (!/^[A-Za-z_]\w*$/.test(name))
        throw new ForeshockError("usage", `--param must be NAME=VALUE, got ${text}`);
      return [name, text.slice(at + 1)];
    }),
  );
}

function formatOf(args: Arguments, out: string | undefined): OutputFormat {
  const isTerminal = process.stdout.isTTY === true && out === undefined;
  const name = args.text("format") ?? (isTerminal ? "table" : "tsv");
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format === undefined)
    throw new ForeshockError(
      "usage",
      `--format must be one of ${Object.keys(formats).join(", ")}, got ${name}`,
    );
  if (format.isBinary === true && isTerminal)
    throw new ForeshockError("usage", `--format ${name} is binary: give --out FILE`);
  return format;
}

/** Asks, saying on a terminal how long it takes; an interrupt ends the wait. */
async function askPatiently(reader: HistoryReader, question: Question): Promise<Uint8Array> {
  const stop = new AbortController();
  const interrupt = () => stop.abort(new ForeshockError("usage", "query: interrupted"));
  process.once("SIGINT", interrupt);
  const startedMs = performance.now();
  const stream = process.stderr;
  const drawing = stream.isTTY
    ? setInterval(() => {
        const seconds = Math.round((performance.now() - startedMs) / 1000);
        stream.write(
          `\r\x1b[2Kasking ${reader.where}  ${seconds} s, stops at ${question.limits?.maxSeconds ?? 60} s`,
        );
      }, 500)
    : undefined;
  try {
    return await reader.ask(question, stop.signal);
  } finally {
    clearInterval(drawing);
    if (drawing !== undefined) stream.write("\r\x1b[2K");
    process.off("SIGINT", interrupt);
  }
}

function writeOut(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(bytes, () => resolve());
  });
}
