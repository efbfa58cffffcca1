import { describe, expect, it } from "vitest";
import { cellKey, parseCellKey } from "../../services/contracts/cell.ts";
import { counter, sketch } from "../../services/contracts/window.ts";
import {
  AggregateRun,
  countBatches,
  encodeBatches,
  type SpanSketch,
} from "../support/aggregate-harness.ts";
import { cellOf, chat, row } from "../support/counted-chats.ts";

describe("one request", () => {
  it("counts once when its span is sent twice, in one record and in another", () => {
    const span = chat({ id: 1, trace: 1 });
    const run = new AggregateRun()
      .step(encodeBatches({ spans: [span, span] }), 1_000)
      .step(encodeBatches({ spans: [span] }), 3_000)
      .finish(5_000);

    expect(run.rows()).toEqual([row]);
    expect(run.windows().map(({ pipeline }) => pipeline.duplicateSpans)).toEqual([0, 0, 2]);
  });

  it("is none when its operation has a name that every object has", () => {
    const spans = ["constructor", "toString", "__proto__"].map((operation, id) =>
      chat({ id: id + 1, trace: 1, attributes: { "gen_ai.operation.name": operation } }),
    );
    const run = new AggregateRun().step(encodeBatches({ spans }), 1_000).finish(5_000);

    expect(run.rows()).toEqual([]);
  });

  it("counts as what it says when provider, finish reason, error and scope have names that every object has", () => {
    const name = "constructor";
    const spans = [
      chat({ id: 1, trace: 1, attributes: { "gen_ai.provider.name": name } }),
      chat({ id: 2, trace: 2, attributes: { "gen_ai.response.finish_reasons": [name] } }),
      chat({ id: 3, trace: 3, status: "error", attributes: { "error.type": name } }),
    ];
    const batch = encodeBatches({ scope: name, spans });
    const run = new AggregateRun().step(batch, 1_000).finish(5_000);

    expect(run.rows()).toEqual([
      { ...row, provider: name },
      { ...row, outcome: "ok", count: 1 },
      { ...row, outcome: "other", count: 1 },
    ]);
  });

  it("counts once when call, agent and call are nested, whatever the order they come in", () => {
    const outer = chat({ id: 1, trace: 1, endMs: 1_000 });
    const agent = {
      id: 2,
      trace: 1,
      parent: 1,
      attributes: { "gen_ai.operation.name": "invoke_agent" },
    };
    const inner = chat({ id: 3, trace: 1, parent: 2, endMs: 990 });
    const orders = [
      [outer, agent, inner],
      [inner, agent, outer],
      [agent, inner, outer],
      [inner, outer, agent],
      [outer, inner, agent],
      [agent, outer, inner],
    ];

    for (const [a, b, c] of orders as [SpanSketch, SpanSketch, SpanSketch][]) {
      const run = new AggregateRun()
        .step(encodeBatches({ spans: [a] }), 1_000)
        .step(encodeBatches({ spans: [b] }), 1_100)
        .step(encodeBatches({ spans: [c] }), 1_200)
        .finish(5_000);
      expect(run.rows()).toEqual([row]);
      expect(run.windows().at(-1)?.pipeline.outerSpans).toBe(1);
    }
  });

  it("counts once when the outer span ends in a later window", () => {
    const run = new AggregateRun()
      .step(encodeBatches({ spans: [chat({ id: 2, trace: 1, parent: 1, endMs: 4_990 })] }), 5_000)
      .step(encodeBatches({ spans: [chat({ id: 1, trace: 1, endMs: 5_010 })] }), 5_100)
      .finish(10_000);

    expect(run.rows()).toEqual([row]);
  });

  it("counts once when the inner span outlives the outer one into a later window", () => {
    const run = new AggregateRun()
      .step(encodeBatches({ spans: [chat({ id: 1, trace: 1, endMs: 4_990 })] }), 5_000)
      .step(encodeBatches({ spans: [chat({ id: 9, trace: 9, endMs: 16_000 })] }), 16_000)
      .step(encodeBatches({ spans: [chat({ id: 2, trace: 1, parent: 1, endMs: 7_000 })] }), 16_100)
      .finish(20_000);

    expect(run.rows()).toEqual([{ ...row, count: 2 }]);
  });

  it("counts for each attempt that has a span of its own", () => {
    const rows = countBatches({
      spans: [
        chat({ id: 1, trace: 1 }),
        chat({
          id: 2,
          trace: 1,
          parent: 1,
          status: "error",
          attributes: { "error.type": "RateLimitError" },
        }),
        chat({ id: 3, trace: 1, parent: 1 }),
      ],
    });

    expect(rows).toEqual([row, { ...row, outcome: "rate_limit" }]);
  });

  it("counts with every span when a provider gives all answers the same id", () => {
    const answered = { attributes: { "gen_ai.response.id": "same" } };
    const rows = countBatches(
      { scope: "a", spans: [chat({ id: 1, ...answered }), chat({ id: 2, ...answered })] },
      { scope: "b", spans: [chat({ id: 3, ...answered }), chat({ id: 4, ...answered })] },
    );

    expect(rows).toEqual([{ ...row, count: 4 }]);
  });

  it("counts without ids, but then each copy does", () => {
    const request = encodeBatches({ spans: [chat({ id: 7 })] });
    const anonymous = Buffer.from(request);
    const at = anonymous.indexOf(Buffer.from([0x12, 0x08, 0x5a]));
    anonymous.fill(0, at + 2, at + 10);
    const run = new AggregateRun().step(anonymous, 1_000).step(anonymous, 1_100).finish(5_000);

    expect(run.rows()).toEqual([{ ...row, count: 2 }]);
  });

  it("is not changed by a span that is its own parent, nor by parents in a circle", () => {
    const rows = countBatches({
      spans: [
        chat({ id: 1, trace: 1, parent: 1 }),
        { id: 2, trace: 2, parent: 3, kind: "internal" },
        { id: 3, trace: 2, parent: 2, kind: "internal" },
        chat({ id: 4, trace: 2, parent: 3 }),
      ],
    });

    expect(rows).toEqual([{ ...row, count: 2 }]);
  });
});

describe("a sampled span", () => {
  it.each([
    ["ot=th:8", 2],
    ["rojo=1, ot=rv:00000000000000;th:c", 4],
    ["ot=th:0", 1],
    ["ot=th:zz", 1],
    ["other=th:8", 1],
    ["", 1],
  ])("with the trace state '%s' counts %d times", (traceState, count) => {
    const cell = cellOf(chat({ traceState }));

    expect(counter(cell, "requests")).toBe(count);
    expect(counter(cell, "spans")).toBe(1);
    expect(sketch(cell, "duration").counts).toEqual([count]);
  });

  it("of a fraction counts right on average, and whole", () => {
    const spans = Array.from({ length: 3_000 }, (_, i) =>
      chat({ id: i + 1, trace: i + 1, traceState: "ot=th:5555" }),
    );
    const requests = counter(cellOf(...spans), "requests");

    expect(Number.isInteger(requests)).toBe(true);
    expect(Math.abs(requests / 4_500 - 1)).toBeLessThan(0.02);
  });
});

describe("an HTTP request of the application", () => {
  it.each([
    [200, "ok"],
    [404, "invalid_request"],
    [401, "auth"],
    [429, "rate_limit"],
    [499, "client_cancelled"],
    [500, "server_error"],
    [503, "unavailable"],
    [504, "timeout"],
  ] as const)("with status %d is %s", (status, outcome) => {
    const cell = cellOf({
      kind: "server",
      attributes: {
        "http.request.method": "POST",
        "http.route": "/login",
        "http.response.status_code": status,
      },
    });

    expect(cell.cell).toBe(
      cellKey({
        kind: "http",
        provider: "chatbot",
        model: "",
        region: "",
        operation: "POST /login",
      }),
    );
    expect(counter(cell, outcome)).toBe(1);
  });

  it("counts by its template where it has no route, and not at all without either", () => {
    const run = new AggregateRun()
      .step(
        encodeBatches({
          spans: [
            { kind: "server", attributes: { "url.template": "/chat/{id}", "http.method": "GET" } },
            { kind: "server", attributes: { "url.path": "/chat/17" } },
            {
              kind: "client",
              attributes: { "http.route": "/x", "http.response.status_code": 500 },
            },
          ],
        }),
        1_000,
      )
      .finish(5_000);

    expect(run.cells().map(({ cell }) => parseCellKey(cell).operation)).toEqual(["GET /chat/{id}"]);
  });
});
