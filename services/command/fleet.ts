import {
  loadFleet,
  loadScenario,
  loadTrafficData,
  planRun,
  scenarioNames,
  simulate,
  writeRun,
} from "../chatbot/chatbot.ts";
import { speakThroughSdk } from "../chatbot/sdk-speaker.ts";
import { ForeshockError } from "../contracts/errors.ts";
import { systemClock } from "../runtime/clock.ts";
import { type Command, exitCodes, outputFile, write } from "./command.ts";
import { showProgress } from "./progress.ts";
import { stopSignal } from "./run.ts";

export const fleetCommand: Command = {
  name: "fleet",
  summary:
    "Simulate a chatbot fleet: into a capture file with its ground truth, or live over OTLP.",
  usage: "[--scenario NAME|FILE] [--seed N] (--out FILE [--truth FILE] | --endpoint URL)",
  options: {
    scenario: {
      type: "string",
      value: "NAME",
      help: "S01 … S20 faults, C01 … C16 confounders, clean, or a YAML file (default: clean)",
    },
    seed: { type: "string", value: "N", help: "Same seed, same bytes (default: 1)" },
    fleet: { type: "string", value: "FILE", help: "YAML file with another fleet shape" },
    traffic: {
      type: "string",
      value: "DIR",
      help: "Folder with recorded traffic to draw load and token counts from",
    },
    minutes: {
      type: "string",
      value: "N",
      help: "Length of the run (default: until the scenario is over; clean: 60)",
    },
    partitions: {
      type: "string",
      value: "N",
      help: "Source partitions in the capture (default: 2)",
    },
    out: { type: "string", value: "FILE", help: "Capture file; .gz and .zst are compressed" },
    truth: {
      type: "string",
      value: "FILE",
      help: "Ground truth beside it (default: FILE.truth.jsonl)",
    },
    endpoint: {
      type: "string",
      value: "URL",
      help: "Speak live through the OpenTelemetry SDK, such as http://127.0.0.1:4318",
    },
    list: { type: "boolean", help: "List the scenarios" },
  },
  examples: [
    "foreshock fleet --list",
    "foreshock fleet --scenario S04 --seed 7 --out s04.fsc.zst && foreshock replay s04.fsc.zst",
    "foreshock fleet --endpoint http://127.0.0.1:4318          (against a running `foreshock run`)",
  ],
  run: async (args) => {
    if (args.flag("list")) {
      for (const name of scenarioNames()) {
        const { title, kind } = loadScenario(name);
        write(`${name.padEnd(7)}${kind.padEnd(12)}${title}`);
      }
      return exitCodes.ok;
    }
    const out = outputFile(args, "out");
    const truth = outputFile(args, "truth");
    const endpoint = args.text("endpoint");
    if ((out === undefined) === (endpoint === undefined))
      throw new ForeshockError(
        "usage",
        "fleet: either --out FILE or --endpoint URL is needed; see foreshock fleet --help",
      );
    const minutes = args.integer("minutes", 0, [0, 100_000]);
    const trafficFolder = args.text("traffic");
    const plan = planRun({
      scenario: loadScenario(args.text("scenario") ?? "clean"),
      seed: args.integer("seed", 1, [0, 2 ** 31 - 1]),
      fleet: loadFleet(args.text("fleet")),
      ...(minutes === 0 ? {} : { durationMs: minutes * 60_000 }),
      ...(trafficFolder === undefined ? {} : { traffic: loadTrafficData(trafficFolder) }),
      ...(endpoint === undefined ? {} : { startMs: systemClock.nowMs() }),
    });
    if (endpoint !== undefined) {
      const stop = new AbortController();
      void stopSignal().then(() => stop.abort());
      write(`Speaking to ${endpoint} in real time; Ctrl-C ends it.`);
      const { spans } = await speakThroughSdk(plan, simulate(plan), {
        endpoint,
        clock: systemClock,
        signal: stop.signal,
      });
      write(`${spans} spans sent.`);
      return exitCodes.ok;
    }
    const capture = out ?? "";
    const truthFile = truth ?? `${capture}.truth.jsonl`;
    const partitions = args.integer("partitions", 2, [1, 65_535]);
    const progress = showProgress(
      `simulating ${plan.scenario.scenario}`,
      plan.endMs - plan.startMs,
    );
    const { header } = await writeRun({
      plan,
      capture,
      truth: truthFile,
      partitions: { traces: partitions, metrics: partitions, logs: partitions },
      onProgress: (simulatedMs) => progress.update(simulatedMs - plan.startMs),
    });
    progress.end();
    const outage = header.outage.pointMs;
    write(
      `${header.requests} requests, ${header.failures} failed, in ${capture}; truth in ${truthFile}`,
    );
    if (header.onsetMs !== null)
      write(
        `Onset ${new Date(header.onsetMs).toISOString()}, outage ${outage === null ? "none" : new Date(outage).toISOString()}`,
      );
    write(`Next: foreshock replay ${capture}`);
    return exitCodes.ok;
  },
};
