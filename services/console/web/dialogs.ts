/** The dialogs: help, silence, one cell. */
import type { CellView } from "../../contracts/http-api.ts";
import { h } from "./dom.ts";
import { describe } from "./matrix-view.ts";
import { createSparkline } from "./sparkline.ts";

function openDialog(
  title: string,
  ...children: readonly (HTMLElement | SVGElement)[]
): HTMLDialogElement {
  const close = h("button", { type: "button", class: "quiet close", "aria-label": "Close" }, "×");
  const dialog = h(
    "dialog",
    { "aria-label": title },
    h("header", {}, h("h2", {}, title), close),
    ...children,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

const keys = [
  ["j  k", "move down, up"],
  ["enter", "open"],
  ["a", "acknowledge the incident"],
  ["s", "silence"],
  ["/", "find"],
  ["esc", "back to Now"],
  ["?", "this help"],
] as const;

export function openHelp(): void {
  openDialog(
    "Keys",
    h(
      "dl",
      { class: "keys" },
      ...keys.flatMap(([key, what]) => [
        h("dt", {}, ...key.split("  ").map((one) => h("kbd", {}, one))),
        h("dd", {}, what),
      ]),
    ),
  );
}

export function openCell(cell: CellView): void {
  const spark = createSparkline();
  spark.update(cell.points, cell.main?.unit);
  spark.element.classList.add("large");
  openDialog(
    [cell.model || cell.provider, cell.operation].filter((part) => part !== "").join(" "),
    h("p", {}, describe(cell)),
    spark.element,
    h(
      "p",
      { class: "muted" },
      `${cell.main?.words ?? "No signal"}, last 15 minutes, with what was expected`,
    ),
  );
}

const lengths = [
  ["30", "30 minutes"],
  ["120", "2 hours"],
  ["480", "8 hours"],
  ["1440", "1 day"],
] as const;

export interface SilenceRequest {
  readonly matchers: Readonly<Record<string, string>>;
  readonly minutes: number;
  readonly by: string;
  readonly note: string;
}

/** Asks what to silence: the incident itself, one of its places, or everything. */
export function openSilence(
  incident:
    | {
        readonly id: string;
        readonly title: string;
        readonly places: readonly Readonly<Record<string, string>>[];
      }
    | undefined,
  by: string,
  onDone: (request: SilenceRequest) => void,
): void {
  const choices: { readonly label: string; readonly matchers: Readonly<Record<string, string>> }[] =
    [
      ...(incident === undefined
        ? []
        : [{ label: `This incident: ${incident.title}`, matchers: { incident: incident.id } }]),
      ...(incident?.places ?? []).map((place) => ({
        label: `Everything at ${Object.entries(place)
          .map(([name, value]) => `${name}=${value}`)
          .join(", ")}`,
        matchers: place,
      })),
      { label: "Everything", matchers: {} },
    ];
  const what = h(
    "select",
    { name: "what", autofocus: true },
    ...choices.map(({ label }, index) => h("option", { value: index }, label)),
  );
  const minutes = h(
    "select",
    { name: "minutes" },
    ...lengths.map(([value, label]) => h("option", { value }, label)),
  );
  const who = h("input", {
    name: "by",
    required: true,
    maxlength: 100,
    value: by,
    autocomplete: "name",
  });
  const note = h("input", { name: "note", maxlength: 1000 });
  const form = h(
    "form",
    { method: "dialog" },
    h("label", {}, "What", what),
    h("label", {}, "How long", minutes),
    h("label", {}, "Who", who),
    h("label", {}, "Why", note),
    h(
      "p",
      { class: "muted" },
      "Open alerts stay open; nothing new is sent until the silence ends or is lifted.",
    ),
    h("button", { type: "submit", class: "main" }, "Silence"),
  );
  form.addEventListener("submit", () =>
    onDone({
      matchers: choices[Number(what.value)]?.matchers ?? {},
      minutes: Number(minutes.value),
      by: who.value,
      note: note.value,
    }),
  );
  openDialog("Silence", form);
}
