/** The alert's own sentences on the terminal. */
import type { SinkConfig } from "../../contracts/config.ts";
import type { Notification, Sink, SinkContext } from "./sink.ts";

type TerminalConfig = Extract<SinkConfig, { kind: "terminal" }>;

const bold = { page: "\u001b[1;31m", ticket: "\u001b[1;33m", resolved: "\u001b[1;32m" } as const;
const plain = "\u001b[0m";

export function terminalSink(config: TerminalConfig, context: SinkContext): Sink {
  return {
    name: config.name,
    minimumSeverity: config.minimumSeverity,
    forgets: false,
    deliver: async (notification) => {
      context.write(`\n${format(notification, context.hasColor)}\n`);
      return { outcome: "delivered", detail: "written" };
    },
  };
}

/** First line in the severity's colour; anything in the text that would steer the terminal is taken out. */
function format({ text, transition, severities }: Notification, hasColor: boolean): string {
  const [first = "", ...rest] = text
    .replace(/[\p{Cc}\p{Cf}]/gu, (sign) => (sign === "\n" ? sign : ""))
    .split("\n");
  if (!hasColor) return [first, ...rest].join("\n");
  const tone =
    transition === "resolved" ? "resolved" : severities.at(-1) === "page" ? "page" : "ticket";
  return [`${bold[tone]}${first}${plain}`, ...rest].join("\n");
}
