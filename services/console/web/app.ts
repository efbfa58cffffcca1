/** The page: which view the address asks for, keys, and the connection that feeds it. */
import { change, openConnection } from "./connection.ts";
import { openCell, openHelp, openSilence } from "./dialogs.ts";
import { setText } from "./dom.ts";
import { formatDuration } from "./format.ts";
import { createIncidentView } from "./incident-view.ts";
import { listenToKeys } from "./keyboard.ts";
import { createNowView } from "./now-view.ts";
import type { Actions, View } from "./view.ts";

const place = element("view");
const line = element("line");
const notice = element("notice");
const find = element("find") as HTMLInputElement;

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

const nameKey = "foreshock.name";
const ownName = () => localStorage.getItem(nameKey) ?? "page";

const actions: Actions = {
  open(path) {
    history.pushState(null, "", path);
    show();
  },
  acknowledge(incident) {
    say("Acknowledging …");
    change("POST", `/api/incidents/${encodeURIComponent(incident)}/acknowledge`, {
      by: ownName(),
    }).then(
      () => say("Acknowledged: it is not sent again."),
      (error) => say(`Not acknowledged: ${error.message}`),
    );
  },
  silence(incident) {
    const known = connection.now?.incidents.find((one) => one.incident === incident);
    const places = view.element.dataset["places"];
    openSilence(
      incident === undefined
        ? undefined
        : {
            id: incident,
            title: known?.title ?? incident,
            places: places === undefined ? [] : JSON.parse(places),
          },
      ownName(),
      (request) => {
        localStorage.setItem(nameKey, request.by);
        change("POST", "/api/silences", request).then(
          () => say("Silenced."),
          (error) => say(`Not silenced: ${error.message}`),
        );
      },
    );
  },
  lift(silence) {
    change("DELETE", `/api/silences/${encodeURIComponent(silence)}`, {}).then(
      () => say("The silence is lifted."),
      (error) => say(`Not lifted: ${error.message}`),
    );
  },
};

let notices = 0;
function say(text: string): void {
  notices++;
  const mine = notices;
  setText(notice, text);
  setTimeout(() => {
    if (mine === notices) setText(notice, "");
  }, 6_000);
}

let view: View = createView();
const connection = openConnection({
  onChange: update,
  onIncident: (incident) => view.onIncident?.(incident),
});

function createView(): View {
  const incident = /^\/incidents\/([^/]+)$/.exec(location.pathname)?.[1];
  return incident === undefined
    ? createNowView(actions, () => find.value.trim())
    : createIncidentView(decodeURIComponent(incident), actions);
}

function show(): void {
  view.dispose();
  view = createView();
  place.replaceChildren(view.element);
  window.scrollTo(0, 0);
  place.focus({ preventScroll: true });
  update();
}

function update(): void {
  view.update(connection);
  document.title = view.title();
  const lost = connection.line === "lost";
  line.classList.toggle("lost", lost);
  setText(
    line,
    lost
      ? `No connection for ${formatDuration(Date.now() - connection.sinceMs)}; what is shown is that old. Trying again …`
      : "",
  );
}

place.replaceChildren(view.element);
update();
setInterval(update, 1_000);
window.addEventListener("popstate", show);
find.addEventListener("input", () => {
  if (location.pathname !== "/") actions.open("/");
  update();
});
element("help").addEventListener("click", openHelp);

document.addEventListener("click", (event) => {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey
  )
    return;
  const target = event.target as Element | null;
  const link = target?.closest("a[data-route]");
  if (link !== null && link !== undefined) {
    event.preventDefault();
    actions.open(link.getAttribute("href") ?? "/");
    return;
  }
  const key = target?.closest("[data-cell]")?.getAttribute("data-cell");
  const cell = connection.now?.cells.find((one) => one.cell === key);
  if (cell === undefined) return;
  if (cell.incident === null) openCell(cell);
  else actions.open(`/incidents/${encodeURIComponent(cell.incident)}`);
});

listenToKeys({
  acknowledge() {
    const incident = view.incidentInFocus();
    if (incident === undefined) say("There is no open incident to acknowledge.");
    else actions.acknowledge(incident);
  },
  silence: () => actions.silence(view.incidentInFocus()),
  find: () => find.focus(),
  help: openHelp,
  back: () => {
    if (find.value !== "") {
      find.value = "";
      update();
    } else if (location.pathname !== "/") actions.open("/");
  },
});
