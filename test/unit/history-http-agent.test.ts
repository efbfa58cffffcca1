import { once } from "node:events";
import { createServer, get } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { keptConnections } from "../../services/history/http-agent.ts";

describe("kept connections", () => {
  it.each([0, 1, 2])("are not used once closed, whichever of three it was: %i", async (which) => {
    const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const agent = keptConnections(`http://127.0.0.1:${port}`, 10);
    const free = () => Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []);
    const ask = () =>
      new Promise<number | undefined>((resolve, reject) => {
        get({ port, agent }, (response) => {
          response.resume();
          response.once("end", () => resolve(response.statusCode));
        }).once("error", reject);
      });
    try {
      await Promise.all([ask(), ask(), ask()]);
      while (free().length < 3) await nextTurn();
      free()[which]?.destroy();
      expect(await ask()).toBe(200);
    } finally {
      agent.destroy();
      server.close();
    }
  });

  it("speak TLS where the address does", () => {
    expect(keptConnections("https://history.example:8443", 10)).toBeInstanceOf(TlsAgent);
    expect(keptConnections("http://history.example:8123", 10)).not.toBeInstanceOf(TlsAgent);
  });
});
