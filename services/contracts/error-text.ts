/**
 * Error messages quote what was sent ("could not parse: <prompt>"), yet say what went wrong in words that classifying
 * needs (`Error code: 529 - {…}`). So of such a text only its beginning stays, as long as every word of it is a number,
 * the name of an error class, or one of the words below.
 */
export const knownErrorWords: ReadonlySet<string> = new Set(
  (
    "a abort aborted after again agent an and anthropic api apistatus at attempts azure bad bedrock been body by call canceled " +
    "cancelled check chunk chunked client closed code cohere complete completing connect connection context could currently " +
    "deadline did doing due engine error exceeded exception failed failure fetch first for from gateway gemini generator " +
    "getting grpc had hang has have http in incomplete incorrect internal invalid is it key label last later length limit " +
    "litellm llm many maximum message mistral model not of on openai operation out overloaded param peer permission please " +
    "processing provided provider quota rate reached read received remote request requests reset response retries retry " +
    "running s sending server service slow socket status status_code statuscode stream streaming temporarily terminated the this time " +
    "timed timeout to tokens too try type unauthorized unavailable unexpected up upstream vertex was while window with " +
    "without write your"
  ).split(" "),
);

/** Class names (`openai.RateLimitError`, `AI_APICallError`, `GeneratorExit`) and error types (`overloaded_error`). */
export const errorName =
  /^(?:[A-Za-z_]\w{0,40}\.){0,6}[A-Za-z_]\w{0,60}(?:Error|Exception|Timeout|Exit|Overloaded|_error)$/;
const number = /^\d{1,6}$/;
export const errorTextLimitBytes = 128;

/** Bytes of the text's beginning that may stay, 0 to 128. `bytes[start, end)` is UTF-8. */
export function knownErrorTextBytes(bytes: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, start + errorTextLimitBytes);
  let kept = start;
  let at = start;
  while (at < limit) {
    let wordEnd = at;
    while (wordEnd < limit && isWordByte(bytes[wordEnd] as number)) wordEnd++;
    // A word that runs on past the limit is not known to be harmless.
    if (wordEnd === limit && limit < end && isWordByte(bytes[limit] as number)) break;
    if (wordEnd > at) {
      if (!isKnown(asciiText(bytes, at, wordEnd))) break;
      at = wordEnd;
      kept = at;
      continue;
    }
    if (!isSeparator(bytes[at] as number)) break;
    at++;
    kept = at;
  }
  return kept - start;
}

function isKnown(word: string): boolean {
  const bare = word.replace(/\.+$/, "");
  return number.test(bare) || knownErrorWords.has(bare.toLowerCase()) || errorName.test(bare);
}

/** Letters, digits, `_` and `.`. */
function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x5f ||
    byte === 0x2e
  );
}

/** What may stand between known words: punctuation of sentences, of JSON and of Python's way to write it. */
export const errorTextSeparators = " :,()/=-{}[]'\"";
const separatorBytes: ReadonlySet<number> = new Set(Buffer.from(errorTextSeparators));

const isSeparator = (byte: number): boolean => separatorBytes.has(byte);

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}
