/** Runs of frameworks above the clients that came later. */
import { type LibraryRun, quietSdk } from "./library-run.ts";

export const furtherFrameworkRuns: readonly LibraryRun[] = [
  {
    name: "semantic-kernel",
    title: "Semantic Kernel",
    environment: "semantic-kernel",
    named: ["semantic-kernel", "openai"],
    driver: "semantic_kernel_calls.py",
  },
  {
    name: "mastra",
    title: "Mastra's OpenTelemetry exporter",
    environment: "mastra",
    named: ["@mastra/otel-exporter", "@mastra/core"],
    driver: "mastra_calls.mjs",
  },
  {
    name: "contrib-genai-langchain",
    title: "OpenTelemetry contrib genai-langchain",
    environment: "genai-langchain",
    named: [
      "opentelemetry-instrumentation-genai-langchain",
      "langchain-openai",
      "langchain-anthropic",
    ],
    driver: "instrumented.py",
    variables: {
      ...quietSdk,
      LIBRARY: "opentelemetry.instrumentation.genai.langchain:LangChainInstrumentor",
      CALLS: "langchain_chat_calls",
    },
  },
  {
    name: "openinference-langgraph-js",
    title: "LangGraph (JavaScript) with OpenInference",
    environment: "langgraph-js",
    named: [
      "@arizeai/openinference-instrumentation-langchain",
      "@langchain/langgraph",
      "@langchain/openai",
      "@langchain/anthropic",
    ],
    driver: "langgraph_js.mjs",
    variables: {
      LIBRARY: "@arizeai/openinference-instrumentation-langchain:LangChainInstrumentation",
    },
  },
  {
    name: "openllmetry-langgraph-js",
    title: "LangGraph (JavaScript) with OpenLLMetry",
    environment: "langgraph-js",
    named: [
      "@traceloop/instrumentation-langchain",
      "@langchain/langgraph",
      "@langchain/openai",
      "@langchain/anthropic",
    ],
    driver: "langgraph_js.mjs",
    variables: { LIBRARY: "@traceloop/instrumentation-langchain:LangChainInstrumentation" },
  },
  {
    name: "instructor",
    title: "Instructor with OpenInference, its client too",
    environment: "instructor",
    named: [
      "openinference-instrumentation-instructor",
      "instructor",
      "openinference-instrumentation-openai",
    ],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "openinference.instrumentation.instructor:InstructorInstrumentor",
      CALLS: "instructor_calls",
    },
  },
  {
    name: "haystack",
    title: "Haystack with OpenInference",
    environment: "haystack",
    named: ["openinference-instrumentation-haystack", "haystack-ai"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "openinference.instrumentation.haystack:HaystackInstrumentor",
      CALLS: "haystack_calls",
    },
  },
  {
    name: "dspy",
    title: "DSPy with OpenInference",
    environment: "dspy",
    named: ["openinference-instrumentation-dspy", "dspy"],
    driver: "instrumented.py",
    variables: {
      LIBRARY: "openinference.instrumentation.dspy:DSPyInstrumentor",
      CALLS: "dspy_calls",
    },
  },
];
