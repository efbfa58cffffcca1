import { Agent, type AgentOptions } from "node:http";
import { Agent as TlsAgent } from "node:https";

/**
 * Connections that are kept, for at most so many requests at once. The one that was free for longest is taken first: that is the only one of
 * which Node makes sure that it was not just closed. The ClickHouse client closes idle ones in a timer and sends its next request in another; with
 * Node's default order that request could get the closed one, and end with "socket hang up".
 */
export function keptConnections(url: string, maxSockets: number): Agent | TlsAgent {
  const options: AgentOptions = { keepAlive: true, maxSockets, scheduling: "fifo" };
  return new URL(url).protocol === "https:" ? new TlsAgent(options) : new Agent(options);
}
