/** The console on a log of its own for each test; importing this opens and closes both around every test. */
import { request } from "node:http";
import { afterEach, beforeEach } from "vitest";
import { consoleStage } from "../../services/console/console.ts";
import { incidentDetailSchema, nowSchema } from "../../services/contracts/http-api.ts";
import type { Log } from "../../services/log/log.ts";
import { type Clock, systemClock } from "../../services/runtime/clock.ts";
import type { RunningServer } from "../../services/stage.ts";
import { frameAppend, sceneFrame, sceneWindowMs } from "./console-scene.ts";
import { anEdgeContext, openTestLog } from "./edge-context.ts";

/** A round time; the log's clock and the console's stand still at it. */
export const nowMs = 1_800_000_000_000;
export const clock: Clock = { ...systemClock, nowMs: () => nowMs };
export const newestMs = nowMs - 15_000;

export let log: Log;
export let server: RunningServer | undefined;

beforeEach(async () => {
  log = await openTestLog(clock);
});
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
  await log[Symbol.asyncDispose]();
});

export async function open(config: object = {}): Promise<string> {
  server = await consoleStage.open(
    anEdgeContext(log, { console: { port: 0, ...config } }, { clock }),
  );
  const url = server.addresses["page"] ?? "";
  for (let tries = 0; tries < 200; tries++) {
    if ((await fetch(`${url}/readyz`)).ok) return url;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the console did not become ready");
}

export const appendFrames = (count: number, slowness = 1) =>
  log.append(
    Array.from({ length: count }, (_, index) =>
      frameAppend(
        sceneFrame({ windowStartMs: newestMs - (count - 1 - index) * sceneWindowMs, slowness }),
      ),
    ),
  );

export const get = async (url: string): Promise<unknown> => (await fetch(url)).json();
export const getNow = async (url: string) => nowSchema.parse(await get(`${url}/api/now`));
export const getDetail = async (url: string, query = "") =>
  incidentDetailSchema.parse(await get(`${url}/api/incidents/7f3a91c2${query}`));
export const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** Until the console's tail has caught up with what was appended. */
export async function until<T>(read: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 300; tries++) {
    const value = await read();
    if (isThere(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("what was waited for did not come");
}

/** A request with headers that fetch does not let one set. */
export const statusWith = (url: string, headers: Record<string, string>, method = "GET") =>
  new Promise<number>((resolve, reject) => {
    const outgoing = request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.once("error", reject);
    outgoing.end(method === "POST" ? "{}" : undefined);
  });
