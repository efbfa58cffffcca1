/** What one span counts as, without its window: the same conventions, for whoever keeps single spans. */
import { outcomes } from "../contracts/outcomes.ts";
import { createFields, fieldOf } from "./conventions/attributes.ts";
import { type Classifier, classify } from "./conventions/classify.ts";
import { libraryOf } from "./conventions/libraries.ts";
import { type Reading, textIn } from "./conventions/reading.ts";
import { clearSlots, valueKind } from "./decode/attributes.ts";
import { findKey } from "./decode/key-table.ts";
import { clearSpan, readSpan } from "./decode/span-reader.ts";
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

/** An `AnyValue` as whoever reads spans has it: `kind` is the number of its field, 0 where it has none. */
interface HeededValue {
  readonly kind: number;
  readonly start: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
  readonly number: number;
}

interface HeededSpan {
  readonly kind: number;
  readonly status: number;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly messageStart: number;
  readonly messageEnd: number;
  readonly startLow: number;
  readonly startHigh: number;
  readonly endLow: number;
  readonly endHigh: number;
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
    fieldOf(attribute: string): number {
      const name = new TextEncoder().encode(attribute);
      return findKey(fields.keys, viewOf(name), 0, name.length);
    },
    beginSpan(): void {
      clearSlots(reading.attributes);
    },
    heed(field: number, value: HeededValue): void {
      const slots = reading.attributes;
      if (slots.kinds[field] === valueKind.none) slots.used[slots.usedCount++] = field;
      slots.kinds[field] = kindOfField[value.kind] as number;
      slots.starts[field] = value.start;
      slots.ends[field] = value.end;
      slots.numbers[field] = numberOf(value);
    },
    /** Undefined for a span that is no call and no request. The answer is the same object each time. */
    judgeHeeded(span: HeededSpan): JudgedSpan | undefined {
      const own = reading.span;
      clearSpan(own);
      own.kind = span.kind;
      own.statusCode = span.status;
      own.nameStart = span.nameStart;
      own.nameEnd = span.nameEnd;
      own.messageStart = span.messageStart;
      own.messageEnd = span.messageEnd;
      own.startLow = span.startLow;
      own.startHigh = span.startHigh;
      own.endLow = span.endLow;
      own.endHigh = span.endHigh;
      return judge();
    },
    /** The same for a span whose attributes were not handed over. */
    judgeSpan(bytes: Uint8Array, start: number, end: number): JudgedSpan | undefined {
      take(bytes);
      readSpan(reader, bytes, start, end);
      return judge();
    },
  };

  function judge(): JudgedSpan | undefined {
    if (!classify(reading, classifier, { data, at: 0 })) return undefined;
    const { texts } = reading;
    judged.provider = textOf(texts, data[candidate.provider] as number);
    judged.model = textOf(texts, data[candidate.model] as number);
    judged.region = textOf(texts, data[candidate.region] as number);
    judged.operation = textOf(texts, data[candidate.operation] as number);
    judged.outcome = outcomes[data[candidate.outcome] as number] ?? "other";
    return judged;
  }
}

/** By the number of an `AnyValue`'s field. */
const kindOfField = [
  valueKind.other,
  valueKind.text,
  valueKind.flag,
  valueKind.integer,
  valueKind.double,
  valueKind.list,
  valueKind.other,
  valueKind.other,
];

function numberOf({ kind, low, high, number }: HeededValue): number {
  if (kind === valueKind.double) return number;
  if (kind === valueKind.flag) return low === 0 && high === 0 ? 0 : 1;
  return (high | 0) * 4_294_967_296 + low;
}
