/** The pictures of the report: leads as dots, and one run's timeline. SVG, sized by its box. */
import type { RivalName } from "./rivals/rules.ts";
import type { Outcome } from "./scenarios-job.ts";

const width = 960;

const rivalWords: Partial<Record<RivalName, string>> = {
  burn_999: "burn rate 99.9 %",
  burn_995: "burn rate 99.5 %",
  burn_fair: "burn rate, fair budget",
  ttft_burn: "burn rate of slow first tokens",
  ttft_double: "first tokens p95 doubled",
  static_5pct: "5 % errors for 5 min",
  bands: "adaptive bands",
};

/** Rows of dots: scenarios with an outage, Foreshock's pages above the rivals' of the same runs. */
export function leadsSvg(outcomes: readonly Outcome[]): string {
  const led = outcomes.filter(({ kind, outageMin }) => kind === "fault" && outageMin !== null);
  const names = [...new Set(led.map(({ scenario }) => scenario))];
  const rowHeight = 26;
  const height = names.length * rowHeight + 30;
  // Signed square root: minutes matter near the outage, hours away from it do not.
  const bend = (minutes: number) =>
    Math.sign(minutes) * Math.sqrt(Math.min(180, Math.abs(minutes)));
  const x = (lead: number) => 480 + bend(lead) * 30;
  const grid = [-20, -10, -5, -1, 0, 1, 5, 10, 20, 60, 120]
    .map(
      (lead) =>
        `<line class="${lead === 0 ? "o" : "grid"}" x1="${x(lead)}" x2="${x(lead)}" y1="18" y2="${height - 8}"/><text x="${x(lead)}" y="12" text-anchor="middle">${lead === 0 ? "outage" : `${lead > 0 ? "" : "+"}${Math.abs(lead)}`}</text>`,
    )
    .join("");
  const rows = names.map((name, row) => {
    const y = 32 + row * rowHeight;
    const runs = led.filter(({ scenario }) => scenario === name);
    const dots = runs.flatMap(({ rivals, outageMin }) =>
      Object.values(rivals).flatMap(({ pageMin }) =>
        pageMin === null || outageMin === null
          ? []
          : `<circle class="dr" cx="${x(outageMin - pageMin).toFixed(1)}" cy="${y + 6}" r="2.5"/>`,
      ),
    );
    const own = runs.flatMap(({ foreshock }) =>
      foreshock.leadMin === null
        ? []
        : `<circle class="d" cx="${x(foreshock.leadMin).toFixed(1)}" cy="${y - 3}" r="4"/>`,
    );
    return `<text class="name" x="0" y="${y + 4}">${name}</text>${[...new Set(dots)].join("")}${own.join("")}`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Leads by scenario">${grid}${rows.join("")}<text x="60" y="${height}">later</text><text x="${width}" y="${height}" text-anchor="end">earlier</text></svg>`;
}

/** Failing share, slowness, and who paged when. */
export function timelineSvg(run: Outcome, rivalNames: readonly RivalName[]): string {
  const left = 176;
  const plot = 110;
  const minutes = Math.max(1, run.failing.length);
  // Begins shortly before the onset: the quiet time says nothing.
  const from = run.onsetMin === null ? 0 : Math.max(0, run.onsetMin - 15);
  const x = (minute: number) =>
    left + ((Math.max(from, minute) - from) / (minutes - from)) * (width - left - 6);
  const yFail = (share: number) => plot - Math.min(1, share) * (plot - 14);
  const ySlow = (factor: number) =>
    plot - Math.min(1, Math.log(Math.max(1, factor)) / Math.log(16)) * (plot - 14);
  const points = (values: readonly number[], y: (value: number) => number) =>
    values
      .map((value, minute) => ({ value, minute }))
      .filter(({ minute }) => minute >= from)
      .map(({ value, minute }) => `${x(minute + 0.5).toFixed(1)},${y(value).toFixed(1)}`)
      .join(" ");
  const names = rivalNames.filter((name) => rivalWords[name] !== undefined);
  const height = plot + 22 + (names.length + 1) * 13;
  const vertical = (minute: number | null, name: string) =>
    minute === null
      ? ""
      : `<line class="${name}" x1="${x(minute).toFixed(1)}" x2="${x(minute).toFixed(1)}" y1="6" y2="${plot}"/>`;
  const rowY = (row: number) => plot + 22 + row * 13;
  const tickets = run.told
    .filter(({ transition, atMin }) => transition === "ticketed" && atMin >= from)
    .map(
      ({ atMin }) => `<circle class="t" cx="${x(atMin).toFixed(1)}" cy="${rowY(0) - 4}" r="3"/>`,
    );
  const pages = run.told
    .filter(({ transition }) => transition === "paged")
    .map(
      ({ atMin }) =>
        `${vertical(atMin, "p")}<circle class="pf" cx="${x(atMin).toFixed(1)}" cy="${rowY(0) - 4}" r="4"/>`,
    );
  const rivals = names.map((name, row) => {
    const { pageMin, falseAtMin } = run.rivals[name];
    const dots = [...(pageMin === null ? [] : [pageMin]), ...falseAtMin].map(
      (minute) =>
        `<circle class="r" cx="${x(minute).toFixed(1)}" cy="${rowY(row + 1) - 4}" r="3"/>`,
    );
    return `<text x="0" y="${rowY(row + 1)}">${rivalWords[name]}</text>${dots.join("")}`;
  });
  const hours = ticks(from, minutes, run.onsetMin ?? 0).map(
    ({ minute, label }) =>
      `<line class="grid" x1="${x(minute).toFixed(1)}" x2="${x(minute).toFixed(1)}" y1="6" y2="${height - 2}"/><text x="${x(minute).toFixed(1)}" y="${plot + 11}" text-anchor="middle">${label}</text>`,
  );
  const base = `${x(minutes).toFixed(1)},${plot} ${x(from).toFixed(1)},${plot}`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${run.scenario}, seed ${run.seed}">${hours.join("")}
<text x="0" y="16">failing, 0 to 100 %</text><text x="0" y="30">first tokens, 1 to 16 ×</text>
<polygon class="f" points="${points(run.failing, yFail)} ${base}"/><polyline class="s" points="${points(run.slowdown, ySlow)}"/>
${vertical(run.onsetMin, "n")}${vertical(run.outageMin, "o")}<text class="name" x="0" y="${rowY(0)}">Foreshock</text>${tickets.join("")}${pages.join("")}${rivals.join("")}</svg>`;
}

/** At most eight marks, in minutes after the onset. */
function ticks(from: number, to: number, zero: number): { minute: number; label: string }[] {
  const step =
    [5, 10, 15, 30, 60, 120, 240, 720, 1440].find((size) => (to - from) / size <= 8) ?? 1440;
  const marks: { minute: number; label: string }[] = [];
  for (let k = Math.ceil((from - zero) / step); zero + k * step <= to; k++) {
    const after = k * step;
    const label = step >= 60 ? `${after / 60} h` : `${after > 0 ? "+" : ""}${after} min`;
    marks.push({ minute: zero + after, label: after === 0 ? "0" : label });
  }
  return marks;
}
