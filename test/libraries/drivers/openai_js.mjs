import {
  attempt,
  chatModel,
  embedder,
  load,
  loadCommon,
  prompt,
  refusals,
  served,
  start,
  timeoutMs,
} from "./plan.mjs";

const library = process.env.LIBRARY;
const { OpenAIInstrumentation } = await load(library);
const instrumentation = new OpenAIInstrumentation();
const sdk = start([instrumentation]);
const { default: OpenAI } = loadCommon("openai");
instrumentation.manuallyInstrument?.(OpenAI);

const client = (maxRetries = 0) => new OpenAI({ maxRetries, timeout: timeoutMs });
const asked = (behaviour) => ({
  model: chatModel,
  messages: [{ role: "user", content: prompt(behaviour) }],
});
const chat = (behaviour, retries) => client(retries).chat.completions.create(asked(behaviour));

async function stream(behaviour) {
  const made = await client().chat.completions.create({
    ...asked(behaviour),
    stream: true,
    stream_options: { include_usage: true },
  });
  let count = 0;
  for await (const _piece of made) if (++count === 2 && behaviour === "cancel") break;
}

for (const behaviour of ["ok", "ok", "empty", "truncated", "tool", ...refusals])
  await attempt(() => chat(behaviour));
await attempt(() => chat("flaky", 2));
for (const behaviour of ["ok", "cut", "event", "cancel", "429"])
  await attempt(() => stream(behaviour));
for (const behaviour of ["ok", "429"])
  await attempt(() => client().embeddings.create({ model: embedder, input: prompt(behaviour) }));
for (const behaviour of ["ok", "529"]) await served(() => chat(behaviour));
await sdk.shutdown();
