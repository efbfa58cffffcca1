import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** State colours as the style sheet has them, light and dark. */
const css = readFileSync(new URL("../../services/console/web/app.css", import.meta.url), "utf8");
const states = ["normal", "watching", "ticket", "page", "silent"] as const;
type Rgb = readonly [number, number, number];

function token(name: string, scheme: 0 | 1): Rgb {
  const colours = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(css);
  const hex = Number.parseInt(colours?.[scheme + 1]?.slice(1) ?? "", 16);
  return [hex >> 16, (hex >> 8) & 255, hex & 255];
}

const linear = (channel: number) => {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};

/** Dichromacies at full strength: Machado, Oliveira, Fernandes 2009, table 1, on linear RGB. */
const sights = {
  full: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [
    0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998,
  ],
  deuteranopia: [
    0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881,
  ],
  tritanopia: [
    1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039,
  ],
} as const;

function seenBy(sight: keyof typeof sights, colour: Rgb): Rgb {
  const m = sights[sight];
  const [r, g, b] = colour.map(linear) as unknown as Rgb;
  const row = (at: number) => (m[at] ?? 0) * r + (m[at + 1] ?? 0) * g + (m[at + 2] ?? 0) * b;
  return [row(0), row(3), row(6)].map((share) => Math.min(1, Math.max(0, share))) as unknown as Rgb;
}

/** Linear RGB to Oklab: Ottosson 2020. */
function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const distance = (a: Rgb, b: Rgb) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
const luminance = (colour: Rgb) => {
  const [r, g, b] = colour.map(linear) as unknown as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: Rgb, b: Rgb) => {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
};

describe.each([
  ["light", 0],
  ["dark", 1],
] as const)("state colours, %s", (_, scheme) => {
  it.each(Object.keys(sights) as (keyof typeof sights)[])(
    "of what is normal and what is not differ under %s",
    (sight) => {
      const seen = (state: (typeof states)[number]) => oklab(seenBy(sight, token(state, scheme)));
      for (const state of ["watching", "ticket", "page"] as const)
        expect(distance(seen("normal"), seen(state)), `normal, ${state}`).toBeGreaterThan(0.08);
      expect(distance(seen("ticket"), seen("page"))).toBeGreaterThan(0.04);
    },
  );

  it("stand out from their ground as signs must (WCAG 3 : 1), text as text must (4.5 : 1)", () => {
    const ground = token("ground", scheme);
    for (const state of states)
      expect(contrast(token(state, scheme), ground), state).toBeGreaterThan(3);
    for (const name of ["text", "muted", "accent"])
      expect(contrast(token(name, scheme), ground), name).toBeGreaterThan(4.5);
  });
});
