import { describe, expect, it } from "vitest";
import { spanRowsOf } from "../support/archive-rows.ts";
import { aRequest, aSpan, text } from "../support/archived-spans.ts";

describe("content", () => {
  const prompt = "tell me a secret";
  const withContent = aRequest(
    [
      aSpan({
        attributes: [
          text("gen_ai.input.messages", prompt),
          { key: "gen_ai.prompt.0.content", value: { stringValue: prompt } },
          text("gen_ai.prompt.0.role", "user"),
          text("llm.invocation_parameters", `{"model":"gpt-4o","system":"${prompt}"}`),
          text("error.message", `Error code: 529 - ${prompt}`),
          text("my.prompt.text", prompt),
          {
            key: "outer",
            value: {
              kvlistValue: { values: [text("gen_ai.completion", prompt), text("kept", "yes")] },
            },
          },
        ],
        events: [
          {
            attributes: [text("content", prompt), text("role", "user")],
            name: "gen_ai.user.message",
          },
          {
            name: "log",
            attributes: [text("content", "no prompt"), text("exception.stacktrace", prompt)],
          },
        ],
        links: [{ attributes: [text("ai.prompt", prompt)] }],
        status: { code: 2, message: `request failed: ${prompt}` },
      }),
    ],
    [text("process.command_line", `chat ${prompt}`), text("service.name", "s")],
  );

  it("is cut also where it reaches the log, everywhere in a span", async () => {
    const [row] = await spanRowsOf(withContent, {
      content: { keepContent: false, contentAttributes: ["my.prompt.*"] },
    });
    expect(row).toMatchObject({
      resource: '{"service.name":"s"}',
      status_message: "request failed: ",
      attributes: {
        "gen_ai.prompt.0.role": "user",
        "llm.invocation_parameters": '{"model":"gpt-4o"}',
        "error.message": "Error code: 529 - ",
        outer: '{"kept":"yes"}',
      },
      "events.attributes": [{ role: "user" }, { content: "no prompt" }],
      "links.attributes": [{}],
    });
    expect(
      JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value)),
    ).not.toContain("secret");
  });

  it("is kept where the configuration says so", async () => {
    const [row] = await spanRowsOf(withContent, {
      content: { keepContent: true, contentAttributes: [] },
    });
    expect(row).toMatchObject({
      status_message: `request failed: ${prompt}`,
      attributes: { "gen_ai.input.messages": prompt },
    });
  });
});
