/** Keys: `j k` move, `enter` open, `a` acknowledge, `s` silence, `/` find, `?` help, `escape` back. */

export interface KeyActions {
  readonly acknowledge: () => void;
  readonly silence: () => void;
  readonly find: () => void;
  readonly help: () => void;
  readonly back: () => void;
}

export function listenToKeys(actions: KeyActions): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const target = event.target as HTMLElement | null;
    const isTyping = target?.matches("input, textarea, select") ?? false;
    if (isTyping && event.key !== "Escape") return;
    switch (event.key) {
      case "j":
        return move(event, 1);
      case "k":
        return move(event, -1);
      case "a":
        return run(event, actions.acknowledge);
      case "s":
        return run(event, actions.silence);
      case "/":
        return run(event, actions.find);
      case "?":
        return run(event, actions.help);
      case "Escape":
        if (isTyping) target?.blur();
        return run(event, actions.back);
    }
  });
}

function run(event: KeyboardEvent, action: () => void): void {
  event.preventDefault();
  action();
}

/** `enter` is the browser's own: everything one can move to is a link or a button. */
function move(event: KeyboardEvent, by: 1 | -1): void {
  const stops = [...document.querySelectorAll<HTMLElement>("[data-nav]")];
  if (stops.length === 0) return;
  event.preventDefault();
  const at = stops.indexOf(document.activeElement as HTMLElement);
  const next =
    at < 0 ? (by > 0 ? 0 : stops.length - 1) : Math.min(stops.length - 1, Math.max(0, at + by));
  stops[next]?.focus();
  stops[next]?.scrollIntoView({ block: "nearest" });
}
