import type { AddressInfo, Server } from "node:net";
import { ForeshockError } from "../contracts/errors.ts";

/** Where to listen, and the configuration key of the port, for messages. */
export interface ListenAt {
  readonly host: string;
  readonly port: number;
  readonly key: string;
}

/** Resolves to the real address, as `host:port`. Throws `port_in_use` naming the port and its configuration key. */
export function listen(server: Server, { host, port, key }: ListenAt): Promise<string> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === "EADDRINUSE"
          ? "is taken by another program"
          : `can not be listened on: ${cause.message}`;
      reject(
        new ForeshockError("port_in_use", `port ${port} on ${host} (${key}) ${reason}`, { cause }),
      );
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.removeListener("error", onError);
      const { address, port: realPort } = server.address() as AddressInfo;
      resolve(address.includes(":") ? `[${address}]:${realPort}` : `${address}:${realPort}`);
    });
  });
}
