/** What will be here, and the lines that make it appear. */
import type { Now } from "../../contracts/http-api.ts";
import { h } from "./dom.ts";

export function emptyState({ otlpHttp, otlpGrpc }: Now["endpoints"]): HTMLElement {
  return h(
    "div",
    {},
    h(
      "p",
      {},
      "Here every model in every region will have its place, with what is normal for it and what is not. Any of these makes it appear:",
    ),
    way("An application with an OpenTelemetry SDK", [
      `export OTEL_EXPORTER_OTLP_ENDPOINT=${otlpHttp}`,
      "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
      "export OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental",
    ]),
    way("A Collector", [
      "exporters:",
      "  otlp/foreshock:",
      `    { endpoint: "${otlpGrpc.replace("http://", "")}", tls: { insecure: true } }`,
    ]),
    way("The demo: a simulated fleet and its outage", ["npm run demo"]),
  );
}

function way(title: string, lines: readonly string[]): HTMLElement {
  return h("figure", {}, h("figcaption", {}, title), h("pre", {}, lines.join("\n")));
}
