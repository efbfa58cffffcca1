import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attributeClassifier, contentTables } from "../../services/contracts/content-attributes.ts";
import {
  contentNamePattern,
  errorTextLimitPattern,
  errorTextPattern,
  genAiEventKeptPattern,
} from "../../services/contracts/content-patterns.ts";
import { knownErrorTextBytes } from "../../services/contracts/error-text.ts";

const classify = attributeClassifier([]);
const content = new RegExp(contentNamePattern);
const keptInEvents = new RegExp(genAiEventKeptPattern);
const { droppedNames, droppedPrefixes, indexedBases, keptIndexedEndings } = contentTables;
const { rawRequestParameters, notProviders, modelOnlyNames, errorTextNames } = contentTables;

/** Names made of what the rules are made of, so that most are near one of them. */
const parts = fc.oneof(
  fc.constantFrom(...[...droppedNames, ...modelOnlyNames, ...errorTextNames]),
  fc.constantFrom(...[...droppedPrefixes, ...indexedBases]),
  fc.constantFrom(...[...keptIndexedEndings, ...rawRequestParameters, ...notProviders]),
  fc.constantFrom(
    "0",
    "17",
    "x",
    "llm.",
    "llm",
    "mastra.",
    "output",
    ".",
    "",
    "gen_ai.",
    "\n",
    "names",
    "na",
    "content",
  ),
  fc.string({ maxLength: 6 }),
);
const names = fc
  .tuple(parts, fc.array(parts, { maxLength: 4 }), fc.constantFrom("", "."))
  .map(([first, rest, joint]) => [first, ...rest].join(joint));

describe("patterns for Collectors", () => {
  it("match the names that are dropped, and no other", () => {
    let dropped = 0;
    fc.assert(
      fc.property(names, (name) => {
        const isDropped = classify(name, false) === "drop";
        if (isDropped) dropped++;
        expect([name, content.test(name)]).toEqual([name, isDropped]);
      }),
      { numRuns: 5_000 },
    );
    expect(dropped).toBeGreaterThan(500);
  });

  it("keep in GenAI events what the rules keep", () => {
    fc.assert(
      fc.property(names, (name) => {
        const rule = classify(name, true);
        // What is cut to its model or its known words has patterns of its own.
        if (rule !== "keep" && rule !== "drop") return;
        const isKept = !content.test(name) && keptInEvents.test(name);
        expect([name, isKept]).toEqual([name, rule === "keep"]);
      }),
      { numRuns: 2_000 },
    );
  });

  const cut = (text: string) =>
    text
      .replace(new RegExp(errorTextPattern), "$1")
      .replace(new RegExp(errorTextLimitPattern), "$1");

  it("leave of error texts what says the kind of error, and nothing that was sent", () => {
    expect(cut("Error code: 529 - {'error': 'my prompt'}")).toBe("Error code: 529 - {'error': '");
    expect(cut("openai.RateLimitError: quota exceeded for <prompt>")).toBe(
      "openai.RateLimitError: quota exceeded ",
    );
    expect(cut("status_code: 429, model: x")).toBe("status_code: 429, model: ");
    expect(cut("Invalid request: 'please write your last message'")).toBe("Invalid request: '");
    expect(cut("Invalid request: please write your last message")).toBe("Invalid request: ");
    expect(cut("Invalid message: '4111 1111 1111 1111'")).toBe("Invalid message: '");
    expect(cut("Failed after 3 attempts. Last error: the model's limit")).toBe(
      "Failed after 3 attempts. Last error: the model's limit",
    );
    expect(cut("secret words")).toBe("");
    expect(cut("Timeout\nsecret")).toBe("Timeout");
    expect(cut("error ".repeat(40)).length).toBe(128);
  });

  it("leave of error texts no more than the known words that ingest leaves, nearly to the byte", () => {
    const words = fc.constantFrom(
      ...["error", "code", "429", "12", "openai.RateLimitError", "please", "your", "Tell", "me"],
      ...["<class 'a.b.ChatClient'>", "<class 'Tell.me'>", "\"<class 'x.Client'>"],
    );
    const texts = fc
      .array(fc.tuple(words, fc.constantFrom(" ", ": ", " - ", "{", ".", "'", '"', "'s ", "é")), {
        maxLength: 12,
      })
      .map((pairs) => pairs.flat().join(""));
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(text);
        const kept = bytes.subarray(0, knownErrorTextBytes(bytes, 0, bytes.length)).toString();
        // A dot inside a word ends it here: one known word more may stay, or a class in a module of any name.
        expect(cut(text).startsWith(kept)).toBe(true);
        expect(cut(text).slice(kept.length)).not.toMatch(/(Tell|me)(?![.\w])/);
      }),
      { numRuns: 3_000 },
    );
  });
});
