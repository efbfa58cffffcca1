/** The dead man's switch from outside: a process, a receiver of its signs of life, and what ends them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startForeshock } from "../support/foreshock-process.ts";
import { openReceiver, type Receiver } from "../support/receiver.ts";

const dataDir = mkdtempSync(join(tmpdir(), "foreshock-deadman-"));
let receiver: Receiver;
beforeAll(async () => {
  receiver = await openReceiver();
});
afterAll(async () => {
  await receiver?.[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

const start = (...stages: string[]) =>
  startForeshock(["run", ...stages], {
    env: {
      FORESHOCK_DATA_DIR: dataDir,
      FORESHOCK_HISTORY_ENGINE: "none",
      FORESHOCK_CHECKPOINT_INTERVAL_MS: "1000",
      FORESHOCK_JUDGEMENT_WINDOW_LENGTH_MS: "1000",
      FORESHOCK_JUDGEMENT_WINDOW_LATENESS_MS: "1000",
      FORESHOCK_JUDGEMENT_WINDOW_IDLE_TIMEOUT_MS: "1000",
      FORESHOCK_NOTIFY_HEARTBEAT_URL: receiver.url,
      FORESHOCK_NOTIFY_HEARTBEAT_INTERVAL_SECONDS: "1",
      FORESHOCK_NOTIFY_HEARTBEAT_STALE_AFTER_SECONDS: "6",
    },
  });
const given = () => receiver.received.length;

it("gives signs of life while windows close, traffic or none, and none after kill -9 of the launcher alone", async () => {
  const product = start();
  const addresses = await product.addresses();
  while (given() < 3) await wait(100);
  // The program behind the launcher notices, stops, and frees its ports.
  await product.stop("SIGKILL");
  await expect(fetch(addresses["metrics"] ?? "")).rejects.toThrow("fetch failed");
  const before = given();
  await wait(2_500);
  expect(given()).toBe(before);
}, 90_000);

it("gives none where notify runs and the stages before it do not", async () => {
  const before = given();
  // Long enough that what the first run judged is stale.
  await wait(6_000);
  await using product = start("notify");
  await product.addresses();
  while (!product.stderr().includes("no sign of life is given")) await wait(100);
  expect(product.stderr()).toContain("no window has been judged that ended within 6 s");
  expect(given()).toBe(before);
}, 90_000);
