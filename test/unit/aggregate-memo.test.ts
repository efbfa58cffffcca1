import { expect, it } from "vitest";
import { memoized } from "../../services/aggregate/decode/memo.ts";
import { createTexts, internText } from "../../services/aggregate/decode/texts.ts";

it("works once for each text, also where tasks with texts of their own take turns", () => {
  const worked: string[] = [];
  const lengthOf = memoized((text) => {
    worked.push(text);
    return text.length;
  });
  const one = createTexts();
  const other = createTexts();
  internText(other, "first of the other");

  for (let turn = 0; turn < 3; turn++) {
    expect(lengthOf(one, internText(one, "chat"))).toBe(4);
    expect(lengthOf(other, internText(other, "embeddings"))).toBe(10);
  }

  expect(worked).toEqual(["chat", "embeddings"]);
});

it("holds for ids beyond those that there were when it was first asked", () => {
  const lengthOf = memoized((text) => text.length);
  const texts = createTexts();
  const ids = Array.from({ length: 300 }, (_, i) => internText(texts, "x".repeat(i % 200)));

  expect(lengthOf(texts, ids[1] as number)).toBe(1);
  expect(ids.map((id) => lengthOf(texts, id))).toEqual(ids.map((_, i) => i % 200));
});
