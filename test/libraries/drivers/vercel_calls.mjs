import {
  attempt,
  chatModel,
  claude,
  embedder,
  load,
  prompt,
  refusals,
  served,
  start,
  timeoutMs,
} from "./plan.mjs";

const sdk = start();
const { generateText, streamText, embed, registerTelemetry } = await load("ai");
const { createOpenAI } = await load("@ai-sdk/openai");
const { createAnthropic } = await load("@ai-sdk/anthropic");

const isNew = registerTelemetry !== undefined;
if (isNew) {
  const { OpenTelemetry } = await load("@ai-sdk/otel");
  registerTelemetry(new OpenTelemetry());
}
const telemetry = isNew ? {} : { experimental_telemetry: { isEnabled: true } };

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: "none" });
const anthropic = createAnthropic({
  baseURL: `${process.env.ANTHROPIC_BASE_URL}/v1`,
  apiKey: "none",
});
const models = [openai.chat(chatModel), openai.responses(chatModel), anthropic(claude)];

const asked = (model, behaviour, maxRetries = 0) => ({
  model,
  prompt: prompt(behaviour),
  maxRetries,
  abortSignal: AbortSignal.timeout(behaviour === "timeout" ? timeoutMs : 60_000),
  ...telemetry,
});

const chat = (model, behaviour, retries) => generateText(asked(model, behaviour, retries));

async function stream(model, behaviour) {
  const leaving = new AbortController();
  const settings = asked(model, behaviour);
  const abortSignal = behaviour === "cancel" ? leaving.signal : settings.abortSignal;
  const result = streamText({ ...settings, abortSignal, onError: () => {} });
  let count = 0;
  for await (const _piece of result.textStream) {
    count++;
    if (behaviour === "cancel" && count === 2) leaving.abort();
  }
}

for (const model of models) {
  for (const behaviour of ["ok", "ok", "truncated", ...refusals])
    await attempt(() => chat(model, behaviour));
  await attempt(() => chat(model, "flaky", 2));
  for (const behaviour of ["ok", "cut", "event", "cancel", "429"])
    await attempt(() => stream(model, behaviour));
  for (const behaviour of ["ok", "529"]) await served(() => chat(model, behaviour));
}
for (const behaviour of ["ok", "429"])
  await attempt(() =>
    embed({
      model: openai.textEmbeddingModel?.(embedder) ?? openai.embedding(embedder),
      value: prompt(behaviour),
      maxRetries: 0,
      ...telemetry,
    }),
  );
await sdk.shutdown();
