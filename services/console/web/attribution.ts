/** Attribution as bars: which share of what went bad carries a value, against the share that would be usual. */
import type { IncidentDetail } from "../../contracts/http-api.ts";
import { h } from "./dom.ts";
import { formatNumber, formatRatio } from "./format.ts";

const shownValues = 6;

export function attributionBars(attribution: IncidentDetail["attribution"]): HTMLElement {
  if (attribution.length === 0)
    return h("p", { class: "muted" }, "Nothing stands out: the fault is alike everywhere.");
  const dimensions = [...new Set(attribution.map(({ dimension }) => dimension))];
  return h(
    "div",
    {},
    ...dimensions.map((dimension) => {
      const values = attribution
        .filter((one) => one.dimension === dimension)
        .sort((a, b) => b.share - a.share);
      return h(
        "figure",
        { class: "bars" },
        h("figcaption", {}, dimension),
        ...values.slice(0, shownValues).map(bar),
        values.length > shownValues
          ? h("p", { class: "muted" }, `and ${values.length - shownValues} more`)
          : null,
      );
    }),
    h("p", { class: "muted" }, "Bar: share of the bad requests. Mark: share of all requests."),
  );
}

function bar({
  value,
  bad,
  of,
  share,
  expectedShare,
  isNamed,
}: IncidentDetail["attribution"][number]): HTMLElement {
  const fill = h("span", { class: "fill" });
  fill.style.width = `${100 * Math.min(1, share)}%`;
  const mark = h("span", { class: "mark" });
  mark.style.left = `${100 * Math.min(1, expectedShare)}%`;
  return h(
    "div",
    { class: isNamed ? "bar-row named" : "bar-row" },
    h("span", { class: "bar-name" }, value),
    h(
      "span",
      {
        class: "track",
        role: "img",
        "aria-label": `${formatRatio(share)} of the bad requests, ${formatRatio(expectedShare)} of all`,
      },
      fill,
      mark,
    ),
    h(
      "span",
      { class: "bar-count" },
      `${formatRatio(share)} · ${formatNumber(bad)} of ${formatNumber(of)}`,
    ),
  );
}
