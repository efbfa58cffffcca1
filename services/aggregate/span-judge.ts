/** What one span counts as, without its window: the same conventions, for whoever keeps single spans. */
import { outcomes } from "../contracts/outcomes.ts";
import { createFields, fieldOf } from "./conventions/attributes.ts";
import { type Classifier, classify } from "./conventions/classify.ts";
import { libraryOf } from "./conventions/libraries.ts";
import { type Reading, textIn } from "./conventions/reading.ts";
import { clearSlots } from "./decode/attributes.ts";
import { readSpan } from "./decode/span-reader.ts";
import { createTexts, internBytes, textOf, textsHeld } from "./decode/texts.ts";
import { createTraceReader, readResource } from "./decode/trace-reader.ts";
import { viewOf } from "./decode/wire-scan.ts";
import { candidate, createCandidates } from "./spans/candidates.ts";

export interface JudgedSpan {
  provider: string;
  model: string;
  region: string;
  operation: string;
  /** One of `outcomes`. */
  outcome: string;
}

/** Interned texts held before they are forgotten. */
const textsLimit = 100_000;
const regionField = fieldOf("cloud.region");

/**
 * Judges spans one by one, in the order of a record: resource, scope, spans; positions are those of the messages' contents.
 * Of calls that several spans describe each is judged for itself: only windows know which of them counts.
 */
export function createSpanJudge() {
  const fields = createFields([]);
  const reader = createTraceReader(fields.keys);
  const reading: Reading = { ...reader, bytes: new Uint8Array(0), texts: createTexts(), scope: 0 };
  const classifier: Classifier = {
    dimensions: [],
    tenantFields: [],
    resourceRegion: 0,
    library: libraryOf(""),
  };
  const { data } = createCandidates(0);
  const judged: JudgedSpan = { provider: "", model: "", region: "", operation: "", outcome: "" };

  function take(bytes: Uint8Array): void {
    if (reading.bytes === bytes) return;
    reading.bytes = bytes;
    reading.scan.view = viewOf(bytes);
  }

  return {
    beginResource(bytes: Uint8Array, start: number, end: number): void {
      take(bytes);
      if (textsHeld(reading.texts) > textsLimit) reading.texts = createTexts();
      clearSlots(reading.resource);
      readResource(reader, bytes, start, end);
      classifier.resourceRegion = textIn(reading, reading.resource, regionField);
    },
    beginScope(bytes: Uint8Array, nameStart: number, nameEnd: number): void {
      take(bytes);
      reading.scope = internBytes(reading.texts, reading.scan.view, nameStart, nameEnd);
      classifier.library = libraryOf(textOf(reading.texts, reading.scope));
    },
    /** Undefined for a span that is no call and no request. The answer is the same object each time. */
    judgeSpan(bytes: Uint8Array, start: number, end: number): JudgedSpan | undefined {
      take(bytes);
      readSpan(reader, bytes, start, end);
      if (!classify(reading, classifier, { data, at: 0 })) return undefined;
      const text = (column: number) => textOf(reading.texts, data[column] as number);
      judged.provider = text(candidate.provider);
      judged.model = text(candidate.model);
      judged.region = text(candidate.region);
      judged.operation = text(candidate.operation);
      judged.outcome = outcomes[data[candidate.outcome] as number] ?? "other";
      return judged;
    },
  };
}
