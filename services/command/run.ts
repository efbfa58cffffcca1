import { ForeshockError } from "../contracts/errors.ts";
import { stageNames } from "../pipeline.ts";
import { startApp } from "../runtime/app.ts";
import { loadConfig } from "../runtime/config-load.ts";
import type { StageName } from "../stage.ts";
import { type Command, configOption, exitCodes, reporter } from "./command.ts";

export const runCommand: Command = {
  name: "run",
  summary: "Watch a chatbot: OTLP in, alerts out. All stages in one process, or the ones named.",
  usage: "[stage…] [--config FILE]",
  maxPositionals: Number.POSITIVE_INFINITY,
  options: { ...configOption },
  examples: [
    "foreshock run",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python your_chatbot.py     (in another terminal)",
    "FORESHOCK_DATA_DIR=/var/lib/foreshock FORESHOCK_LOG_LEVEL=warn foreshock run",
  ],
  notes: [
    `Stages: ${stageNames.join(", ")}. SIGTERM and Ctrl-C stop it cleanly within half a minute.`,
  ],
  run: async (args) => {
    const unknown = args.positionals.filter((name) => !stageNames.includes(name as StageName));
    if (unknown.length > 0)
      throw new ForeshockError(
        "usage",
        `run: no stage ${unknown.join(", ")}; there are ${stageNames.join(", ")}`,
      );
    const { config, warnings } = loadConfig(args.text("config"), process.env);
    const report = reporter(config.logLevel);
    for (const warning of warnings) report("warn", warning);
    const stages = args.positionals.length === 0 ? stageNames : (args.positionals as StageName[]);
    const stopped = stopSignal();
    const app = await startApp({ config, stages, report });
    const width = Math.max(...Object.keys(app.addresses).map((name) => name.length)) + 2;
    const otlp = app.addresses["OTLP HTTP"];
    process.stderr.write(
      `${[
        "Foreshock is watching.",
        ...Object.entries(app.addresses).map(
          ([name, address]) => `  ${name.padEnd(width)}${address}`,
        ),
        `  ${"data".padEnd(width)}${config.dataDir}`,
        ...(config.notify.sinks.length === 0 && stages.includes("notify")
          ? [
              "No sink is configured: alerts go to this terminal and the page (notify.sinks adds Alertmanager or a webhook).",
            ]
          : []),
        ...(otlp === undefined
          ? []
          : [`Point an SDK at it: OTEL_EXPORTER_OTLP_ENDPOINT=http://${otlp}`]),
        "Ctrl-C stops it.",
      ].join("\n")}\n`,
    );
    await stopped;
    report("info", "stopping …");
    await app.close();
    return exitCodes.ok;
  },
};

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = 0;
    for (const name of ["SIGINT", "SIGTERM"] as const)
      process.on(name, () => {
        asked++;
        if (asked > 1) process.exit(130);
        resolve();
      });
  });
}
