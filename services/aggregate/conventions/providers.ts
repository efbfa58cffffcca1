/** Provider names as libraries write them → the conventions' names, and the model that was asked for there. */
import { bareModel } from "../../contracts/model-names.ts";
import { memoized } from "../decode/memo.ts";
import { internText, type Texts, textOf } from "../decode/texts.ts";
import { fieldOf, fieldsOf } from "./attributes.ts";
import { lookUp } from "./look-up.ts";
import { firstText, type Reading, rawText, textIn, withoutQuotes } from "./reading.ts";

/**
 * Names other than those of the conventions, in lower case with `_` for blanks and hyphens. Names that are in no table stay as they
 * are.
 */
const aliases: Readonly<Record<string, string>> = {
  az: "azure.ai.openai",
  azure: "azure.ai.openai",
  azureopenai: "azure.ai.openai",
  azure_openai: "azure.ai.openai",
  "azure.openai": "azure.ai.openai",
  "az.ai.openai": "azure.ai.openai",
  azure_ai: "azure.ai.inference",
  azure_ai_inference: "azure.ai.inference",
  "az.ai.inference": "azure.ai.inference",
  amazon: "aws.bedrock",
  aws: "aws.bedrock",
  aws_bedrock: "aws.bedrock",
  bedrock: "aws.bedrock",
  "bedrock.anthropic": "aws.bedrock",
  bedrock_converse: "aws.bedrock",
  bedrockruntime: "aws.bedrock",
  amazon_bedrock: "aws.bedrock",
  "amazon.bedrock": "aws.bedrock",
  google: "gcp.gen_ai",
  google_genai: "gcp.gen_ai",
  gemini: "gcp.gemini",
  google_gemini: "gcp.gemini",
  "google.generative_ai": "gcp.gemini",
  google_ai_studio: "gcp.gemini",
  vertex_ai: "gcp.vertex_ai",
  vertexai: "gcp.vertex_ai",
  vertex: "gcp.vertex_ai",
  "vertex.anthropic": "gcp.vertex_ai",
  google_vertexai: "gcp.vertex_ai",
  google_vertex: "gcp.vertex_ai",
  google_anthropic_vertex: "gcp.vertex_ai",
  "google.vertex": "gcp.vertex_ai",
  "google.vertex.anthropic": "gcp.vertex_ai",
  claude: "anthropic",
  ibm_watsonx: "ibm.watsonx.ai",
  watsonx: "ibm.watsonx.ai",
  "watsonx.ai": "ibm.watsonx.ai",
  xai: "x_ai",
  mistral: "mistral_ai",
  mistralai: "mistral_ai",
  text_completion_openai: "openai",
};

/** What the Vercel AI SDK adds to a provider's name: which of its interfaces is called. */
const interfaceSuffix =
  /\.(chat|responses|messages|completion|completions|embedding|embeddings|textembedding|generative-ai|image|speech|transcription)$/;

export function canonicalProvider(name: string): string {
  const lower = withoutQuotes(name).trim().toLowerCase();
  const known = aliasOf(lower);
  if (known !== undefined) return known;
  const bare = lower.replace(interfaceSuffix, "");
  return aliasOf(bare) ?? bare;
}

const aliasOf = (name: string): string | undefined => lookUp(aliases, name.replace(/[\s-]+/g, "_"));

const providerFields = fieldsOf(
  "gen_ai.provider.name",
  "gen_ai.system",
  "llm.provider",
  "llm.system",
  // OpenLLMetry before it took the conventions' names.
  "llm.vendor",
  "ai.model.provider",
  "mlflow.llm.provider",
  "mlflow.message.format",
);
const errorProviderFields = fieldsOf("error.llm_provider", "litellm.provider.error.llm_provider");
const liteLlmModel = fieldOf("litellm.provider.model");
const requestModel = fieldOf("gen_ai.request.model");
const formerRequestModel = fieldOf("llm.request.model");
const aiModel = fieldOf("ai.model.id");
const inferenceRequestModel = fieldOf("llm.request.model_name");
const inferenceParameters = fieldsOf(
  "llm.invocation_parameters",
  "embedding.invocation_parameters",
);
/** Where nothing says what was asked for: Langfuse's one model, and the one that answered. */
const lastModels = fieldsOf(
  "llm.model_name",
  "embedding.model_name",
  "langfuse.observation.model.name",
  "gen_ai.response.model",
);
/** Of MLflow's spans: a parameter of the request, and the model that answered. */
const mlflowModels = fieldsOf("model", "mlflow.llm.model");
const mlflowType = fieldOf("mlflow.spanType");
const inferenceModel = fieldOf("llm.model_name");
const inferenceResponseModel = fieldOf("llm.response.model_name");
const responseModelFields = fieldsOf(
  "gen_ai.response.model",
  "llm.response.model",
  "ai.response.model",
);

/** Who makes the models of a family: for spans that name a model and nobody who serves it. */
const makers: readonly (readonly [RegExp, string])[] = [
  [/^(gpt-|chatgpt-|o[134](-|$)|text-embedding-|davinci|babbage)/, "openai"],
  [/^claude-/, "anthropic"],
  [/^gemini-/, "gcp.gemini"],
  [/^(mistral|ministral|magistral|codestral|mixtral)-/, "mistral_ai"],
  [/^command-/, "cohere"],
  [/^deepseek-/, "deepseek"],
  [/^grok-/, "x_ai"],
  [/^sonar(-|$)/, "perplexity"],
];

/** Frameworks that give themselves as the provider: whose the model is says more. */
const frameworks: ReadonlySet<string> = new Set([
  "strands-agents",
  "gcp.vertex.agent",
  "autogen",
  "crewai",
  "dspy",
  "haystack",
  "langchain",
  "langgraph",
  "llama_index",
  "llamaindex",
]);

/** Spans of a model server itself, which do not say what it is. Source: vLLM, `vllm/tracing`. */
const modelServerFields = fieldsOf("gen_ai.latency.e2e", "gen_ai.latency.time_in_queue");

/** Interned name of the provider; 0 where the span does not tell. `asked`: the interned model. */
export function providerOf(reading: Reading, asked: number): number {
  const named = firstText(reading, providerFields);
  if (named !== 0 && !frameworks.has(textOf(reading.texts, named).toLowerCase()))
    return canonicalId(reading.texts, named);
  // LiteLLM leaves the provider of embeddings empty, but writes `openai/text-embedding-3-small`.
  const model = textOf(reading.texts, textIn(reading, reading.attributes, liteLlmModel));
  const slash = model.indexOf("/");
  if (slash > 0) return internText(reading.texts, canonicalProvider(model.slice(0, slash)));
  const failed = firstText(reading, errorProviderFields);
  if (failed !== 0) return canonicalId(reading.texts, failed);
  for (let i = 0; i < modelServerFields.length; i++)
    if (textIn(reading, reading.attributes, modelServerFields[i] as number) !== 0)
      return internText(reading.texts, "vllm");
  const name = textOf(reading.texts, asked).toLowerCase();
  const known = makers.find(([family]) => family.test(name))?.[1];
  return known === undefined ? 0 : internText(reading.texts, known);
}

/** Interned provider that stands before a model, `openai/text-embedding-3-small`; 0 where none does. */
export function providerBefore(texts: Texts, model: number): number {
  const name = textOf(texts, model);
  const slash = name.indexOf("/");
  return slash <= 0 ? 0 : internText(texts, canonicalProvider(name.slice(0, slash)));
}

/** `anthropic/claude-sonnet-4-5` asked of Anthropic, as LiteLLM's callers write it, is `claude-sonnet-4-5`. Both are interned. */
export function withoutProvider(texts: Texts, model: number, provider: number): number {
  const name = textOf(texts, model);
  return name.includes("/") ? internText(texts, bareOf(name, textOf(texts, provider))) : model;
}

/** The same of texts, the provider's by its canonical name. */
export function bareOf(model: string, provider: string): string {
  const slash = model.indexOf("/");
  const isIts = slash > 0 && canonicalProvider(model.slice(0, slash)) === provider;
  return isIts ? model.slice(slash + 1) : model;
}

/** Interned name of the model that was asked for at the provider; 0 where the span does not tell. */
export function modelOf(reading: Reading): number {
  const { attributes, texts } = reading;
  // Behind LiteLLM's proxy the request's model is an alias; this is the one that it asked for.
  const asked = textIn(reading, attributes, liteLlmModel);
  if (asked !== 0) {
    const text = textOf(texts, asked);
    const slash = text.indexOf("/");
    return slash > 0 ? internText(texts, text.slice(slash + 1)) : asked;
  }
  const named = textIn(reading, attributes, requestModel);
  if (named !== 0) return named;
  const former = textIn(reading, attributes, formerRequestModel);
  if (former !== 0) return former;
  const inference = textIn(reading, attributes, inferenceRequestModel);
  if (inference !== 0) return inference;
  const parameter = parameterModel(reading);
  if (parameter !== 0) return parameter;
  const vercel = textIn(reading, attributes, aiModel);
  if (vercel !== 0) return vercel;
  const isMlflow = textIn(reading, attributes, mlflowType) !== 0;
  const quoted = isMlflow ? firstText(reading, mlflowModels) : 0;
  if (quoted !== 0) return internText(texts, withoutQuotes(textOf(texts, quoted)));
  return firstText(reading, lastModels);
}

/** OpenInference: the model asked for is inside a JSON text; `llm.model_name` is the response's, and absent on failures. */
const modelInJson = /(?<!\\)"model(?:_name)?"\s*:\s*"((?:[^"\\]|\\.)+)"/;
const parameterBytes = 4_096;

function parameterModel(reading: Reading): number {
  for (const field of inferenceParameters) {
    const text = rawText(reading, field, parameterBytes);
    const model = text === "" ? undefined : modelInJson.exec(text)?.[1];
    if (model !== undefined) return internText(reading.texts, model);
  }
  return 0;
}

/** Interned name of the model that answered; 0 where the span does not tell. */
export function responseModelOf(reading: Reading): number {
  const named = firstText(reading, responseModelFields);
  if (named !== 0) return named;
  const inference = textIn(reading, reading.attributes, inferenceResponseModel);
  return inference !== 0 ? inference : textIn(reading, reading.attributes, inferenceModel);
}

/** Whether the answer came from another model than asked for, beyond a version: `gpt-4o-2024-08-06` is `gpt-4o`. */
export function isSubstituted(asked: string, answered: string): boolean {
  if (asked === "" || answered === "") return false;
  return bareModel(asked) !== bareModel(answered);
}

/** LiteLLM answers with the alias that the caller asked for, which is not another model. */
export function isAlias(reading: Reading, responseModel: number): boolean {
  return (
    textIn(reading, reading.attributes, liteLlmModel) !== 0 &&
    textIn(reading, reading.attributes, requestModel) === responseModel
  );
}

const canonicalId = memoized((name, texts) => internText(texts, canonicalProvider(name)));
