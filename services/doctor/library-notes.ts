/** What instrumentations are known to leave out, by the scope of their spans; measured with the versions named. */
const notes: readonly (readonly [scope: RegExp, note: string])[] = [
  [
    /^opentelemetry\.instrumentation\.openai_v2$/,
    "opentelemetry-instrumentation-openai-v2: no time to the first token, no finish reason on streams, no Responses API; …-genai-openai has them",
  ],
  [
    /^opentelemetry\.instrumentation\.openai\.v1$/,
    "OpenLLMetry openai: time to the first token only as a histogram; broken and cancelled streams end as OK",
  ],
  [
    /^opentelemetry\.instrumentation\.anthropic$/,
    "OpenLLMetry anthropic: no time to the first token, no span of a stream that broke",
  ],
  [
    /^@traceloop\/instrumentation-openai$/,
    "OpenLLMetry for JavaScript: no span of any failed call, so failures are invisible; no tokens on streams",
  ],
  [
    /^@opentelemetry\/instrumentation-openai$/,
    "@opentelemetry/instrumentation-openai: no span of a stream that broke or was cancelled; no time to the first token",
  ],
  [
    /^openinference\.instrumentation\.(anthropic|langchain|openai_agents)$/,
    "OpenInference anthropic, langchain, openai-agents: no time to the first token",
  ],
  [
    /^litellm$/,
    "LiteLLM: time to the first token only with LITELLM_OTEL_V2=true; under the SDK with a current span it writes on that span instead of its own",
  ],
  [/^ai$/, "Vercel AI SDK 5: no span of a stream that broke; version 7 with @ai-sdk/otel has one"],
  [
    /^pydantic-ai$/,
    "pydantic-ai: a broken stream leaves its chat span without error; only the agent's span has it",
  ],
  [
    /^openlit\./,
    "OpenLIT: no span of a stream that broke or was cancelled; tokens that it counts itself where a stream has none",
  ],
  [
    /^langsmith$/,
    "LangSmith: failed calls have the status OK and an event of the exception; no spans of embeddings, no time to the first token",
  ],
  [
    /^mlflow\.tracing\.provider$/,
    "MLflow: broken and cancelled streams of Anthropic look like successes; no time to the first token",
  ],
  [
    /^opentelemetry\.instrumentation\.langchain$/,
    "OpenLLMetry langchain: no spans of embeddings, no time to the first token",
  ],
  [
    /^openinference\.instrumentation\.(haystack|smolagents)$/,
    "OpenInference haystack, smolagents: a failed call names neither provider nor model; instrument the client as well",
  ],
  [
    /^openinference\.instrumentation\.crewai$/,
    "OpenInference crewai: model calls only where their clients are instrumented as well",
  ],
  [
    /^@arizeai\/openinference-instrumentation-openai$/,
    "OpenInference for JavaScript, openai: no span of a failed call, so failures are invisible",
  ],
  [
    /^agent_framework$/,
    "Agent Framework: a failed call does not say why (other); instrument its client as well",
  ],
  [
    /^semantic_kernel\./,
    "Semantic Kernel: no time to the first token; the span of an abandoned stream stays the current one, later calls lie in it",
  ],
];

export function libraryNotes(scopes: Iterable<string>): readonly string[] {
  return [...scopes].flatMap((scope) =>
    notes.filter(([pattern]) => pattern.test(scope)).map(([, note]) => note),
  );
}
