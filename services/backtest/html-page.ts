/** The frame of reports that are one HTML file: no script, nothing loaded, dark and light. */
import { escapeHtml, timelineStyle } from "./timeline-svg.ts";

export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 32px auto; padding: 0 16px; font-variant-numeric: tabular-nums; }
h1 { font-size: 24px; } h2 { font-size: 16px; margin-top: 32px; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 4px 8px; border-bottom: 1px solid #8884; vertical-align: top; }
td.number, th.number { text-align: right; } .failed { color: #b3261e; font-weight: 600; } pre { overflow-x: auto; font-size: 12px; background: #8881; padding: 8px; }
details { margin: 4px 0; }
${timelineStyle}
</style></head><body>
${body}
</body></html>
`;
}

/** Cells are texts; numbers stand right. */
export function htmlTable(
  head: readonly string[],
  rows: readonly (readonly (string | number | undefined)[])[],
): string {
  const cell = (value: string | number | undefined, tag: "td" | "th") =>
    typeof value === "number"
      ? `<${tag} class="number">${roundedText(value)}</${tag}>`
      : `<${tag}>${escapeHtml(value ?? "—")}</${tag}>`;
  const line = (cells: readonly (string | number | undefined)[], tag: "td" | "th") =>
    `<tr>${cells.map((value) => cell(value, tag)).join("")}</tr>`;
  return `<table>${line(head, "th")}${rows.map((row) => line(row, "td")).join("")}</table>`;
}

export const roundedText = (value: number) =>
  Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 1 ? 3 : 2);
