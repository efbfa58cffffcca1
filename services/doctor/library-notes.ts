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
];

export function libraryNotes(scopes: Iterable<string>): readonly string[] {
  return [...scopes].flatMap((scope) =>
    notes.filter(([pattern]) => pattern.test(scope)).map(([, note]) => note),
  );
}
