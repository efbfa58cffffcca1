/**
 * An application with the real OpenTelemetry Node SDK, run as a process of its own and set up by the SDK's own
 * environment variables alone. Argument: the canary text that stands for a prompt.
 */
import { logs, metrics, SeverityNumber, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";

const canary = process.argv[2] ?? "canary";
const spanCount = 3;
const sdk = new NodeSDK();
sdk.start();

const tracer = trace.getTracer("chat-app", "1.0.0");
const requests = metrics.getMeter("chat-app").createCounter("chat.requests");
const duration = metrics.getMeter("chat-app").createHistogram("gen_ai.client.operation.duration");
const logger = logs.getLogger("chat-app");

for (let i = 0; i < spanCount; i++) {
  const span = tracer.startSpan("chat gpt-4o", {
    kind: SpanKind.CLIENT,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.input.messages": JSON.stringify([{ role: "user", content: canary }]),
      "llm.input_messages.0.message.content": canary,
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": 12,
      index: i,
    },
  });
  span.addEvent("gen_ai.user.message", { content: canary, role: "user" });
  span.recordException(new Error(`could not parse: ${canary}`));
  span.setStatus({
    code: SpanStatusCode.ERROR,
    message: `Error code: 529 - {"error": "${canary}"}`,
  });
  span.end();
  requests.add(1, { "gen_ai.request.model": "gpt-4o", "input.value": canary });
  duration.record(0.25 + i, { "gen_ai.request.model": "gpt-4o" });
  logger.emit({
    eventName: "gen_ai.user.message",
    severityNumber: SeverityNumber.INFO,
    body: { content: canary },
    attributes: { "gen_ai.system": "openai", index: i },
  });
  logger.emit({
    eventName: "gen_ai.client.inference.operation.details",
    body: canary,
    attributes: { "gen_ai.output.messages": canary },
  });
  logger.emit({
    severityNumber: SeverityNumber.ERROR,
    severityText: "ERROR",
    body: "upstream failed",
  });
}

await sdk.shutdown();
