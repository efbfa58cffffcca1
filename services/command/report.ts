import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ForeshockError } from "../contracts/errors.ts";
import { readIncidentReport } from "../history/incident-report.ts";
import { openHistoryQuestions } from "../runtime/app.ts";
import { loadConfig } from "../runtime/config-load.ts";
import { type Command, configOption, exitCodes, write } from "./command.ts";
import { reportHtml, reportMarkdown } from "./report-text.ts";

export const reportCommand: Command = {
  name: "report",
  summary: "Write up an incident from history: what moved first, who was hit, who was told when.",
  usage: "INCIDENT [--out DIR] [--config FILE]",
  maxPositionals: 1,
  options: {
    ...configOption,
    out: {
      type: "string",
      value: "DIR",
      help: "Write incident-ID.md and incident-ID.html there (default: Markdown on standard output)",
    },
  },
  examples: ["foreshock query incidents --since 7d", "foreshock report 7f3a --out reports"],
  notes: [
    "INCIDENT is an id or the beginning of one. Each number stands with the SQL that gives it; tenants are counted, never named.",
  ],
  run: async (args) => {
    const [incident] = args.positionals;
    if (incident === undefined)
      throw new ForeshockError(
        "usage",
        "report: which incident? foreshock query incidents --since 7d lists them",
      );
    const { config } = loadConfig(args.text("config"), process.env);
    await using reader = await openHistoryQuestions(config);
    const report = await readIncidentReport(reader, {
      incident,
      errorBudget: config.judgement.detect.sloErrorRatio,
    });
    const out = args.text("out");
    if (out === undefined) {
      write(reportMarkdown(report));
      return exitCodes.ok;
    }
    if (!existsSync(out)) mkdirSync(out, { recursive: true });
    const file = join(out, `incident-${report.incident}`);
    writeFileSync(`${file}.md`, reportMarkdown(report));
    writeFileSync(`${file}.html`, reportHtml(report));
    write(`${file}.md, ${file}.html`);
    return exitCodes.ok;
  },
};
