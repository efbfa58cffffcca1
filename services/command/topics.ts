import { ForeshockError } from "../contracts/errors.ts";
import type { TopicReport } from "../log/kafka-topic-report.ts";
import { reportTopics } from "../runtime/app.ts";
import { loadConfig } from "../runtime/config-load.ts";
import { type Command, configOption, exitCodes, write } from "./command.ts";

export const topicsCommand: Command = {
  name: "topics",
  summary:
    "Compare Kafka's topics with what Foreshock needs, explain each difference, make what is missing.",
  usage: "[--verify | --create] [--json] [--config FILE]",
  options: {
    ...configOption,
    verify: { type: "boolean", help: "Only look (the default)" },
    create: {
      type: "boolean",
      help: "Make missing topics with the settings they need; change none",
    },
    json: { type: "boolean", help: "A JSON list of topics and differences instead of text" },
  },
  examples: [
    "foreshock topics --create --config kafka.yaml",
    "FORESHOCK_LOG_ENGINE=kafka FORESHOCK_LOG_BROKERS=127.0.0.1:9092 foreshock topics",
  ],
  notes: [
    "Exit code 1 says that a topic is missing or differs. Run it before a Collector writes: Kafka makes topics that a writer",
    "names with its own defaults, which Foreshock refuses.",
  ],
  run: async (args) => {
    if (args.flag("verify") && args.flag("create"))
      throw new ForeshockError("usage", "topics: --verify only looks, --create makes: give one");
    const { config } = loadConfig(args.text("config"), process.env);
    if (config.log.engine !== "kafka")
      throw new ForeshockError(
        "usage",
        `topics: log.engine is ${config.log.engine}, whose topics foreshock run makes itself; set log.engine (FORESHOCK_LOG_ENGINE) to kafka`,
      );
    const reports = await reportTopics(config, args.flag("create"));
    if (args.flag("json")) write(JSON.stringify(reports, null, 2));
    else for (const line of describe(reports)) write(line);
    const isRight = reports.every(({ state }) => state === "right" || state === "created");
    return isRight ? exitCodes.ok : exitCodes.no;
  },
};

const weights = {
  refused: "Foreshock does not start with it",
  mended: "set at every start",
  costs: "works, less well",
} as const;

function describe(reports: readonly TopicReport[]): string[] {
  const width = Math.max(...reports.map(({ topic }) => topic.length)) + 2;
  const lines = reports.flatMap(({ topic, state, partitions, differences }) => [
    `${topic.padEnd(width)}${state.padEnd(9)}${partitions} partition${partitions === 1 ? "" : "s"}`,
    ...differences.flatMap(({ setting, found, wanted, weight, why, mend }) => [
      `  ${setting} is ${found}, wanted ${wanted} (${weights[weight]}): ${why}`,
      ...(mend === undefined ? [] : [`    ${mend}`]),
    ]),
  ]);
  const count = (state: TopicReport["state"]) =>
    reports.filter((report) => report.state === state).length;
  const missing = count("missing");
  return [
    ...lines,
    `${count("right")} right, ${count("created")} created, ${missing} missing, ${count("differs")} different.` +
      (missing > 0 ? " foreshock topics --create makes what is missing." : ""),
  ];
}
