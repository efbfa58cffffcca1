/**
 * A film is all that a run leaves for those who judge it: its truth, what Foreshock's incident stage reads (frames), what the rivals
 * read (counters). It does not depend on any decision, so that it can be kept and judged again: a change in services/incident
 * costs a fifth of a run.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { RunOptions } from "../../services/chatbot/chatbot.ts";
import { planRun, simulate, TruthCollector } from "../../services/chatbot/chatbot.ts";
import type { FleetEvent } from "../../services/chatbot/fleet-event.ts";
import type { RunPlan } from "../../services/chatbot/run-plan.ts";
import type { TruthHeader } from "../../services/chatbot/truth.ts";
import { judgementSchema } from "../../services/contracts/config.ts";
import { type Frame, frameRecord } from "../../services/contracts/frame.ts";
import { encodeFrameParts } from "../../services/detect/record-parts.ts";
import { type FramesHow, framesOf, rehearse } from "../support/run-scenario.ts";
import { type RequestSeries, SeriesCollector } from "./rivals/request-series.ts";
import { TouchedCollector, type TouchedMinutes } from "./scenarios-touched.ts";

export interface FilmOptions extends RunOptions {
  /** Over spans and aggregation, as live, rather than from events. */
  readonly isWhole: boolean;
  /** Play on until the fault has gone instead of ending when the outage is old. */
  readonly isFull: boolean;
}

export interface Film {
  readonly truth: TruthHeader;
  readonly series: RequestSeries;
  readonly touched: TouchedMinutes;
  readonly frames: Iterable<Frame>;
}

interface Shot {
  readonly frames: Iterable<Frame>;
  /** Call once all frames are taken. */
  readonly finish: () => Omit<Film, "frames">;
}

const minuteMs = 60_000;
/** A run is over this long after its outage began: what comes later is neither early nor late. */
const afterOutageMs = 40 * minuteMs;
/** Frames in a compressed piece: small enough to hold, large enough to compress. */
const pieceBytes = 4_000_000;
/** Before each frame: append time, length. */
const frameHeadBytes = 12;

/** Plays a run, and hands frames on as they come; the film is whole once they are all taken. */
export function shootFilm(options: FilmOptions): Shot {
  return shoot(options, framesOf);
}

/** A film whose frames can be made again, by detectors that are other than before. */
export function shootRehearsed(
  options: FilmOptions,
): Omit<Film, "frames"> & { readonly detect: () => Iterable<Frame> } {
  const { frames: detect, finish } = shoot(options, rehearse);
  return { ...finish(), detect };
}

/** Plays a run for what `make` makes of its events. */
function shoot<T>(
  options: FilmOptions,
  make: (plan: RunPlan, events: Iterable<FleetEvent>, how: FramesHow) => T,
): { readonly frames: T; readonly finish: () => Omit<Film, "frames"> } {
  const plan = planRun(options);
  const truth = new TruthCollector(plan, { hasQuantiles: false, hasCells: plan.faults.length > 0 });
  const series = new SeriesCollector(plan.fleet, plan.startMs);
  const touched = new TouchedCollector(plan.fleet, plan.startMs);
  let lastMs = plan.startMs;
  const observe = (event: FleetEvent) => {
    lastMs = event.endMs;
    truth.observe(event);
    series.observe(event);
    touched.observe(event);
  };
  const judgement = judgementSchema.parse({});
  const events = watch(plan, observe, options.isFull ? undefined : () => truth.outageSoFarMs());
  return {
    frames: make(plan, events, { judgement, isDirect: !options.isWhole }),
    finish: () => {
      const { header } = truth.finish();
      const endMs = Math.min(header.endMs, Math.ceil(lastMs / minuteMs) * minuteMs);
      return { truth: { ...header, endMs }, series: series.finish(), touched: touched.finish() };
    },
  };
}

/** The run's events until its end, or until its outage is old enough. */
function* watch(
  plan: RunPlan,
  observe: (event: FleetEvent) => void,
  outageMs: (() => number | null) | undefined,
): Generator<FleetEvent> {
  let nextLookMs = plan.faultStartMs ?? Number.POSITIVE_INFINITY;
  for (const event of simulate(plan)) {
    observe(event);
    yield event;
    if (outageMs === undefined || event.endMs < nextLookMs) continue;
    nextLookMs = event.endMs + 2 * minuteMs;
    const since = outageMs();
    if (since !== null && event.endMs >= since + afterOutageMs) return;
  }
}

/** Films by what they were made of, in a folder. */
export class FilmStore {
  readonly #folder: string;
  readonly #source: string;

  /** `isStaleAllowed`: films count whatever code made them, for when it is known that what changed since does not matter. */
  constructor(folder: string, isStaleAllowed: boolean) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#source = isStaleAllowed ? "" : sourceHash();
  }

  #fileOf(options: FilmOptions): string {
    const hash = createHash("sha256").update(JSON.stringify(options)).digest("hex").slice(0, 16);
    return join(this.#folder, `${options.scenario.scenario}-${options.seed}-${hash}.film`);
  }

  read(options: FilmOptions): Film | undefined {
    const file = this.#fileOf(options);
    if (!existsSync(file)) return undefined;
    const pieces = readPieces(readFileSync(file));
    const { source, ...header } = JSON.parse((pieces[0] ?? Buffer.alloc(0)).toString()) as Omit<
      Film,
      "frames"
    > & { source: string };
    if (this.#source !== "" && source !== this.#source) return undefined;
    const counts = pieces[1] ?? Buffer.alloc(0);
    const values = new Uint32Array(
      counts.buffer.slice(counts.byteOffset, counts.byteOffset + counts.byteLength),
    );
    return { ...header, series: { ...header.series, values }, frames: framesIn(pieces.slice(2)) };
  }

  /** Frames as they pass; the film is written once the last has passed. */
  keep(options: FilmOptions): Shot {
    const shot = shootFilm(options);
    const file = this.#fileOf(options);
    const source = this.#source === "" ? sourceHash() : this.#source;
    const pieces: Uint8Array[] = [];
    let parts: Uint8Array[] = [];
    let size = 0;
    const cut = () => {
      if (parts.length > 0) pieces.push(compress(Buffer.concat(parts)));
      parts = [];
      size = 0;
    };
    const frames = (function* () {
      for (const frame of shot.frames) {
        for (const value of encodeFrameParts(frame)) {
          const head = Buffer.alloc(frameHeadBytes);
          head.writeDoubleLE(frame.appendMs, 0);
          head.writeUInt32LE(value.length, 8);
          parts.push(head, value);
          size += value.length;
        }
        if (size >= pieceBytes) cut();
        yield frame;
      }
      cut();
    })();
    const finish = () => {
      const made = shot.finish();
      const { values, ...series } = made.series;
      const header = compress(Buffer.from(JSON.stringify({ ...made, series, source })));
      const counts = compress(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      const all = [header, counts, ...pieces].flatMap((piece) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(piece.length);
        return [length, piece];
      });
      writeFileSync(`${file}.part`, Buffer.concat(all));
      renameSync(`${file}.part`, file);
      return made;
    };
    return { frames, finish };
  }
}

const compress = (bytes: Uint8Array): Uint8Array => zstdCompressSync(bytes, { params: { 100: 1 } });

function readPieces(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    const piece = bytes.subarray(at + 4, at + 4 + length);
    // Frames stay compressed until they are asked for: a week of them would fill memory.
    pieces.push(pieces.length < 2 ? zstdDecompressSync(piece) : piece);
    at += 4 + length;
  }
  return pieces;
}

function* framesIn(pieces: readonly Buffer[]): Generator<Frame> {
  for (const piece of pieces) {
    const bytes = zstdDecompressSync(piece);
    for (let at = 0; at < bytes.length; ) {
      const from = at + frameHeadBytes;
      const to = from + bytes.readUInt32LE(at + 8);
      yield frameRecord.decode(bytes.subarray(from, to));
      at = to;
    }
  }
}

/** All that a film depends on, by content. */
function sourceHash(): string {
  const root = join(import.meta.dirname, "../..");
  const hash = createHash("sha256");
  const folders = [
    "detectors",
    "services/chatbot",
    "services/contracts",
    "services/detect",
    "services/aggregate",
  ];
  const files = folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((name) =>
        join(folder, String(name)),
      ),
    )
    .concat(
      ["fleet-windows", "fleet-cell-window", "direct-detect", "run-scenario"].map(
        (name) => `test/support/${name}.ts`,
      ),
    )
    .filter((name) => name.endsWith(".ts"))
    .sort();
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
