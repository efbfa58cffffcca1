/** An OTLP/HTTP receiver on loopback that keeps what is sent as it is, content and all, as records of a capture. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import type { CaptureRecord, CaptureSignal } from "../../services/log/capture-format.ts";

export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  readonly records: readonly CaptureRecord[];
}

const signals: readonly CaptureSignal[] = ["traces", "metrics", "logs"];

/** `now` gives Unix ms. Only protobuf is taken: JSON would have to be translated first. */
export async function startOtlpReceiver(now: () => number): Promise<OtlpReceiver> {
  const records: CaptureRecord[] = [];
  const server = createServer(async (request, response) => {
    const signal = signals.find((each) => request.url === `/v1/${each}`);
    const sent = await buffer(request);
    const isProtobuf = request.headers["content-type"] === "application/x-protobuf";
    if (signal === undefined || !isProtobuf) {
      response.writeHead(signal === undefined ? 404 : 415).end();
      return;
    }
    const payload = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
    records.push({ signal, partition: 0, appendMs: now(), payload, isHeartbeat: false });
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    records,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
