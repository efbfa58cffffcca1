/**
 * Error messages quote what was sent ("could not parse: <prompt>"), yet say what went wrong in words that classifying needs
 * (`Error code: 529 - {…}`). So of such a text only its beginning stays, as long as it is made of
 * - terms: words of errors, names of error classes, and between them numbers of at most three digits, never two in a row;
 * - outside of quotes, at most two everyday words on the way to a term;
 * - Python's form of a class, `<class 'semantic_kernel.….OpenAIChatCompletion'>`, where its name ends as one of a program does. A
 *   quote that begins with one was written by that program, so everyday words may stand in it, too.
 * What a person wrote may begin with terms as well; sentences, names, and numbers that mean something (cards, telephones) can't
 * be made of them. `content-patterns.ts` has the same as a regular expression.
 */
const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

export const errorTerms: ReadonlySet<string> = words(
  "abort aborted after anthropic api apistatus attempts azure bad bedrock body canceled cancelled chunk chunked client closed code " +
    "cohere complete connect connection context currently deadline ended engine error exceeded exception failed failure fetch gateway " +
    "gemini getting grpc hang http incomplete incorrect internal invalid key length limit litellm llm many maximum message mistral " +
    "model occurred openai operation out overloaded param peer permission prematurely processing prompt provider quota rate reached read received remote request " +
    "requests reset response retries retry sending server service socket status status_code statuscode stream streaming temporarily " +
    "terminated timed timeout tokens type unauthorized unavailable unexpected upstream vertex window",
);

export const everydayWords: ReadonlySet<string> = words(
  "a again agent an and at been by call check completing could did doing due first for from generator had has have in is it label last " +
    "later not of on please provided running slow the this time to too try up was while with without write your",
);

/** Class names (`openai.RateLimitError`, `AI_APICallError`, `GeneratorExit`) and error types (`overloaded_error`). */
export const errorName =
  /^(?:[A-Za-z_]\w{0,40}\.){0,6}[A-Za-z_]\w{0,60}(?:Error|Exception|Timeout|Exit|Overloaded|_error)$/;
/** Classes of clients and services, in which error texts name who failed. No digits: numbers may mean something. */
export const className =
  /^(?:[A-Za-z_]{1,40}\.){0,10}[A-Za-z_]{0,60}(?:Error|Exception|Timeout|Exit|Agent|Base|Chat|Client|Completions?|Connector|Embeddings?|Generator|Handler|LLM|Model|Provider|Service|Transport)$/;
export const classNameStart = "<class '";
export const classNameEnd = "'>";
const classNameLimitBytes = 192;
/** HTTP status, or how many attempts. */
const number = /^(?:\d{1,2}|[1-5]\d\d)$/;
/** In quotes a number may be something that a person wrote, unless it is the status of an error. */
const quotedNumber = /^[45]\d\d$/;
export const errorTextLimitBytes = 128;
export const everydayWordsInARow = 2;

type WordKind = "term" | "number" | "everyday" | "other";

/** Bytes of the text's beginning that may stay: at most 128, and where a class is named in those, 128 behind it. `bytes[start, end)` is UTF-8. */
export function knownErrorTextBytes(bytes: Uint8Array, start: number, end: number): number {
  let limit = Math.min(end, start + errorTextLimitBytes);
  let kept = start;
  let at = start;
  /** The byte that ends the quote that we are in; 0 outside. */
  let quote = 0;
  let quoteAt = -1;
  /** Whether a program speaks inside the quote. */
  let isSpoken = false;
  let namesClass = false;
  let isBehindNumber = false;
  let everyday = 0;
  while (at < limit) {
    const byte = bytes[at] as number;
    if (isWordByte(byte)) {
      const wordEnd = endOfWord(bytes, at, limit);
      // A word that runs on past the limit is not known to be harmless.
      if (wordEnd === limit && limit < end && isWordByte(bytes[limit] as number)) break;
      const kind = kindOf(asciiText(bytes, at, wordEnd), quote !== 0);
      at = wordEnd;
      if (kind === "other") break;
      if (kind === "everyday") {
        if ((quote !== 0 && !isSpoken) || isBehindNumber || ++everyday > everydayWordsInARow) break;
        continue;
      }
      if (kind === "number" && (isBehindNumber || everyday > 0)) break;
      isBehindNumber = kind === "number";
      everyday = 0;
      if (kind === "term" && quote === 0 && isPossessive(bytes, at, limit)) at += 2;
    } else if (byte === singleQuote || byte === doubleQuote) {
      if (everyday > 0) break;
      if (quote === 0) {
        quote = byte;
        quoteAt = at;
        isSpoken = false;
        isBehindNumber = false;
      } else if (quote === byte) {
        quote = 0;
        isBehindNumber = false;
      }
      at++;
    } else if (separatorBytes.has(byte)) {
      at++;
    } else if (byte === lessThan && everyday === 0) {
      const behind = endOfClassName(bytes, at, namesClass ? limit : end);
      if (behind < 0) break;
      isSpoken ||= quote !== 0 && quoteAt === at - 1;
      isBehindNumber = false;
      at = behind;
      if (!namesClass) limit = Math.min(end, at + errorTextLimitBytes);
      namesClass = true;
    } else break;
    if (everyday === 0) kept = at;
  }
  return kept - start;
}

function kindOf(word: string, isQuoted: boolean): WordKind {
  const bare = word.replace(/\.+$/, "");
  if ((isQuoted ? quotedNumber : number).test(bare)) return "number";
  const lower = bare.toLowerCase();
  if (errorTerms.has(lower) || errorName.test(bare)) return "term";
  return everydayWords.has(lower) ? "everyday" : "other";
}

function endOfWord(bytes: Uint8Array, start: number, limit: number): number {
  let end = start;
  while (end < limit && isWordByte(bytes[end] as number)) end++;
  return end;
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

/** Where `<class '…'>` ends that begins at `start`; −1 where it is no such thing, or not the name of a known kind. */
function endOfClassName(bytes: Uint8Array, start: number, end: number): number {
  const text = asciiText(bytes, start, Math.min(end, start + classNameLimitBytes));
  const nameEnd = text.indexOf(classNameEnd);
  if (!text.startsWith(classNameStart) || nameEnd < 0) return -1;
  const isKnown = className.test(text.slice(classNameStart.length, nameEnd));
  return isKnown ? start + nameEnd + classNameEnd.length : -1;
}

const lessThan = 0x3c;
const singleQuote = 0x27;
const doubleQuote = 0x22;

/** `'s`, as in "this model's maximum", which opens no quote; inside of one it would end it. */
const isPossessive = (bytes: Uint8Array, at: number, limit: number): boolean =>
  at + 2 < limit &&
  bytes[at] === singleQuote &&
  bytes[at + 1] === 0x73 &&
  !isWordByte(bytes[at + 2] as number);

/** What may stand between known words beside quotes: punctuation of sentences, of JSON and of Python's way to write it. */
export const errorTextSeparators = " :,()/=-{}[]";
const separatorBytes: ReadonlySet<number> = new Set(Buffer.from(errorTextSeparators));

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}
