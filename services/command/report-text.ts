/** A post-incident report as Markdown and as one HTML file: the same sections, each number with the statement that gives it. */
import { htmlPage, htmlTable, roundedText } from "../backtest/html-page.ts";
import { type Bar, escapeHtml, timelineSvg } from "../backtest/timeline-svg.ts";
import { type Cell, type IncidentReport, sectionNames } from "../history/incident-report.ts";

export function reportMarkdown(report: IncidentReport): string {
  const sections = sectionNames.flatMap((name) => {
    const { title, sql, columns, rows } = report.sections[name];
    return [
      `## ${title}`,
      "",
      ...(rows.length === 0
        ? ["Nothing is recorded."]
        : [columns, columns.map(() => "---"), ...rows.map((row) => row.map(cellText))].map(
            (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
          )),
      "",
      "```sql",
      sql,
      "```",
      "",
    ];
  });
  return [
    `# ${report.title}`,
    "",
    headText(report),
    "",
    ...sections,
    "## Values of the statements' parameters",
    "",
    ...Object.entries(report.parameters).map(
      ([name, value]) => `- \`${name}\`: \`${value.replaceAll("\u001f", "\\x1f")}\``,
    ),
    "",
  ].join("\n");
}

export function reportHtml(report: IncidentReport): string {
  const sections = sectionNames.map((name) => {
    const section = report.sections[name];
    return [
      `<h2>${escapeHtml(section.title)}</h2>`,
      name === "timeline" ? courseSvg(report) : "",
      section.rows.length === 0
        ? "<p>Nothing is recorded.</p>"
        : htmlTable(
            section.columns,
            section.rows.map((row) => row.map((cell) => cell ?? undefined)),
          ),
      `<details><summary>SQL</summary><pre>${escapeHtml(section.sql)}</pre></details>`,
    ].join("\n");
  });
  const values = htmlTable(
    ["parameter", "value"],
    Object.entries(report.parameters).map(([name, value]) => [
      name,
      value.replaceAll("\u001f", "\\x1f"),
    ]),
  );
  return htmlPage(
    report.title,
    [
      `<h1>${escapeHtml(report.title)}</h1>`,
      `<p>${escapeHtml(headText(report))}</p>`,
      ...sections,
      `<details><summary>Values of the statements' parameters</summary>${values}</details>`,
    ].join("\n"),
  );
}

function headText({ incident, severity, sinceMs, endMs, isOver }: IncidentReport): string {
  const minutes = ((endMs - sinceMs) / 60_000).toFixed(1);
  return `Incident ${incident}, ${severity === "none" ? "no alert" : severity}; ${iso(sinceMs)} to ${iso(endMs)} UTC, ${minutes} min${isOver ? "" : " so far: still open at the newest window"}. Times are UTC.`;
}

/** What happened when, and how many cells were unusual in each minute. */
function courseSvg({ sections, sinceMs, endMs, severity }: IncidentReport): string {
  const kind = severity === "page" || severity === "ticket" ? severity : "none";
  const changes = sections.timeline.rows.map(([at, transition]): Bar => {
    const ms = timeOf(at);
    return { fromMs: ms, toMs: ms, kind, title: `${cellText(transition ?? null)} ${at}` };
  });
  const moved = sections["first-movers"].rows.map(
    ([since, provider, model, region, operation, signal]): Bar => ({
      fromMs: timeOf(since),
      toMs: timeOf(since),
      kind: "label",
      title: `${signal}: ${provider} ${model} ${region} ${operation} ${since}`,
    }),
  );
  const spread = sections.spread.rows.map(([minute, cells]): Bar => {
    const ms = timeOf(minute);
    return { fromMs: ms, toMs: ms + 60_000, kind: "none", title: `${cells} cells ${minute}` };
  });
  return timelineSvg(
    [
      { title: "first movers", bars: moved },
      { title: "unusual cells", bars: spread },
      { title: "transitions", bars: changes },
    ],
    sinceMs - 300_000,
    endMs + 300_000,
  );
}

const timeOf = (cell: Cell | undefined) => Date.parse(`${String(cell).replace(" ", "T")}Z`);
const iso = (ms: number) => new Date(ms).toISOString().replace("T", " ").slice(0, 19);
const cellText = (cell: Cell) =>
  cell === null ? "—" : typeof cell === "number" ? roundedText(cell) : cell;
