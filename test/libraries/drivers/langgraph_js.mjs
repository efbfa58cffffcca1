import {
  attempt,
  chatModel,
  claude,
  load,
  prompt,
  refusals,
  served,
  start,
  timeoutMs,
} from "./plan.mjs";

const [name, exported] = process.env.LIBRARY.split(":");
const { [exported]: Instrumentation } = await load(name);
const instrumentation = new Instrumentation();
const sdk = start([instrumentation]);
const callbacks = await load("@langchain/core/callbacks/manager");
instrumentation.manuallyInstrument(
  name.startsWith("@traceloop") ? { callbackManagerModule: callbacks } : callbacks,
);

const { ChatOpenAI } = await load("@langchain/openai");
const { ChatAnthropic } = await load("@langchain/anthropic");
const { MessagesAnnotation, StateGraph } = await load("@langchain/langgraph");

const models = (maxRetries) => [
  new ChatOpenAI({ model: chatModel, maxRetries, timeout: timeoutMs, apiKey: "none" }),
  new ChatAnthropic({
    model: claude,
    maxRetries,
    apiKey: "none",
    anthropicApiUrl: process.env.ANTHROPIC_BASE_URL,
    clientOptions: { timeout: timeoutMs, maxRetries: 0 },
  }),
];

/** A graph of one node that asks the model. */
const graphOf = (model) =>
  new StateGraph(MessagesAnnotation)
    .addNode("ask", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addEdge("__start__", "ask")
    .compile();

const chat = (model, behaviour) =>
  graphOf(model).invoke({ messages: [{ role: "user", content: prompt(behaviour) }] });

async function stream(model, behaviour) {
  let count = 0;
  for await (const _piece of await model.stream(prompt(behaviour)))
    if (++count === 2 && behaviour === "cancel") break;
}

for (const [i, model] of models(0).entries()) {
  for (const behaviour of ["ok", "ok", "truncated", "tool", ...refusals])
    await attempt(() => chat(model, behaviour));
  await attempt(() => chat(models(2)[i], "flaky"));
  for (const behaviour of ["ok", "cut", "event", "cancel", "429"])
    await attempt(() => stream(model, behaviour));
  for (const behaviour of ["ok", "529"]) await served(() => chat(model, behaviour));
}
await sdk.shutdown();
