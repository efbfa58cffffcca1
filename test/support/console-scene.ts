/** A small fleet as frames: four models in three regions, one of them getting slow. Deterministic. */
import { cellKey } from "../../services/contracts/cell.ts";
import type { CellFrame, Frame } from "../../services/contracts/frame.ts";
import { frameRecord } from "../../services/contracts/frame.ts";
import { type Incident, incidentRecord } from "../../services/contracts/incident.ts";
import { type Delivery, deliveryRecord } from "../../services/contracts/records.ts";
import { topics } from "../../services/contracts/topics.ts";
import type { AppendRecord } from "../../services/log/log.ts";
import { aCell, aCellFrame, aFrame, aVerdict } from "./records.ts";

export const sceneWindowMs = 5_000;

const models = [
  ["anthropic", "claude-sonnet", 1_150_000],
  ["anthropic", "claude-haiku", 420_000],
  ["openai", "gpt-4o", 780_000],
  ["mistral_ai", "mistral-large", 900_000],
] as const;
const regions = ["eu-west-1", "us-east-1", "ap-southeast-2"] as const;
const operations = ["chat", "embeddings"] as const;

export const sickCell = cellKey(
  aCell({ provider: "anthropic", model: "claude-sonnet", region: "eu-west-1" }),
);

export interface SceneOptions {
  readonly windowStartMs: number;
  /** How much slower the sick cell answers; 1: as always. */
  readonly slowness: number;
}

/** A frame of 24 cells. Wobbles by hash, not by chance. */
export function sceneFrame({ windowStartMs, slowness }: SceneOptions): Frame {
  const cells: CellFrame[] = [];
  for (const [provider, model, usualUs] of models)
    for (const region of regions)
      for (const operation of operations) {
        const cell = cellKey(aCell({ provider, model, region, operation }));
        const isSick = cell === sickCell;
        const factor = isSick ? slowness : 1;
        const usual = operation === "chat" ? usualUs : usualUs / 8;
        const seen = usual * factor * (0.94 + 0.12 * wobble(`${cell}${windowStartMs}`));
        const isSilent =
          model === "mistral-large" && region === "ap-southeast-2" && operation === "embeddings";
        const isLearning =
          model === "mistral-large" && region === "ap-southeast-2" && operation === "chat";
        const state = isLearning
          ? "warming"
          : isSick && slowness > 1.6
            ? "anomalous"
            : isSick && slowness > 1.3
              ? "watching"
              : "normal";
        cells.push(
          aCellFrame({
            cell,
            requests: isSilent ? 0 : 100,
            quietWindows: isSilent ? 12 : 0,
            signals: isSilent
              ? [aVerdict({ signal: "ttft", state: "blind", seen: null, bad: 0, of: 0 })]
              : [
                  aVerdict({
                    signal: "ttft",
                    state,
                    seen,
                    expected: isLearning ? null : usual,
                    low: isLearning ? null : usual * 0.8,
                    high: isLearning ? null : usual * 1.22,
                    bad: isSick && slowness > 1.3 ? 38 : 4,
                    of: 100,
                    direction: slowness > 1.3 && isSick ? "up" : "none",
                    surprise: slowness > 1.3 && isSick ? 4 * slowness : 0.4,
                  }),
                  aVerdict({ signal: "failures", state: isLearning ? "warming" : "normal" }),
                ],
          }),
        );
      }
  return aFrame({
    windowStartMs,
    windowMs: sceneWindowMs,
    appendMs: windowStartMs + 16_000,
    pipeline: {
      spans: 2_300,
      lateSpans: windowStartMs % 60_000 === 0 ? 3 : 0,
      clampedSpans: 0,
      duplicateSpans: 0,
      senders: 12,
    },
    cells,
  });
}

function wobble(text: string): number {
  let hash = 2_166_136_261;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619);
  return (hash >>> 0) / 2 ** 32;
}

export const frameAppend = (frame: Frame): AppendRecord => ({
  topic: topics.frames,
  partition: 0,
  value: frameRecord.encode(frame),
});
export const incidentAppend = (incident: Incident): AppendRecord => ({
  topic: topics.incidents,
  partition: 0,
  value: incidentRecord.encode(incident),
});
export const deliveryAppend = (delivery: Delivery): AppendRecord => ({
  topic: topics.deliveries,
  partition: 0,
  value: deliveryRecord.encode(delivery),
});

export const aDelivery = (overrides: Partial<Delivery> = {}): Delivery => ({
  key: "7f3a91c2/paged/terminal",
  incident: "7f3a91c2",
  transition: "paged",
  sink: "terminal",
  severity: "page",
  atMs: 1_800_000_000_000,
  outcome: "delivered",
  attempts: 1,
  delayMs: 120,
  detail: "written",
  ...overrides,
});
