/** A span → what it counts as: a row of numbers for a model call or an HTTP request, or nothing. */
import { outcomeIndex } from "../../contracts/outcomes.ts";
import { type AttributeSlots, valueKind } from "../decode/attributes.ts";
import { hashBytes, internText, mixBits, textOf } from "../decode/texts.ts";
import { candidate, candidateFlag, candidateKind } from "../spans/candidates.ts";
import { fieldOf } from "./attributes.ts";
import { endingOf } from "./ending.ts";
import { finishKind, finishOf } from "./finish.ts";
import { httpOutcomeOf, routeOf, serviceOf } from "./http.ts";
import type { Library } from "./libraries.ts";
import {
  cachedTokensOf,
  durationUsOf,
  firstChunkUsOf,
  inputTokensOf,
  isStreamed,
  outputTokensOf,
  reasoningTokensOf,
  retriesOf,
} from "./measures.ts";
import { modelInName, operationInName } from "./named-calls.ts";
import { operationOf } from "./operations.ts";
import { errorNameOf, hasException, isFailed, readableError } from "./outcomes.ts";
import {
  isAlias,
  isSubstituted,
  modelOf,
  providerBefore,
  providerOf,
  responseModelOf,
  withoutProvider,
} from "./providers.ts";
import { type Reading, spanOrResourceText, textIn } from "./reading.ts";

/** What a task knows besides the span. */
export interface Classifier {
  /** Dimension names of the configuration with their attribute numbers. */
  readonly dimensions: readonly { readonly name: string; readonly field: number }[];
  readonly tenantFields: readonly number[];
  /** Of the resource and scope that are being read. */
  resourceRegion: number;
  library: Library;
}

/** Where a span's numbers go: the row that begins at `at`. */
export interface CandidateRow {
  readonly data: Float64Array;
  readonly at: number;
}

const region = fieldOf("cloud.region");
const responseId = fieldOf("gen_ai.response.id");
const tokensBesideCache = fieldOf("ai.usage.inputTokenDetails.noCacheTokens");

/** Fills the row at `at` and gives true, or gives false for a span that does not count. Row, sender and weight are left to the caller. */
export function classify(reading: Reading, classifier: Classifier, row: CandidateRow): boolean {
  const { library } = classifier;
  const named = operationOf(reading);
  const operation =
    named === "" && library.namesFailures === true ? operationInName(reading) : named;
  const recordsStreams = operation !== "" && library.recordsStreams === true;
  if (recordsStreams && isStreamOpening(reading)) return false;
  if (operation !== "") classifyCall(reading, classifier, row, operation);
  else if (!classifyHttp(reading, row)) return false;
  const { data, at } = row;
  const spanRegion = textIn(reading, reading.attributes, region);
  data[at + candidate.region] = spanRegion === 0 ? classifier.resourceRegion : spanRegion;
  data[at + candidate.durationUs] = durationUsOf(reading, recordsStreams);
  data[at + candidate.startMs] =
    (reading.span.startHigh * 4_294_967_296 + reading.span.startLow) / 1e6;
  data[at + candidate.tenant] = tenantOf(reading, classifier.tenantFields);
  fillDimensions(reading, classifier, row);
  return true;
}

function classifyCall(
  reading: Reading,
  classifier: Classifier,
  row: CandidateRow,
  operation: string,
): void {
  const { data, at } = row;
  const { texts } = reading;
  const { library } = classifier;
  const firstChunkUs = firstChunkUsOf(reading, library.firstTokenInMs === true);
  const finish = finishOf(reading);
  const outputTokens = outputTokensOf(reading);
  const told = modelOf(reading);
  const asked = told === 0 && library.namesFailures === true ? modelInName(reading) : told;
  const said = providerOf(reading, asked);
  const provider =
    said === 0 && library.prefixesModels === true ? providerBefore(texts, asked) : said;
  const model = withoutProvider(texts, asked, provider);
  const inputTokens = inputTokensOf(reading, leavesOutCached(reading, library, provider));
  const responseModel = responseModelOf(reading);
  const streamed = isStreamed(reading, firstChunkUs);
  let flags = streamed ? candidateFlag.streamed : 0;
  const { outcome, flags: endingFlags } = endingOf(reading, library, {
    finish,
    inputTokens,
    outputTokens,
    hasFirstChunk: firstChunkUs >= 0,
    hasResponseModel: responseModel !== 0,
    isStreamed: streamed,
    operation,
  });
  flags |= endingFlags;
  if (operation === "embeddings") flags |= candidateFlag.embeddings;
  if (
    responseModel !== 0 &&
    responseModel !== model &&
    !isAlias(reading, responseModel) &&
    isSubstitutedId(reading, model, responseModel)
  )
    flags |= candidateFlag.substituted;
  data[at + candidate.kind] = candidateKind.call;
  data[at + candidate.provider] = provider;
  data[at + candidate.model] = model;
  data[at + candidate.operation] = internText(texts, operation);
  data[at + candidate.outcome] = outcome;
  data[at + candidate.flags] = flags;
  data[at + candidate.finish] = finish;
  data[at + candidate.firstChunkUs] = firstChunkUs;
  data[at + candidate.inputTokens] = inputTokens;
  data[at + candidate.outputTokens] = outputTokens;
  data[at + candidate.cachedTokens] = cachedTokensOf(reading);
  data[at + candidate.reasoningTokens] = reasoningTokensOf(reading);
  data[at + candidate.retries] = retriesOf(reading);
  data[at + candidate.responseModel] = responseModel;
  data[at + candidate.error] = outcome === outcomeIndex.ok ? 0 : readableErrorOf(reading);
  data[at + candidate.nearness] = library.nearness;
}

function classifyHttp(reading: Reading, row: CandidateRow): boolean {
  const route = routeOf(reading);
  if (route === 0) return false;
  const { data, at } = row;
  const outcome = httpOutcomeOf(reading);
  data[at + candidate.kind] = candidateKind.http;
  data[at + candidate.provider] = serviceOf(reading);
  data[at + candidate.model] = 0;
  data[at + candidate.operation] = route;
  data[at + candidate.outcome] = outcome;
  data[at + candidate.flags] = 0;
  data[at + candidate.finish] = finishKind.missing;
  data[at + candidate.firstChunkUs] = -1;
  data[at + candidate.inputTokens] = -1;
  data[at + candidate.outputTokens] = -1;
  data[at + candidate.cachedTokens] = -1;
  data[at + candidate.reasoningTokens] = -1;
  data[at + candidate.retries] = 0;
  data[at + candidate.responseModel] = 0;
  data[at + candidate.error] = outcome === outcomeIndex.ok ? 0 : readableErrorOf(reading);
  data[at + candidate.nearness] = 0;
  return true;
}

/** A success without anything of an answer: that comes with the record of the stream's end. */
function isStreamOpening(reading: Reading): boolean {
  if (isFailed(reading) || hasException(reading)) return false;
  if (textIn(reading, reading.attributes, responseId) !== 0) return false;
  return inputTokensOf(reading, false) < 0 && outputTokensOf(reading) < 0;
}

/**
 * OpenLIT and the Vercel AI SDK up to 5 hand on Anthropic's own count of input tokens, in which those read from the cache are not.
 * From 6 on the latter adds them up, and says beside it how many were not.
 */
function leavesOutCached(reading: Reading, library: Library, provider: number): boolean {
  if (library.passesOnTokens !== true || textOf(reading.texts, provider) !== "anthropic")
    return false;
  return reading.attributes.kinds[tokensBesideCache] === valueKind.none;
}

function readableErrorOf(reading: Reading): number {
  const name = errorNameOf(reading);
  if (name === 0) return 0;
  const text = textOf(reading.texts, name);
  return text.startsWith("<") ? internText(reading.texts, readableError(text)) : name;
}

const substitutions = new WeakMap<object, Map<number, boolean>>();

function isSubstitutedId(reading: Reading, model: number, responseModel: number): boolean {
  let known = substitutions.get(reading.texts);
  if (known === undefined) {
    known = new Map();
    substitutions.set(reading.texts, known);
  }
  const pair = model * 67_108_864 + responseModel;
  const before = known.get(pair);
  if (before !== undefined) return before;
  const value = isSubstituted(textOf(reading.texts, model), textOf(reading.texts, responseModel));
  known.set(pair, value);
  return value;
}

/** Hash of the first tenant attribute that is present, −1 where none is. */
function tenantOf(reading: Reading, fields: readonly number[]): number {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as number;
    const own = tenantIn(reading, reading.attributes, field);
    if (own >= 0) return own;
    const shared = tenantIn(reading, reading.resource, field);
    if (shared >= 0) return shared;
  }
  return -1;
}

function tenantIn(reading: Reading, slots: AttributeSlots, field: number): number {
  const kind = slots.kinds[field];
  if (kind === valueKind.text) {
    const start = slots.starts[field] as number;
    const end = slots.ends[field] as number;
    return start === end ? -1 : hashBytes(reading.bytes, start, end) >>> 0;
  }
  return kind === valueKind.integer ? mixBits(slots.numbers[field] as number) >>> 0 : -1;
}

/** Labels of `input_token_bucket` with their upper ends, tokens (excluded). */
const tokenBuckets: readonly (readonly [number, string])[] = [
  [1_000, "<1k"],
  [4_000, "1k-4k"],
  [16_000, "4k-16k"],
  [64_000, "16k-64k"],
  [Number.POSITIVE_INFINITY, "≥64k"],
];

function fillDimensions(reading: Reading, classifier: Classifier, row: CandidateRow): void {
  const { data, at } = row;
  for (let i = 0; i < classifier.dimensions.length; i++) {
    const { name, field } = classifier.dimensions[i] as (typeof classifier.dimensions)[number];
    let value: number;
    if (name === "error.type") value = data[at + candidate.error] as number;
    else if (name === "gen_ai.response.model") value = data[at + candidate.responseModel] as number;
    else if (name === "input_token_bucket")
      value = bucketOf(reading, data[at + candidate.inputTokens] as number);
    else value = spanOrResourceText(reading, field);
    data[at + candidate.dimensions + i] = value;
  }
}

function bucketOf(reading: Reading, tokens: number): number {
  if (tokens < 0) return 0;
  const bucket = tokenBuckets.find(([end]) => tokens < end);
  return bucket === undefined ? 0 : internText(reading.texts, bucket[1]);
}
