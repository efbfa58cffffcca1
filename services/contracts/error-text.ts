/**
 * Error messages quote what was sent ("could not parse: <prompt>"), yet say what went wrong in words that classifying
 * needs (`Error code: 529 - {…}`). So of such a text only its beginning stays, as long as every word of it is a number,
 * the name of an error class, or one of the words below.
 */
export const knownErrorWords: ReadonlySet<string> = new Set(
  (
    "a an and api apistatus at bad been by cancelled canceled client closed code connect connection could deadline did error " +
    "exceeded exception failed failure for from gateway generator grpc has have http in internal is it label limit litellm llm " +
    "many message model not of on openai anthropic azure bedrock vertex gemini mistral cohere out overloaded peer provider quota " +
    "rate reached read received remote request requests reset response server service slow status status_code statuscode stream " +
    "temporarily the time timed timeout to too try unavailable unauthorized unexpected upstream was while with without write"
  ).split(" "),
);

/** Class names (`openai.RateLimitError`, `AI_APICallError`, `GeneratorExit`) and error types (`overloaded_error`). */
export const errorName =
  /^(?:[A-Za-z_]\w{0,40}\.){0,6}[A-Za-z_]\w{0,60}(?:Error|Exception|Timeout|Exit|Overloaded|_error)$/;
const number = /^\d{1,6}$/;
export const errorTextLimitBytes = 96;

/** Bytes of the text's beginning that may stay, 0 to 96. `bytes[start, end)` is UTF-8. */
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

/** Space and `: - , ( ) [ ] < > ' / =`, in so far as they stand between known words. */
function isSeparator(byte: number): boolean {
  return (
    byte === 0x20 ||
    byte === 0x3a ||
    byte === 0x2d ||
    byte === 0x2c ||
    byte === 0x28 ||
    byte === 0x29 ||
    byte === 0x2f ||
    byte === 0x3d
  );
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}
