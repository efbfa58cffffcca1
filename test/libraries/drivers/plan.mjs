/** What the drivers in JavaScript have in common: the SDK, and the prompts. The packages are those of the run's own folder. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.cwd(), "package.json"));

/** Imports a package of the folder the driver runs in. */
export const load = (name) => import(pathToFileURL(require.resolve(name)).href);

/** The same for a package whose loading is instrumented: those hooks see `require` alone. */
export const loadCommon = (name) => require(name);

const { NodeSDK } = await load("@opentelemetry/sdk-node");
const { OTLPTraceExporter } = await load("@opentelemetry/exporter-trace-otlp-proto");
const { trace, SpanKind } = await load("@opentelemetry/api");

export const chatModel = "gpt-4o";
export const claude = "claude-sonnet-4-5";
export const embedder = "text-embedding-3-small";
export const timeoutMs = 1_000;
export const refusals = ["429", "529", "500", "503", "400", "401", "timeout"];

let next = 0;
let isServed = false;

export function prompt(behaviour) {
  next++;
  return `canary8c41e7 behave:${behaviour} call:c${next}${isServed ? " served" : ""} and so on`;
}

export function start(instrumentations = []) {
  const sdk = new NodeSDK({
    traceExporter: new OTLPTraceExporter(),
    instrumentations,
    autoDetectResources: false,
  });
  sdk.start();
  return sdk;
}

/** Runs a call that may fail: how it ended is the provider's to say. */
export async function attempt(work) {
  try {
    await work();
  } catch (error) {
    console.log("  ", error?.name, String(error?.message).slice(0, 60));
  }
}

/** The application's own span around a call. */
export function served(work) {
  const attributes = { "http.request.method": "POST", "http.route": "/chat" };
  const options = { kind: SpanKind.SERVER, attributes };
  return trace.getTracer("app").startActiveSpan("POST /chat", options, async (span) => {
    isServed = true;
    try {
      await attempt(work);
    } finally {
      isServed = false;
      span.end();
    }
  });
}
