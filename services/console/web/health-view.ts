/** The sentence of health with its age. */
import type { CellState, HealthLevel, Now } from "../../contracts/http-api.ts";
import type { Connection } from "./connection.ts";
import { h, setText } from "./dom.ts";
import { formatDuration } from "./format.ts";
import { glyph } from "./glyph.ts";
import { healthOf } from "./health.ts";

const signs: Readonly<Record<HealthLevel, CellState>> = {
  empty: "silent",
  stale: "silent",
  page: "page",
  ticket: "ticket",
  watching: "watching",
  learning: "learning",
  good: "normal",
};

export function createHealthView(): {
  readonly element: HTMLElement;
  update(connection: Connection): void;
} {
  const sign = h("span", { class: "sign" });
  const sentence = h("span", { role: "status" });
  const age = h("span", { class: "age" });
  const element = h("h1", { class: "health" }, sign, h("span", {}, sentence, " ", age));
  let level: HealthLevel | undefined;
  return {
    element,
    update(connection) {
      const { now } = connection;
      if (now === undefined) {
        element.className = "health empty";
        setText(sentence, connection.line === "lost" ? "The console does not answer" : "Looking …");
        setText(
          age,
          connection.line === "lost"
            ? `since ${formatDuration(Date.now() - connection.sinceMs)}`
            : "",
        );
        return;
      }
      const health = currentHealth(now, connection);
      if (health.level !== level) {
        level = health.level;
        sign.replaceChildren(glyph(signs[health.level], true));
        element.className = `health ${health.level}`;
      }
      // The age ticks outside of what is read aloud.
      const at = health.sentence.lastIndexOf(", newest data");
      setText(sentence, at < 0 ? health.sentence : health.sentence.slice(0, at));
      setText(age, at < 0 ? "" : health.sentence.slice(at + 2));
    },
  };
}

/** By the server's clock, so that a page on a wrong clock does not invent ages. */
function currentHealth(now: Now, { skewMs }: Connection) {
  return healthOf({ ...now, nowMs: Date.now() + skewMs });
}
