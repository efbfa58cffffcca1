import { attempt, chatModel, claude, load, prompt, refusals, timeoutMs } from "./plan.mjs";

const { Mastra } = await load("@mastra/core/mastra");
const { Agent } = await load("@mastra/core/agent");
const { Observability } = await load("@mastra/observability");
const { OtelExporter } = await load("@mastra/otel-exporter");
const { createOpenAI } = await load("@ai-sdk/openai");
const { createAnthropic } = await load("@ai-sdk/anthropic");

const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: "none" });
const anthropic = createAnthropic({
  baseURL: `${process.env.ANTHROPIC_BASE_URL}/v1`,
  apiKey: "none",
});
const endpoint = `${process.env.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces`;
const exporter = new OtelExporter({
  provider: { custom: { endpoint, protocol: "http/protobuf" } },
});
const models = { chat: openai.chat(chatModel), claude: anthropic(claude) };
const agents = Object.fromEntries(
  Object.entries(models).map(([id, model]) => [
    id,
    new Agent({ id, name: id, instructions: "Answer.", model, maxRetries: 0 }),
  ]),
);
const mastra = new Mastra({
  agents,
  logger: false,
  observability: new Observability({
    configs: { default: { serviceName: process.env.OTEL_SERVICE_NAME, exporters: [exporter] } },
  }),
});

const settings = (behaviour) => ({
  modelSettings: { maxRetries: behaviour === "flaky" ? 2 : 0 },
  maxSteps: 1,
  abortSignal: AbortSignal.timeout(behaviour === "timeout" ? timeoutMs : 60_000),
});

const chat = (id, behaviour) =>
  mastra.getAgent(id).generate(prompt(behaviour), settings(behaviour));

async function stream(id, behaviour) {
  const leaving = new AbortController();
  const made = settings(behaviour);
  const abortSignal = behaviour === "cancel" ? leaving.signal : made.abortSignal;
  const result = await mastra.getAgent(id).stream(prompt(behaviour), { ...made, abortSignal });
  let count = 0;
  for await (const _piece of result.textStream)
    if (++count === 2 && behaviour === "cancel") leaving.abort();
}

for (const id of Object.keys(models)) {
  for (const behaviour of ["ok", "ok", "truncated", ...refusals, "flaky"])
    await attempt(() => chat(id, behaviour));
  for (const behaviour of ["ok", "cut", "event", "cancel", "429"])
    await attempt(() => stream(id, behaviour));
}
await exporter.flush?.();
await mastra.observability?.shutdown?.();
await exporter.shutdown();
