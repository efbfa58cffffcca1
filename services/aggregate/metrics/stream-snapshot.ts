/** What a metrics task remembers of its streams, in chunks of JSON lines. */
import { ForeshockError } from "../../contracts/errors.ts";
import { checkpointChunkBytes } from "../../contracts/records.ts";
import { mappingOf, metricMappings } from "../conventions/metric-table.ts";
import { createKnownStreams, type KnownStream, type KnownStreams } from "./known-streams.ts";
import type { PreferredSources } from "./preferred-sources.ts";

export interface StreamState {
  readonly known: KnownStreams;
  readonly preferred: PreferredSources;
}

/** Metrics are named, so that the table may be put in another order. */
type Line =
  | { readonly kind: "since"; readonly sinceMs: number }
  | { readonly kind: "reporter"; readonly reporter: string; readonly heardMs: number | null }
  | {
      readonly kind: "source";
      readonly key: string;
      readonly metric: string;
      readonly heardMs: number;
    }
  | { readonly kind: "stream"; readonly metric: string; readonly known: KnownStream };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeStreams(
  { known, preferred }: StreamState,
  limitBytes = checkpointChunkBytes,
): Uint8Array[] {
  const lines: Line[] = [];
  if (known.sinceMs !== undefined) lines.push({ kind: "since", sinceMs: known.sinceMs });
  for (const [reporter, heardMs] of known.reporters)
    lines.push({ kind: "reporter", reporter, heardMs: Number.isFinite(heardMs) ? heardMs : null });
  for (const [key, { mapping, heardMs }] of preferred)
    lines.push({ kind: "source", key, metric: nameOf(mapping), heardMs });
  for (const stream of known.byKey.values())
    lines.push({ kind: "stream", metric: nameOf(stream.stream.mapping), known: stream });
  return cut(lines, limitBytes);
}

const nameOf = (mapping: number): string => metricMappings[mapping]?.names[0] ?? "";

function cut(lines: readonly Line[], limitBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let texts: string[] = [];
  let size = 0;
  const close = () => {
    if (texts.length > 0) chunks.push(encoder.encode(texts.join("\n")));
    texts = [];
    size = 0;
  };
  for (const line of lines) {
    const text = JSON.stringify(line);
    // A character is at most three bytes in UTF-8.
    if (size + 3 * text.length > limitBytes) close();
    texts.push(text);
    size += 3 * text.length + 1;
  }
  close();
  return chunks;
}

/** Throws `checkpoint_invalid` for what `encodeStreams` did not write. */
export function decodeStreams(chunks: readonly Uint8Array[]): StreamState {
  const state: StreamState = { known: createKnownStreams(), preferred: new Map() };
  for (const chunk of chunks)
    for (const text of decoder.decode(chunk).split("\n")) take(state, parse(text));
  return state;
}

function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch (cause) {
    throw new ForeshockError("checkpoint_invalid", "saved streams of metrics do not read back", {
      cause,
    });
  }
}

function take({ known, preferred }: StreamState, line: Line): void {
  switch (line.kind) {
    case "since":
      known.sinceMs = line.sinceMs;
      return;
    case "reporter":
      known.reporters.set(line.reporter, line.heardMs ?? Number.POSITIVE_INFINITY);
      return;
    case "source": {
      const mapping = mappingOf(line.metric);
      if (mapping !== undefined) preferred.set(line.key, { mapping, heardMs: line.heardMs });
      return;
    }
    case "stream": {
      const mapping = mappingOf(line.metric);
      if (mapping === undefined) return;
      const { stream, level, tally, ...times } = line.known;
      known.byKey.set(stream.key, {
        ...times,
        level,
        tally: withSum(tally),
        stream: { ...stream, mapping },
      });
    }
  }
}

/** JSON has no NaN: a sum that is not known was written as null. */
function withSum(tally: KnownStream["tally"]): KnownStream["tally"] {
  return tally === undefined
    ? undefined
    : { ...tally, sum: (tally.sum as number | null) ?? Number.NaN };
}
