/**
 * The rules of `content-attributes.ts` and `error-text.ts` as regular expressions, for Collectors, which cut by patterns. In the
 * part of the syntax that RE2 and JavaScript share, so there is no look-ahead: what is kept among what is dropped is spelled out.
 */
import { contentTables } from "./content-attributes.ts";
import {
  className,
  classNameEnd,
  classNameStart,
  errorName,
  errorTerms,
  errorTextLimitBytes,
  errorTextSeparators,
  everydayWords,
  everydayWordsInARow,
} from "./error-text.ts";

const quoted = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "[$&]");
const anyOf = (texts: Iterable<string>) => `(?:${[...texts].map(quoted).join("|")})`;

/** A pattern in the syntax of both, without its anchors. */
const spelledOut = (pattern: RegExp) =>
  pattern.source.slice(1, -1).replaceAll("\\.", "[.]").replaceAll("\\w", "[0-9A-Za-z_]");

const classReference = `${classNameStart}${spelledOut(className)}${classNameEnd}`;

/** Matches a name whose attribute is content. */
export const contentNamePattern: string = (() => {
  const { droppedNames, droppedPrefixes, indexedBases, keptIndexedEndings } = contentTables;
  const { notProviders, rawRequestParameters, spanTypeBase, spanTypeEndings } = contentTables;
  return [
    `^${anyOf(droppedNames)}$`,
    `^${anyOf(droppedPrefixes)}`,
    `^${anyOf(indexedBases)}[0-9]+(?:$|[.](?:[^]*[.])?${otherThan(keptIndexedEndings)}$)`,
    "^embedding[.](?:text|vector)$",
    `^${quoted(spanTypeBase)}[^.]*[.]${anyOf(spanTypeEndings)}(?:[.]|$)`,
    `^llm[.]${otherThan(notProviders)}[.]${anyOf(rawRequestParameters)}(?:[.]|$)`,
  ]
    .join("|")
    .replaceAll("[^]", "(?s:.)");
})();

/** Matches what stays of the attributes of events and log records named `gen_ai.…`. */
export const genAiEventKeptPattern: string = [
  `^${anyOf(contentTables.keptInGenAiEvents)}$`,
  `^${anyOf(contentTables.prefixesKeptInGenAiEvents)}`,
].join("|");

/**
 * Matches a whole error text; its first group is the beginning that may stay, in known words, however long: to be cut to
 * `errorTextLimitBytes` afterwards.
 */
export const errorTextPattern: string = (() => {
  const name = spelledOut(errorName);
  const wordEnd = "(?:[.]+|\\b)";
  const term = `(?:(?i:${[...errorTerms].join("|")})|${name})${wordEnd}`;
  const everyday = `(?i:${[...everydayWords].join("|")})${wordEnd}`;
  const separators = errorTextSeparators.replace(/[\][\\^-]/g, "\\$&");
  const number = (digits: string, otherQuote = "") =>
    `(?:${digits}${wordEnd})[${separators}${otherQuote}]*`;
  const phraseOf = (told: string) =>
    `(?:${everyday}[${separators}]+){0,${everydayWordsInARow}}${told}`;
  const quotedBy = (quote: string, otherQuote: string) => {
    const lone = number("[45][0-9][0-9]", otherQuote);
    const inside = (told: string) =>
      `(?:(?:${lone})?(?:${told}|${classReference})|[${separators}${otherQuote}])*(?:${lone})?`;
    return `${quote}(?:${classReference}${inside(phraseOf(term))}|${inside(term)})`;
  };
  const quotes = [quotedBy("'", '"'), quotedBy('"', "'")];
  const lone = number("(?:[1-5][0-9][0-9]|[0-9]{1,2})");
  const phrase = phraseOf(`${term}(?:'s\\b)?`);
  const closed = quotes.map((text) => text + text[0]).join("|");
  return `^((?:(?:${lone})?(?:${term}(?:'s\\b)?|${closed}|${classReference})|${phrase}|[${separators}])*(?:${lone})?(?:${quotes.join("|")})?)(?s:.*)$`;
})();

/** For a text that the pattern above has cut: where a class is named in its beginning, what follows is counted. */
export const errorTextLimitPattern = `^((?:[^<]{0,${errorTextLimitBytes - 1}}${classReference})?(?s:.){0,${errorTextLimitBytes}})(?s:.*)$`;

/** A name that may stand where JSON is cut to its `model`. */
export const plainModelPattern = "^[0-9A-Za-z.:/@_-]{1,96}$";

/** Matches text without dots that is none of the words: everything that leaves their tree, or ends in its middle. */
function otherThan(words: Iterable<string>): string {
  return `(?:${leaving([...words])})`;
}

function leaving(words: readonly string[]): string {
  const byFirst = new Map<string, string[]>();
  for (const word of words) {
    const first = word[0];
    if (first !== undefined) byFirst.set(first, [...(byFirst.get(first) ?? []), word.slice(1)]);
  }
  const firsts = [...byFirst.keys()].join("");
  return [
    ...(words.includes("") ? [] : [""]),
    `[^.${firsts}][^.]*`,
    ...[...byFirst].map(([first, rests]) => `${first}(?:${leaving(rests)})`),
  ].join("|");
}
