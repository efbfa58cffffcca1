/** Server-sent events to every open page. A page that does not take what it is sent is let go; it comes back by itself. */
import type { ServerResponse } from "node:http";

export interface EventStream {
  /** Adds a listener; false when there are too many. */
  add(response: ServerResponse): boolean;
  readonly listeners: number;
  send(event: string, data: unknown): void;
  close(): void;
}

const mostListeners = 200;
const waitingBytes = 4 * 1024 * 1024;
const heartbeatMs = 10_000;

export function createEventStream(): EventStream {
  const open = new Set<ServerResponse>();
  const write = (text: string) => {
    for (const response of open)
      if (response.writableLength > waitingBytes) response.destroy();
      else response.write(text);
  };
  // Tells the page that the line still stands, though nothing is new.
  const heartbeat = setInterval(() => write(": \n\n"), heartbeatMs);
  heartbeat.unref();
  return {
    add(response) {
      if (open.size >= mostListeners) return false;
      open.add(response);
      response.once("close", () => open.delete(response));
      response.writeHead(200, {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      response.write("retry: 1000\n\n");
      return true;
    },
    get listeners() {
      return open.size;
    },
    send: (event, data) => {
      if (open.size > 0) write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    close() {
      clearInterval(heartbeat);
      for (const response of open) response.end();
    },
  };
}
