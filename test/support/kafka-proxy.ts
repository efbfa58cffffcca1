/** A network between a client and a Kafka that loses connections at the moments that matter for appending. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** What becomes of the next Produce requests: carried, carried without their answers, or cut off before their last byte. */
export type Fate = "carry" | "lose answer" | "lose end";

export interface KafkaProxy extends AsyncDisposable {
  readonly port: number;
  /** Asked at each Produce request. */
  fate: () => Fate;
  /** Requests that met another fate than to be carried. */
  readonly cut: number;
  /** Connections that stand and have never carried a request. */
  readonly unused: number;
}

const produceKey = 0;

/** Carries bytes to a port of this machine; `listening` is where clients come in (0: any port). */
export async function openKafkaProxy(options: {
  readonly listening: number;
  readonly to: number;
}): Promise<KafkaProxy> {
  const sockets = new Set<Socket>();
  const unused = new Set<Socket>();
  let cut = 0;
  const server = createServer((client) => {
    const broker = connect(options.to, "127.0.0.1");
    let losesAnswers = false;
    const end = () => {
      for (const each of [client, broker]) {
        each.destroy();
        sockets.delete(each);
        unused.delete(each);
      }
    };
    unused.add(client);
    const requests = readFrames((frame) => {
      unused.delete(client);
      const fate = frame.readInt16BE(4) === produceKey ? proxy.fate() : "carry";
      if (fate !== "carry") cut++;
      if (fate === "lose answer") losesAnswers = true;
      if (fate !== "lose end") broker.write(frame);
      else broker.write(frame.subarray(0, -1), () => end());
    });
    client.on("data", requests);
    broker.on("data", (bytes) => {
      if (losesAnswers) end();
      else client.write(bytes);
    });
    for (const each of [client, broker]) {
      sockets.add(each);
      each.on("close", end);
      each.on("error", end);
    }
  });
  server.listen(options.listening, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const proxy = {
    port: typeof address === "object" && address !== null ? address.port : 0,
    fate: (): Fate => "carry",
    get cut() {
      return cut;
    },
    get unused() {
      return unused.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}

/** Whole requests of a stream that comes in pieces; each begins with its length in 4 bytes. */
function readFrames(onFrame: (frame: Buffer) => void): (bytes: Buffer) => void {
  let left = Buffer.alloc(0);
  return (bytes) => {
    left = Buffer.concat([left, bytes]);
    while (left.length >= 4 && left.length >= 4 + left.readInt32BE(0)) {
      const size = 4 + left.readInt32BE(0);
      onFrame(left.subarray(0, size));
      left = left.subarray(size);
    }
  };
}
