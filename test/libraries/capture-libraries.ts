/**
 * Runs real instrumentation libraries against the imitated provider, on loopback alone, and keeps what they export:
 * `test/fixtures/libraries/NAME.capture.gz`, as sent, and `NAME.truth.json`, what the provider saw. Run it with the names of
 * libraries (`runs.ts`), or without any for all; `--verbose` shows what the drivers say.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encodeCaptureRecord } from "../../services/log/capture-format.ts";
import { environmentOf, environmentsFolder, install, versionsIn } from "./environments.ts";
import { captureFile, truthFile } from "./fixtures.ts";
import type { LibraryRun } from "./library-run.ts";
import { startOtlpReceiver } from "./otlp-receiver.ts";
import { firstChunkMs, startProvider } from "./provider-server.ts";
import { libraryRuns } from "./runs.ts";
import { callsOf, type Truth } from "./truth.ts";

const drivers = join(import.meta.dirname, "drivers");
const runMs = 300_000;

const isVerbose = process.argv.includes("--verbose");
const wanted = process.argv.slice(2).filter((argument) => argument !== "--verbose");
const unknown = wanted.filter((name) => !libraryRuns.some((run) => run.name === name));
if (unknown.length > 0) {
  console.error(`${unknown.join()}: must be among ${libraryRuns.map(({ name }) => name).join()}`);
  process.exit(2);
}
for (const library of libraryRuns)
  if (wanted.length === 0 || wanted.includes(library.name)) await capture(library);

async function capture(library: LibraryRun): Promise<void> {
  const folder = await install(library);
  const versions = await versionsIn(folder, library);
  await using provider = await startProvider();
  await using receiver = await startOtlpReceiver(Date.now);
  await drive(library, { folder, provider: provider.url, receiver: receiver.url });
  const calls = callsOf(provider.attempts);
  const truth: Truth = {
    library: library.name,
    versions,
    captured: new Date().toISOString().slice(0, 10),
    firstChunkMs,
    calls,
  };
  const bytes = withoutPlaces(Buffer.concat(receiver.records.map(encodeCaptureRecord)));
  writeFileSync(captureFile(library.name), gzipSync(bytes, { level: 9 }));
  const lines = calls.map((call) => `  ${JSON.stringify(call)}`).join(",\n");
  const head = JSON.stringify({ ...truth, calls: [] }, null, 1).replace(/\[\]\n}$/, "");
  writeFileSync(truthFile(library.name), `${head}[\n${lines}\n ]\n}\n`);
  console.log(`${library.name}: ${calls.length} calls, ${receiver.records.length} records`);
}

/** Stack traces name the folders that this checkout and the libraries lie in: others of the same length stand for them, so that lengths stay right. */
function withoutPlaces(bytes: Buffer): Buffer {
  for (const [place, name] of [
    [join(import.meta.dirname, "..", ".."), "/checkout"],
    [environmentsFolder, "/libraries"],
  ] as const) {
    const other = Buffer.alloc(place.length, name);
    for (let at = bytes.indexOf(place); at >= 0; at = bytes.indexOf(place, at))
      other.copy(bytes, at);
  }
  return bytes;
}

async function drive(
  library: LibraryRun,
  at: { readonly folder: string; readonly provider: string; readonly receiver: string },
): Promise<void> {
  const isPython = environmentOf(library).language === "python";
  const program = isPython ? join(at.folder, "bin", "python") : process.execPath;
  const child = spawn(program, [join(drivers, library.driver)], {
    cwd: at.folder,
    stdio: ["ignore", isVerbose ? "inherit" : "ignore", isVerbose ? "inherit" : "ignore"],
    timeout: runMs,
    env: {
      PATH: `${join(at.folder, "bin")}:${process.env["PATH"]}`,
      HOME: at.folder,
      PROVIDER_URL: at.provider,
      OPENAI_API_KEY: "none",
      ANTHROPIC_API_KEY: "none",
      OPENAI_BASE_URL: `${at.provider}/v1`,
      ANTHROPIC_BASE_URL: at.provider,
      OTEL_EXPORTER_OTLP_ENDPOINT: at.receiver,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_SERVICE_NAME: `run-${library.name}`,
      OTEL_METRIC_EXPORT_INTERVAL: "600000",
      PYTHONDONTWRITEBYTECODE: "1",
      // LiteLLM would look prices up, OpenAI Agents would report to OpenAI.
      LITELLM_LOCAL_MODEL_COST_MAP: "True",
      NO_PROXY: "127.0.0.1,localhost",
      ...library.variables,
    },
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${library.driver} of ${library.name} ended with ${code}`);
}
