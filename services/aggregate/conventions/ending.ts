/** How a call ended: well, with an error, or neither, which each library leaves in its own way. */
import { outcomeIndex } from "../../contracts/outcomes.ts";
import { textOf } from "../decode/texts.ts";
import { candidateFlag } from "../spans/candidates.ts";
import { fieldOf, fieldsOf } from "./attributes.ts";
import { finishKind } from "./finish.ts";
import type { Library } from "./libraries.ts";
import { failureOf, hasException, isFailed, isUntranslated } from "./outcomes.ts";
import { firstText, type Reading, textIn } from "./reading.ts";

const provider = fieldOf("gen_ai.provider.name");
const apiType = fieldOf("openai.api.type");
const answeringModels = fieldsOf("gen_ai.response.model", "llm.response.model");
const outputType = fieldOf("output.mime_type");
const answerStart = fieldOf("mastra.completion_start_time");

/** What is known of the call besides. */
interface Told {
  /** A `finishKind`. */
  readonly finish: number;
  /** −1 where the telemetry does not tell. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly hasFirstChunk: boolean;
  readonly hasResponseModel: boolean;
  readonly isStreamed: boolean;
  readonly operation: string;
}

interface CallEnding {
  /** Index in `outcomes`. */
  readonly outcome: number;
  /** Of `candidateFlag`. */
  readonly flags: number;
}

const well: CallEnding = { outcome: outcomeIndex.ok, flags: 0 };
const left: CallEnding = { outcome: outcomeIndex.client_cancelled, flags: 0 };
const broken: CallEnding = { outcome: outcomeIndex.stream_error, flags: 0 };
const unfinished: CallEnding = {
  outcome: outcomeIndex.client_cancelled,
  flags: candidateFlag.unfinished,
};
const unfinishedOrCut: CallEnding = {
  outcome: outcomeIndex.client_cancelled,
  flags: candidateFlag.unfinished | candidateFlag.askParent,
};

const brokenOrRefused: CallEnding = {
  outcome: outcomeIndex.stream_error,
  flags: candidateFlag.askAbove,
};

export function endingOf(reading: Reading, library: Library, call: Told): CallEnding {
  if (isFailed(reading) || hasThrown(reading, library, call)) {
    const { outcome, isWeak } = failureOf(reading, {
      hasBegun: call.hasFirstChunk || hasOutput(reading, library),
      namesAnswer: namesAnswer(reading, library),
      isMidStream: library.translatesErrors === true && call.isStreamed && isUntranslated(reading),
      finish: call.finish,
    });
    return { outcome, flags: isWeak ? candidateFlag.weak : 0 };
  }
  const isUnknown = call.finish === finishKind.unknown && call.isStreamed && call.outputTokens <= 0;
  if (call.finish === finishKind.error || isUnknown) {
    if (library.cancelsWithError === true) return left;
    return isUnknown || call.hasFirstChunk || hasStarted(reading) ? broken : brokenOrRefused;
  }
  if (!isUnfinished(reading, library, call)) return well;
  return library.unfinished === "cut" ? unfinishedOrCut : unfinished;
}

/** An event of an exception fails a call that has neither status nor answer; others may have got over it. */
function hasThrown(reading: Reading, library: Library, call: Told): boolean {
  if (!hasException(reading)) return false;
  if (library.failsByException === true) return true;
  const isOpen = reading.span.statusCode === 0 && call.finish === finishKind.missing;
  return isOpen && call.outputTokens <= 0;
}

/** Mastra says when an answer began, whole ones too, so it is no time to the first token. */
const hasStarted = (reading: Reading): boolean =>
  textIn(reading, reading.attributes, answerStart) !== 0;

/**
 * OpenInference's clients say of which type an output is where there is one, be it a part of what a stream should have brought; its
 * frameworks say it always.
 */
const hasOutput = (reading: Reading, library: Library): boolean =>
  library.nearness >= 2 && textIn(reading, reading.attributes, outputType) !== 0;

/** The model that answered stands on a failed span only where its stream had begun; LiteLLM writes it beforehand. */
function namesAnswer(reading: Reading, library: Library): boolean {
  return library.nearness >= 2 && firstText(reading, answeringModels) !== 0;
}

/** Neither an error nor an end, in a library where successes always have one. */
function isUnfinished(reading: Reading, library: Library, call: Told): boolean {
  if (library.unfinished === "unknown" || call.finish !== finishKind.missing) return false;
  if (library.onlyStreams === true && !call.isStreamed) return false;
  const isEmbedding = call.operation === "embeddings";
  if (library.endsAlways === true) return !isEmbedding && call.outputTokens <= 0;
  if (library.endsStreams === true)
    // Its earlier versions, which have the former name of the provider, do not always write the reason.
    return call.isStreamed && !isEmbedding && textIn(reading, reading.attributes, provider) !== 0;
  if (reading.span.statusCode !== 0) return false;
  const hasTokens = call.outputTokens > 0 || call.inputTokens > 0;
  const hasAnswer = hasTokens || call.hasResponseModel;
  if (isEmbedding) return library.answersAlways === true && !hasAnswer;
  if (library.answersAlways === true) {
    // The Responses API's spans have tokens when they end well, but not always a finish reason.
    const api = textOf(reading.texts, textIn(reading, reading.attributes, apiType));
    if (api === "responses" && hasTokens) return false;
    return call.isStreamed || !hasAnswer;
  }
  return call.outputTokens <= 0 || library.unfinished === "cut" || library.marksSuccess === true;
}
