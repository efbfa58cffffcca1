/** Runs of libraries for the clients of Google, Amazon and others than OpenAI and Anthropic. */
import type { LibraryRun } from "./library-run.ts";

export const otherProviderRuns: readonly LibraryRun[] = [
  {
    name: "contrib-google-genai",
    title: "OpenTelemetry contrib google-genai",
    environment: "gemini",
    named: ["opentelemetry-instrumentation-google-genai", "google-genai"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "opentelemetry.instrumentation.google_genai:GoogleGenAiSdkInstrumentor",
      CALLS: "gemini_calls",
    },
  },
  {
    name: "openinference-google-genai",
    title: "OpenInference google-genai",
    environment: "gemini",
    named: ["openinference-instrumentation-google-genai", "google-genai"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "openinference.instrumentation.google_genai:GoogleGenAIInstrumentor",
      CALLS: "gemini_calls",
    },
  },
  {
    name: "contrib-botocore",
    title: "OpenTelemetry contrib botocore (Bedrock)",
    environment: "bedrock",
    named: ["opentelemetry-instrumentation-botocore", "boto3"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "opentelemetry.instrumentation.botocore:BotocoreInstrumentor",
      CALLS: "bedrock_calls",
    },
  },
  {
    name: "openllmetry-bedrock",
    title: "OpenLLMetry bedrock",
    environment: "bedrock",
    named: ["opentelemetry-instrumentation-bedrock", "boto3"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "opentelemetry.instrumentation.bedrock:BedrockInstrumentor",
      CALLS: "bedrock_calls",
    },
  },
  {
    name: "openinference-bedrock",
    title: "OpenInference bedrock",
    environment: "bedrock",
    named: ["openinference-instrumentation-bedrock", "boto3"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "openinference.instrumentation.bedrock:BedrockInstrumentor",
      CALLS: "bedrock_calls",
    },
  },
  {
    name: "openllmetry-cohere",
    title: "OpenLLMetry cohere",
    environment: "other-clients",
    named: ["opentelemetry-instrumentation-cohere", "cohere"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "opentelemetry.instrumentation.cohere:CohereInstrumentor",
      CALLS: "cohere_calls",
    },
  },
  {
    name: "openllmetry-groq",
    title: "OpenLLMetry groq",
    environment: "other-clients",
    named: ["opentelemetry-instrumentation-groq", "groq"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "opentelemetry.instrumentation.groq:GroqInstrumentor",
      CALLS: "groq_calls",
    },
  },
  {
    name: "openinference-groq",
    title: "OpenInference groq",
    environment: "other-clients",
    named: ["openinference-instrumentation-groq", "groq"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "openinference.instrumentation.groq:GroqInstrumentor",
      CALLS: "groq_calls",
    },
  },
  {
    name: "openinference-mistral",
    title: "OpenInference mistralai",
    environment: "other-clients",
    named: ["openinference-instrumentation-mistralai", "mistralai"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "openinference.instrumentation.mistralai:MistralAIInstrumentor",
      CALLS: "mistral_calls",
    },
  },
];
