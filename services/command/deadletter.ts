import { ForeshockError } from "../contracts/errors.ts";
import { type DeadLetter, deadLetterRecord } from "../contracts/records.ts";
import { topics } from "../contracts/topics.ts";
import type { Log } from "../log/log.ts";
import { openLog } from "../runtime/app.ts";
import { loadConfig } from "../runtime/config-load.ts";
import { type Command, configOption, exitCodes, requireLog, write } from "./command.ts";

export const deadletterCommand: Command = {
  name: "deadletter",
  summary: "List, show or re-drive records that could not be read.",
  usage: "list | show TOPIC/PARTITION/OFFSET | redrive [TOPIC/PARTITION/OFFSET…] [--config FILE]",
  maxPositionals: Number.POSITIVE_INFINITY,
  options: { ...configOption },
  examples: [
    "foreshock deadletter list",
    "foreshock deadletter show otlp_spans/0/4711",
    "foreshock deadletter redrive otlp_spans/0/4711",
  ],
  notes: [
    "The embedded log belongs to one process: stop `foreshock run` first. Re-driving appends the record to its topic again.",
  ],
  run: async (args) => {
    const [action = "list", ...places] = args.positionals;
    const { config } = loadConfig(args.text("config"), process.env);
    if (!["list", "show", "redrive"].includes(action))
      throw new ForeshockError(
        "usage",
        `deadletter: no action '${action}'; there are list, show, redrive`,
      );
    if (action === "show" && places.length === 0)
      throw new ForeshockError(
        "usage",
        "deadletter show: which one? See foreshock deadletter list",
      );
    requireLog(config);
    await using log = await openLog(config);
    const letters = await readLetters(log);
    const chosen = places.length === 0 ? letters : places.map((place) => find(letters, place));
    if (action === "list") list(letters);
    else if (action === "show")
      for (const letter of chosen) show(letter, await bytesOf(log, letter));
    else await redrive(log, chosen);
    return exitCodes.ok;
  },
};

const placeOf = ({ topic, partition, offset }: DeadLetter) => `${topic}/${partition}/${offset}`;

/** All dead letters, the newest of each place. */
async function readLetters(log: Log): Promise<DeadLetter[]> {
  const known = await log.topics();
  if (!known.some(({ name }) => name === topics.deadletter)) return [];
  const letters = new Map<string, DeadLetter>();
  const { start, end } = await log.offsets(topics.deadletter, 0);
  for (let offset = start; offset < end; ) {
    const records = await log.read({ topic: topics.deadletter, partition: 0, fromOffset: offset });
    if (records.length === 0) break;
    for (const record of records) {
      const letter = deadLetterRecord.decode(record.value);
      letters.set(placeOf(letter), letter);
      offset = record.offset + 1;
    }
  }
  return [...letters.values()];
}

function find(letters: readonly DeadLetter[], place: string): DeadLetter {
  const letter = letters.find((candidate) => placeOf(candidate) === place);
  if (letter === undefined)
    throw new ForeshockError(
      "usage",
      `deadletter: nothing at ${place}; see foreshock deadletter list`,
    );
  return letter;
}

function list(letters: readonly DeadLetter[]): void {
  if (letters.length === 0) write("No dead letters.");
  for (const letter of letters)
    write(
      `${placeOf(letter).padEnd(28)} ${new Date(letter.appendMs).toISOString()}  ${letter.stage}  ${letter.code}: ${letter.reason}`,
    );
}

/** The record's bytes: from the letter, or where it lies in its topic. Throws `data_lost` when the topic no longer has it. */
async function bytesOf(log: Log, letter: DeadLetter): Promise<Buffer> {
  if (letter.value !== "") return Buffer.from(letter.value, "base64");
  const { topic, partition, offset } = letter;
  const [record] = await log.read({ topic, partition, fromOffset: offset, maxBytes: 1 });
  if (record?.offset !== offset)
    throw new ForeshockError(
      "data_lost",
      `deadletter: ${placeOf(letter)} is no longer in its topic`,
    );
  return Buffer.from(record.value);
}

function show(letter: DeadLetter, bytes: Buffer): void {
  write(`${placeOf(letter)}  ${letter.stage}  ${letter.code}: ${letter.reason}`);
  write(`arrived ${new Date(letter.appendMs).toISOString()}, ${bytes.length} bytes`);
  for (let at = 0; at < Math.min(bytes.length, 512); at += 16) {
    const row = bytes.subarray(at, at + 16);
    const text = [...row]
      .map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "."))
      .join("");
    write(
      `${at.toString(16).padStart(6, "0")}  ${row.toString("hex").replace(/../g, "$& ").padEnd(48)} ${text}`,
    );
  }
}

async function redrive(log: Log, letters: readonly DeadLetter[]): Promise<void> {
  for (const letter of letters) {
    const { topic, partition } = letter;
    await log.append([{ topic, partition, value: new Uint8Array(await bytesOf(log, letter)) }]);
  }
  write(`${letters.length} record${letters.length === 1 ? "" : "s"} appended again.`);
}
