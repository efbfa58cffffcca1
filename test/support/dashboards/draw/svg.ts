/** SVG as text, as small as pictures of some thousand points need to be. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const ink = {
  page: "#111217",
  panel: "#181b1f",
  line: "#2c3036",
  text: "#d5d8de",
  quiet: "#8e96a3",
} as const;

/** Grafana's classic palette, in its order. */
const palette = [
  "#7EB26D",
  "#EAB839",
  "#6ED0E0",
  "#EF843C",
  "#E24D42",
  "#1F78C1",
  "#BA43A9",
  "#705DA0",
  "#508642",
  "#CCA300",
  "#447EBC",
  "#C15C17",
] as const;

export const colorOf = (index: number) => palette[index % palette.length] ?? ink.text;

/** Names of Grafana's colours that the dashboards use. */
const named: Readonly<Record<string, string>> = {
  green: "#56A64B",
  red: "#E02F44",
  text: ink.text,
};
export const plainColor = (color: string) => named[color] ?? color;

export const at = (value: number) => String(Math.round(value * 10) / 10);

const escapes: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&quot;",
};
export const escaped = (text: string) =>
  text.replace(/[<>&"]/g, (character) => escapes[character] ?? "");

export interface TextStyle {
  readonly size?: number;
  readonly color?: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly isBold?: boolean;
}

export function text(x: number, y: number, words: string, style: TextStyle = {}): string {
  const { size = 11, color = ink.text, anchor = "start", isBold = false } = style;
  const where = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  const weight = isBold ? ' font-weight="600"' : "";
  return `<text x="${at(x)}" y="${at(y)}" font-size="${size}" fill="${color}"${where}${weight}>${escaped(words)}</text>`;
}

export const rect = (box: Box, fill: string, more = "") =>
  `<rect x="${at(box.x)}" y="${at(box.y)}" width="${at(Math.max(0, box.width))}" height="${at(Math.max(0, box.height))}" fill="${fill}"${more === "" ? "" : ` ${more}`}/>`;

export const path = (d: string, attributes: string) => `<path d="${d}" ${attributes}/>`;

/** Widths over the size, about: digits are wider than letters are on average. */
const widths = { digit: 0.64, other: 0.56 } as const;

const widthOf = (words: string, size: number) =>
  size * [...words].reduce((sum, one) => sum + (/\d/.test(one) ? widths.digit : widths.other), 0);

/** What of a text fits into a width; a longer one ends in an ellipsis. */
export function fitted(words: string, width: number, size = 11): string {
  if (widthOf(words, size) <= width) return words;
  let kept = words;
  while (kept.length > 1 && widthOf(`${kept}…`, size) > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

/** A text in lines that fit into a width, broken between words. */
export function wrapped(words: string, width: number, size = 11): string[] {
  const lines: string[] = [];
  for (const word of words.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && widthOf(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
