/**
 * What people write to a model, and what it answers, reaches no disk, no alert, no page and no log line: a canary in every
 * place that an instrumentation may put content in, through the real SDK, then an alert and a dead letter, then a search of
 * everything.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Attributes,
  logs,
  metrics,
  SeverityNumber,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attributeClassifier } from "../../services/contracts/content-attributes.ts";
import { topics } from "../../services/contracts/topics.ts";
import { openLmdbLog } from "../../services/log/lmdb.ts";
import { systemClock } from "../../services/runtime/clock.ts";
import { foreshock, startForeshock } from "../support/foreshock-process.ts";

const canary = "canary7f3a19 what the user asked";
const needle = canary.slice(0, 12);
/** Content made of words and numbers that error texts may hold, as APIs quote it in what they refuse. */
const plain = "please write your last message again at 4111 1111 1111 1111";
const refusals = [
  `Invalid request: '${plain}'`,
  `Error code: 400 - {"error": {"message": "Invalid message: ${plain}"}}`,
  `Invalid message: ${plain}`,
];
/** Not the first words: one may be a term of errors. */
const needles = [needle, "write your last", "4111 1111"];
/** Stands where nothing is cut: shows that the search finds what is there. */
const marker = "marker5d20c4";

const folder = mkdtempSync(join(tmpdir(), "foreshock-canary-"));
const dataDir = join(folder, "data");
const env = {
  FORESHOCK_DATA_DIR: dataDir,
  FORESHOCK_LOG_LEVEL: "debug",
  FORESHOCK_JUDGEMENT_WINDOW_LENGTH_MS: "1000",
  FORESHOCK_JUDGEMENT_WINDOW_LATENESS_MS: "500",
  FORESHOCK_JUDGEMENT_WINDOW_IDLE_TIMEOUT_MS: "1000",
  FORESHOCK_JUDGEMENT_DETECT_WARM_UP_WINDOWS: "8",
  FORESHOCK_JUDGEMENT_INCIDENT_OPEN_AFTER_WINDOWS: "1",
};

/** Every name that the rules know, those that begin one among them, read off the rules themselves. */
function contentNames(): string[] {
  const rules = new URL("../../services/contracts/content-attributes.ts", import.meta.url);
  const classify = attributeClassifier([]);
  const written = [...readFileSync(rules, "utf8").matchAll(/"([A-Za-z_][\w.:]*)"/g)].map(
    ([, name = ""]) => name,
  );
  const shapes = written.flatMap((name) => [
    name,
    ...["content", "0", "0.content", "0.tool_calls.0.arguments"].map((end) => `${name}${end}`),
    `llm.openai.${name}`,
  ]);
  return [...new Set(shapes)].filter((name) => classify(name, false) !== "keep");
}

const call: Attributes = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o",
  "gen_ai.usage.input_tokens": 12,
  "gen_ai.usage.output_tokens": 5,
  "tenant.id": marker,
};

const bodies: string[] = [];
let receiver: Server;
let webhook = "";

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      bodies.push(body);
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  webhook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

function startSdk(endpoint: string): NodeSDK {
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_BSP_SCHEDULE_DELAY: "200",
    OTEL_BSP_MAX_QUEUE_SIZE: "8192",
  });
  const sdk = new NodeSDK({
    serviceName: "chat-app",
    resource: resourceFromAttributes({
      "process.command_args": ["chat", canary],
      "process.command_line": `chat ${canary}`,
      "gen_ai.system_instructions": canary,
    }),
  });
  sdk.start();
  return sdk;
}

/** The canary in every attribute, event, message and body that content is known to be in. */
function speakContent(names: readonly string[]): void {
  const tracer = trace.getTracer("chat-app");
  for (let from = 0; from < names.length; from += 90) {
    const attributes: Attributes = { ...call };
    for (const name of names.slice(from, from + 90)) attributes[name] = canary;
    const span = tracer.startSpan("chat gpt-4o", { kind: SpanKind.CLIENT, attributes });
    for (const event of ["gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt"])
      span.addEvent(event, {
        content: canary,
        message: canary,
        tool_calls: [canary],
        role: "user",
      });
    span.addEvent("an event", attributes);
    span.recordException(new Error(`could not parse: ${canary}`));
    span.setStatus({
      code: SpanStatusCode.ERROR,
      message: `Error code: 500 - {"error": "${canary}"}`,
    });
    span.end();
    for (const refusal of refusals) {
      const refused = tracer.startSpan("chat gpt-4o", { kind: SpanKind.CLIENT, attributes: call });
      refused.setAttribute("error.message", refusal);
      refused.recordException(new Error(refusal));
      refused.setStatus({ code: SpanStatusCode.ERROR, message: refusal });
      refused.end();
    }
    metrics
      .getMeter("chat-app")
      .createCounter("chat.requests")
      .add(1, { "gen_ai.request.model": "gpt-4o", [names[from] ?? ""]: canary });
    logs.getLogger("chat-app").emit({
      severityNumber: SeverityNumber.INFO,
      body: marker,
      attributes,
    });
  }
  for (const eventName of ["gen_ai.user.message", "gen_ai.client.inference.operation.details"])
    logs.getLogger("chat-app").emit({
      eventName,
      body: { content: canary, parts: [{ text: canary }] },
      attributes: { content: canary, "gen_ai.output.messages": canary },
    });
}

/** Calls that all end well, or all fail and say the prompt in their error. */
function speakCalls(isFailing: boolean): void {
  const tracer = trace.getTracer("chat-app");
  for (let i = 0; i < 12; i++) {
    const attributes = {
      ...call,
      "gen_ai.input.messages": canary,
      "gen_ai.prompt.0.content": canary,
    };
    const span = tracer.startSpan("chat gpt-4o", { kind: SpanKind.CLIENT, attributes });
    if (isFailing) {
      span.setAttribute("error.type", "InternalServerError");
      span.recordException(new Error(refusals[i % refusals.length]));
      span.setStatus({ code: SpanStatusCode.ERROR, message: `Error code: 500 - ${canary}` });
    }
    span.end();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
const filesWith = (text: string) =>
  filesBelow(dataDir).filter((file) => readFileSync(file).includes(text));

/** Tables with a row that has the text in any column: on disk they are compressed, so they are asked. */
async function tablesWith(url: string, text: string): Promise<string[]> {
  const ask = async (sql: string) => {
    const response = await fetch(url, { method: "POST", body: sql });
    const answer = await response.text();
    expect(response.status, answer).toBe(200);
    return answer.trim();
  };
  // A view that takes parameters holds nothing of its own, and cannot be asked without them.
  const tables = (
    await ask(
      "SELECT name FROM system.tables WHERE database = 'foreshock' AND parameterized_view_parameters = []",
    )
  ).split("\n");
  expect(tables).toEqual(
    expect.arrayContaining(["spans", "windows", "verdicts", "incidents", "deliveries"]),
  );
  const found: string[] = [];
  for (const table of tables) {
    const rows = `FROM foreshock.\`${table}\` WHERE position(formatRow('JSONEachRow', *), '${text}') > 0`;
    if ((await ask(`SELECT count() ${rows}`)) !== "0") found.push(table);
  }
  return found;
}

describe("a canary in everything that holds content", () => {
  it("is found nowhere: on disk, in history, in alerts, on the page, in log lines, in dead letters", async () => {
    const names = contentNames();
    expect(names.length).toBeGreaterThan(150);
    const printed: string[] = [];
    const config = join(folder, "config.yaml");
    writeFileSync(config, `notify: { sinks: [{ kind: webhook, url: "${webhook}" }] }\n`);
    {
      await using product = startForeshock(["run", "--config", config], { env });
      const addresses = await product.addresses();
      const sdk = startSdk(`http://${addresses["OTLP HTTP"]}`);
      speakContent(names);
      for (let beat = 0; beat < 50; beat++) {
        speakCalls(false);
        await pause(400);
      }
      // Until somebody is told; the test's own limit ends the waiting.
      while (bodies.length === 0) {
        speakCalls(true);
        await pause(400);
      }
      await sdk.shutdown();
      await pause(3_000);

      const page = (addresses["page"] ?? "").replace(/\/$/, "");
      const { incident } = JSON.parse(bodies[0] ?? "{}").incident;
      const pages = ["/", "/api/now", "/api/incidents", `/api/incidents/${incident}`].map(
        (path) => `${page}${path}`,
      );
      for (const url of [...pages, addresses["metrics"] ?? ""]) {
        const response = await fetch(url);
        expect(response.status, url).toBe(200);
        const text = await response.text();
        for (const each of needles) expect(text, url).not.toContain(each);
      }
      const history = addresses["ClickHouse HTTP"] ?? "";
      expect(await tablesWith(history, marker)).toContain("spans");
      for (const each of needles) expect(await tablesWith(history, each)).toEqual([]);
      const { code, stdout, stderr } = await product.stop();
      expect(code).toBe(0);
      printed.push(stdout, stderr);
    }
    {
      // What the SDK sent, as it lies in the log, torn.
      await using log = await openLmdbLog({
        directory: join(dataDir, "log"),
        clock: systemClock,
        limits: { maxDiskBytes: 1e9 },
      });
      const records = await log.read({ topic: topics.traces, partition: 0, fromOffset: 0 });
      const value = records.find((record) => record.value.length > 500)?.value ?? Buffer.alloc(0);
      await log.append([
        { topic: topics.traces, partition: 0, value: value.subarray(0, value.length - 9) },
      ]);
    }
    {
      await using product = startForeshock(["run", "--config", config], { env });
      await product.addresses();
      await pause(3_000);
      const { stdout, stderr } = await product.stop();
      printed.push(stdout, stderr);
    }
    const letters = await foreshock(["deadletter", "list"], { env });
    expect(letters.stdout).toMatch(/(aggregate|archive) {2}record_invalid/);
    const shown = await foreshock(["deadletter", "show", letters.stdout.split(" ")[0] ?? ""], {
      env,
    });
    printed.push(letters.stdout, shown.stdout);

    expect(filesWith(marker).some((file) => file.startsWith(join(dataDir, "log")))).toBe(true);
    for (const each of needles) {
      expect(filesWith(each)).toEqual([]);
      expect(bodies.join("\n")).not.toContain(each);
      expect(printed.join("\n")).not.toContain(each);
    }
    const base64 = Buffer.from(`  ${needle}`).toString("base64").slice(4, 16);
    expect(filesWith(base64)).toEqual([]);
  });
});
