/** Spans of time in lanes, one above the other: a picture without scripts, in an HTML page's own colours. */
export interface Lane {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  /** Shown when pointed at. */
  readonly title: string;
  readonly kind: "page" | "ticket" | "none" | "label";
}

const width = 960;
const left = 140;
const laneHeight = 28;
const leastBar = 3;
const stepsMs = [1, 5, 15, 60, 180, 360, 720, 1_440, 2_880, 10_080].map(
  (minutes) => minutes * 60_000,
);

export function timelineSvg(lanes: readonly Lane[], fromMs: number, toMs: number): string {
  const height = lanes.length * laneHeight + 24;
  const x = (ms: number) =>
    left +
    ((Math.min(Math.max(ms, fromMs), toMs) - fromMs) / (toMs - fromMs || 1)) * (width - left);
  const step = stepsMs.find((each) => (toMs - fromMs) / each <= 9) ?? stepsMs.at(-1) ?? 1;
  const parts: string[] = [];
  for (let ms = Math.ceil(fromMs / step) * step; ms <= toMs; ms += step)
    parts.push(
      `<line class="tick" x1="${x(ms).toFixed(1)}" x2="${x(ms).toFixed(1)}" y1="0" y2="${height - 20}"/>`,
      `<text class="time" x="${x(ms).toFixed(1)}" y="${height - 6}">${timeText(ms, step)}</text>`,
    );
  lanes.forEach(({ title, bars }, lane) => {
    const y = lane * laneHeight + 4;
    parts.push(`<text x="0" y="${y + 15}">${escapeHtml(title)}</text>`);
    for (const bar of bars) {
      const start = x(bar.fromMs);
      const length = Math.max(leastBar, x(bar.toMs) - start);
      parts.push(
        `<rect class="${bar.kind}" x="${start.toFixed(1)}" y="${y}" width="${length.toFixed(1)}" height="20" rx="3"><title>${escapeHtml(bar.title)}</title></rect>`,
      );
    }
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(lanes.map(({ title, bars }) => `${title}: ${bars.length}`).join(", "))}">${parts.join("")}</svg>`;
}

/** Colours of the bars; shapes are told apart by lane and title as well. */
export const timelineStyle = `
svg { width: 100%; font: 12px system-ui, sans-serif; fill: currentColor; }
svg .tick { stroke: currentColor; opacity: .15; }
svg .time { text-anchor: middle; opacity: .7; font-variant-numeric: tabular-nums; }
svg .page { fill: #b3261e; } svg .ticket { fill: #c77700; } svg .none { fill: #7a7f87; } svg .label { fill: #2f6fb3; }`;

function timeText(ms: number, step: number): string {
  const text = new Date(ms).toISOString();
  return step >= 1_440 * 60_000 ? text.slice(5, 10) : text.slice(11, 16);
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
